"""Run the compiled network in Brian2.

    python run.py inputs.npz spikes.npz [--membranes] [--standalone]

One step is 1 ms of Brian2's time. All samples follow each other in one run, 21 steps each: at
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
LENGTH = 21  # steps of a sample
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

# p0: 'a', 2 x 4 x 4 neurons, from step 1
p0_arrays = host.read_npz(HERE / "p0.npz")
p0 = NeuronGroup(
    32,
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

# p1: 'pool', 2 x 2 x 2 neurons, from step 1
# Each gate passes the tap that has fired most so far, of equal taps the first.
p1 = NeuronGroup(
    8,
    """
    passed : 1  # the spike that passes
    tap0 : 1
    count0 : 1
    tap1 : 1
    count1 : 1
    tap2 : 1
    count2 : 1
    tap3 : 1
    count3 : 1
    """,
    threshold="passed > 0",
    reset="",
    name="p1",
)
p1.run_regularly(
    """
    tap0 = 0
    tap1 = 0
    tap2 = 0
    tap3 = 0
    count0 = 0
    count1 = 0
    count2 = 0
    count3 = 0
    """,
    dt=PERIOD,
    when="start",
)
p1.run_regularly(
    """
    count0 += tap0
    count1 += tap1
    count2 += tap2
    count3 += tap3
    leader1 = tap0 + int(count1 > count0) * (tap1 - tap0)
    most1 = count0 + int(count1 > count0) * (count1 - count0)
    leader2 = leader1 + int(count2 > most1) * (tap2 - leader1)
    most2 = most1 + int(count2 > most1) * (count2 - most1)
    leader3 = leader2 + int(count3 > most2) * (tap3 - leader2)
    passed = leader3
    tap0 = 0
    tap1 = 0
    tap2 = 0
    tap3 = 0
    """,
    when="groups",
)

# p2: 'out', 3 x 1 x 1 neurons, from step 2
p2_arrays = host.read_npz(HERE / "p2.npz")
p2 = NeuronGroup(
    3,
    """
    v : 1  # membrane
    drive : 1  # what spikes brought
    current : 1 (constant)  # bias and analog input
    v_init : 1 (constant)
    active = t_in_timesteps % LENGTH >= 1 : boolean (shared)
    """,
    name="p2",
)
p2.v_init = p2_arrays["v_init"]
p2.current = drive[2][0]
p2.run_regularly("v = v_init; drive = 0", dt=PERIOD, when="start")
p2.run_regularly("v += int(active) * (drive + current); drive = 0", when="groups")

# s0: 'a' -> 'pool', 3 steps from spike to arrival
s0_arrays = host.read_npz(HERE / "s0.npz")
s0 = Synapses(
    p0,
    p1,
    "tap : integer (constant)",
    on_pre="""
        tap0_post += int(tap == 0) * int(t_in_timesteps % LENGTH >= 2)
        tap1_post += int(tap == 1) * int(t_in_timesteps % LENGTH >= 2)
        tap2_post += int(tap == 2) * int(t_in_timesteps % LENGTH >= 2)
        tap3_post += int(tap == 3) * int(t_in_timesteps % LENGTH >= 2)
    """,
    delay=2 * STEP,
    name="s0",
)
s0.connect(i=s0_arrays["pre"], j=s0_arrays["post"])
s0.tap = s0_arrays["tap"]

# s1: 'pool' -> 'out', 1 step from spike to arrival
s1_arrays = host.read_npz(HERE / "s1.npz")
s1 = Synapses(
    p1,
    p2,
    "w : 1 (constant)",
    on_pre="drive_post += w",
    name="s1",
)
post, pre = np.nonzero(s1_arrays["weights"])
s1.connect(i=pre, j=post)
s1.w = s1_arrays["weights"][post, pre]

groups = [p0, p1, p2]
synapses = [s0, s1]
spikes = {g.name: SpikeMonitor(g) for g in groups if "spike" in g.events}
watched = [g for g in groups if "v" in g.variables] if options.membranes else [p2]
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
    membrane(p2),
    [membrane(group) for group in groups] if options.membranes else None,
)
