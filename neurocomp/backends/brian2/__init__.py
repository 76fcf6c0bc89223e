"""Brian2: one NeuronGroup a population, one Synapses a projection, all samples in one run."""

from neurocomp.artifact import Files
from neurocomp.backends.brian2.populations import population_arrays
from neurocomp.backends.brian2.projections import wires
from neurocomp.backends.brian2.script import script
from neurocomp.backends.host import host_files, npz
from neurocomp.backends.simulator import Simulator
from neurocomp.program import Program

FOLDER = "brian2"
SIMULATOR = Simulator(
    module="brian2",
    title="Brian2",
    # Brian2 2.9 uses ndarray.ptp, which numpy 2.4 removed, and does not declare it.
    install=(("brian2>=2.9,<3", "numpy>=1.26,<2.4"),),
    blocks=64,
)


def emit(program: Program) -> Files:
    """Give run.py, host.py and their arrays. Raises UnsupportedError where inputs are not one."""
    network = program.network
    kept = wires(network)
    entries = host_files(program, FOLDER)
    entries[f"{FOLDER}/run.py"] = script(program, kept)
    for n, population in enumerate(network.populations):
        entries[f"{FOLDER}/p{n}.npz"] = npz(population_arrays(population))
    for wire in kept:
        entries[f"{FOLDER}/{wire.name}.npz"] = npz(wire.arrays)
    return Files(entries)
