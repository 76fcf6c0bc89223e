"""Run the compiled network in Brian2.

    python run.py inputs.npz spikes.npz [--membranes] [--standalone]

One step is 1 ms of Brian2's time. All samples follow each other in one run, 26 steps each: at
the first of them every state is set back. Within a step a population adds what has arrived to its
membrane, then fires, then its spikes travel; so d steps from spike to arrival are Brian2's delay of
d - 1 steps. The numbers are multiples of a power of two, and every sum is exact in float64.
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
        NeuronGroup,
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
    host.stop(f"brian2: cannot be imported, {error} (pip install brian2)")

HERE = Path(__file__).parent
HOST = host.load(HERE)
STEP = 1 * ms
LENGTH = 26  # steps of a sample
PERIOD = LENGTH * STEP

parser = host.parser("Run the compiled network in Brian2.")
parser.add_argument("--standalone", action="store_true", help="as a C++ program (needs a compiler)")
options = parser.parse_args()
samples = host.read_samples(options.inputs, HOST)
drive = HOST.drive(samples)  # bias and analog input of each population, (samples, neurons)

if options.standalone:
    folder = tempfile.mkdtemp(prefix="brian2-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    set_device("cpp_standalone", directory=folder)
    prefs.codegen.cpp.extra_compile_args = ["-w", "-O2"]  # the default's -ffast-math is not exact
else:
    prefs.codegen.target = "numpy"
defaultclock.dt = STEP

# p0: 'a', 9 x 1 x 1 neurons, from step 1
p0_arrays = host.read_npz(HERE / "p0.npz")
p0 = NeuronGroup(
    9,
    """
    v : 1  # membrane
    drive : 1  # what spikes brought
    current : 1  # bias and analog input
    v_init : 1 (constant)
    theta : 1 (constant)  # threshold
    """,
    threshold="v >= theta",
    reset="v -= theta",
    name="p0",
)
p0.v_init = p0_arrays["v_init"]
p0.theta = p0_arrays["theta"]
p0_current = TimedArray(drive[0], dt=PERIOD)
p0.run_regularly("v = v_init; drive = 0; current = p0_current(t, i)", dt=PERIOD, when="start")
p0.run_regularly("v += drive + current; drive = 0", when="groups")

# p1: 'b', 9 x 1 x 1 neurons, from step 3
p1_arrays = host.read_npz(HERE / "p1.npz")
p1 = NeuronGroup(
    9,
    """
    v : 1  # membrane
    drive : 1  # what spikes brought
    current : 1 (constant)  # bias and analog input
    v_init : 1 (constant)
    theta : 1 (constant)  # threshold
    active = t_in_timesteps % LENGTH >= 2 : boolean (shared)
    """,
    threshold="active and v >= theta",
    reset="v -= theta",
    name="p1",
)
p1.v_init = p1_arrays["v_init"]
p1.theta = p1_arrays["theta"]
p1.current = drive[1][0]
p1.run_regularly("v = v_init; drive = 0", dt=PERIOD, when="start")
p1.run_regularly("v += int(active) * (drive + current); drive = 0", when="groups")

# p2: 'c', 9 x 1 x 1 neurons, from step 6
p2_arrays = host.read_npz(HERE / "p2.npz")
p2 = NeuronGroup(
    9,
    """
    v : 1  # membrane
    drive : 1  # what spikes brought
    current : 1 (constant)  # bias and analog input
    v_init : 1 (constant)
    theta : 1 (constant)  # threshold
    active = t_in_timesteps % LENGTH >= 5 : boolean (shared)
    """,
    threshold="active and v >= theta",
    reset="v -= theta",
    name="p2",
)
p2.v_init = p2_arrays["v_init"]
p2.theta = p2_arrays["theta"]
p2.current = drive[2][0]
p2.run_regularly("v = v_init; drive = 0", dt=PERIOD, when="start")
p2.run_regularly("v += int(active) * (drive + current); drive = 0", when="groups")

# p3: 'out', 3 x 1 x 1 neurons, from step 7
p3_arrays = host.read_npz(HERE / "p3.npz")
p3 = NeuronGroup(
    3,
    """
    v : 1  # membrane
    drive : 1  # what spikes brought
    current : 1 (constant)  # bias and analog input
    v_init : 1 (constant)
    active = t_in_timesteps % LENGTH >= 6 : boolean (shared)
    """,
    name="p3",
)
p3.v_init = p3_arrays["v_init"]
p3.current = drive[3][0]
p3.run_regularly("v = v_init; drive = 0", dt=PERIOD, when="start")
p3.run_regularly("v += int(active) * (drive + current); drive = 0", when="groups")

# s0: 'a' -> 'b', 2 steps from spike to arrival
s0_arrays = host.read_npz(HERE / "s0.npz")
s0 = Synapses(
    p0,
    p1,
    "w : 1 (constant)",
    on_pre="drive_post += w",
    delay=1 * STEP,
    name="s0",
)
s0.connect(i=s0_arrays["pre"], j=s0_arrays["post"])
s0.w = s0_arrays["weights"][s0_arrays["which"]]

# s1: 'a' -> 'c', 3 steps from spike to arrival
s1_arrays = host.read_npz(HERE / "s1.npz")
s1 = Synapses(
    p0,
    p2,
    "w : 1 (constant)",
    on_pre="drive_post += w",
    delay=2 * STEP,
    name="s1",
)
s1.connect(i=s1_arrays["pre"], j=s1_arrays["post"])
s1.w = s1_arrays["weights"][s1_arrays["which"]]

# s2: 'b' -> 'c', 1 step from spike to arrival
s2_arrays = host.read_npz(HERE / "s2.npz")
s2 = Synapses(
    p1,
    p2,
    "w : 1 (constant)",
    on_pre="drive_post += w",
    name="s2",
)
post, pre = np.nonzero(s2_arrays["weights"])
s2.connect(i=pre, j=post)
s2.w = s2_arrays["weights"][post, pre]

# s3: 'b' -> 'b', 1 step from spike to arrival
s3_arrays = host.read_npz(HERE / "s3.npz")
s3 = Synapses(
    p1,
    p1,
    "w : 1 (constant)",
    on_pre="drive_post += w",
    name="s3",
)
s3.connect(i=s3_arrays["pre"], j=s3_arrays["post"])
s3.w = s3_arrays["weights"][s3_arrays["which"]]

# s4: 'c' -> 'out', 1 step from spike to arrival
s4_arrays = host.read_npz(HERE / "s4.npz")
s4 = Synapses(
    p2,
    p3,
    "w : 1 (constant)",
    on_pre="drive_post += w",
    name="s4",
)
post, pre = np.nonzero(s4_arrays["weights"])
s4.connect(i=pre, j=post)
s4.w = s4_arrays["weights"][post, pre]

groups = [p0, p1, p2, p3]
synapses = [s0, s1, s2, s3, s4]
spikes = {g.name: SpikeMonitor(g) for g in groups if "spike" in g.events}
watched = [g for g in groups if "v" in g.variables] if options.membranes else [p3]
membranes = {g.name: StateMonitor(g, "v", record=True, when="end") for g in watched}


def raster(group):
    """Give the spikes of `group`, bool (samples, steps, neurons)."""
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
    const int total = {len(samples)};
    std::cerr << "sample " << (int)(completed * total) << " of " << total << std::endl;
"""
network = Network(groups, synapses, spikes, membranes)
network.run(
    len(samples) * PERIOD,
    report=report_in_cpp if options.standalone else report,
    report_period=1 * second,
)

host.write_results(
    options.spikes,
    HOST,
    [raster(group) for group in groups],
    membrane(p3),
    [membrane(group) for group in groups] if options.membranes else None,
)
