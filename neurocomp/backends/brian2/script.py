"""The text of run.py: a flat script, as a Brian2 user would write it."""

from neurocomp.backends.brian2.populations import population_text
from neurocomp.backends.brian2.projections import Wire, synapse_text
from neurocomp.program import Program
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Given, Graded


def script(program: Program, wires: tuple[Wire, ...]) -> str:
    """Write run.py for `program`, whose spikes `wires` carry."""
    network = program.network
    spikes = any(isinstance(p.neuron, Given) for p in network.populations)
    parts = [_head(network.run_length(program.steps), network.integer, spikes)]
    parts += [population_text(n, network) for n in range(len(network.populations))]
    parts += [synapse_text(wire) for wire in wires]
    parts.append(_tail(network, wires))
    return "\n".join(parts)


_DRAWN = (  # an import and a line that only drawn input spikes need
    "\n        SpikeGeneratorGroup,",
    "\ngiven = HOST.given(drive)  # spikes from the host, bool (samples, steps, neurons)",
)


def _head(length: int, integer: bool, spikes: bool) -> str:
    generator, given = _DRAWN if spikes else ("", "")
    numbers = "integers" if integer else "multiples of a power of two"
    return f'''\
"""Run the compiled network in Brian2.

    python run.py inputs.npz spikes.npz [--membranes] [--standalone]

One step is 1 ms of Brian2's time. All samples follow each other in one run, {length} steps each: at
the first of them every state is set back. Within a step a population adds what has arrived to its
membrane, then fires, then its spikes travel; so d steps from spike to arrival are Brian2's delay of
d - 1 steps. The numbers are {numbers}, and every sum is exact in float64.
"""

import atexit
import shutil
import tempfile
from pathlib import Path

import host
import numpy as np

try:
    from brian2 import (
        Network,
        NeuronGroup,{generator}
        SpikeMonitor,
        StateMonitor,
        Synapses,
        TimedArray,
        defaultclock,
        ms,
        prefs,
        second,
        set_device,
    )
except ModuleNotFoundError as error:
    host.stop(f"brian2: cannot be imported, {{error}} (pip install brian2)")

HERE = Path(__file__).parent
HOST = host.load(HERE)
STEP = 1 * ms
LENGTH = {length}  # steps of a sample
PERIOD = LENGTH * STEP

parser = host.parser("Run the compiled network in Brian2.")
parser.add_argument("--standalone", action="store_true", help="as a C++ program (needs a compiler)")
options = parser.parse_args()
samples = host.read_samples(options.inputs, HOST)
drive = HOST.drive(samples)  # bias and analog input of each population, (samples, neurons){given}

if options.standalone:
    folder = tempfile.mkdtemp(prefix="brian2-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    set_device("cpp_standalone", directory=folder)
    prefs.codegen.cpp.extra_compile_args = ["-w", "-O2"]  # the default's -ffast-math is not exact
else:
    prefs.codegen.target = "numpy"
defaultclock.dt = STEP
'''


_MESSAGES = (  # lines that only graded neurons need
    """
messages = {
    g.name: StateMonitor(g, "message", record=True, when="end")
    for g in groups
    if "message" in g.variables
}""",
    """
    if group.name in messages:
        sent = np.rint(messages[group.name].message).astype(np.int64)
        return sent.T.reshape(len(samples), LENGTH, len(group))""",
    ", messages",
)


def _tail(network: Network, wires: tuple[Wire, ...]) -> str:
    graded = any(isinstance(p.neuron, Graded) for p in network.populations)
    messages, sent, watched = _MESSAGES if graded else ("", "", "")
    fired = ' and "message" not in g.variables' if graded else ""
    groups = [f"p{n}" for n in range(len(network.populations))]
    readout = groups[[p.name for p in network.populations].index(network.readout)]
    return f'''\
groups = {_list(groups)}
synapses = {_list([w.name for w in wires])}
spikes = {{g.name: SpikeMonitor(g) for g in groups if "spike" in g.events{fired}}}{messages}
watched = [g for g in groups if "v" in g.variables] if options.membranes else [{readout}]
membranes = {{g.name: StateMonitor(g, "v", record=True, when="end") for g in watched}}


def raster(group):
    """Give the spikes of `group`, bool (samples, steps, neurons)."""{sent}
    fired = np.zeros((len(samples) * LENGTH, len(group)), dtype=bool)
    if group.name in spikes:
        steps = np.rint(spikes[group.name].t / STEP).astype(np.int64)
        fired[steps, spikes[group.name].i] = True
    return fired.reshape(len(samples), LENGTH, len(group))


def membrane(group):
    """Give the membrane of `group` after each step, (samples, steps, neurons); None for a gate."""
    if group.name not in membranes:
        return None
    return membranes[group.name].v.T.reshape(len(samples), LENGTH, len(group))


def report(elapsed, completed, start, duration):
    """Tell how many samples are done."""
    host.progress(int(completed * len(samples)), len(samples))


report_in_cpp = f"""
    const int total = {{len(samples)}};
    std::cerr << "sample " << (int)(completed * total) << " of " << total << std::endl;
"""
network = Network(groups, synapses, spikes, membranes{watched})
network.run(
    len(samples) * PERIOD,
    report=report_in_cpp if options.standalone else report,
    report_period=1 * second,
)

host.write_results(
    options.spikes,
    HOST,
    [raster(group) for group in groups],
    membrane({readout}),
    [membrane(group) for group in groups] if options.membranes else None,
)
'''


def _list(names: list[str]) -> str:
    line = f"[{', '.join(names)}]"
    return line if len(line) < 80 else "[\n    " + ",\n    ".join(names) + ",\n]"
