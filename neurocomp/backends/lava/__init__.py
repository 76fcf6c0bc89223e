"""Lava: a stock synapse process a projection, a soft-reset neuron process a population."""

from importlib.resources import files

from neurocomp.artifact import Files
from neurocomp.backends.host import host_files
from neurocomp.backends.lava.graph import Graph, graph
from neurocomp.backends.simulator import Simulator
from neurocomp.program import Program
from neurocomp.snn.boxes import whole

FOLDER = "lava"
SIMULATOR = Simulator(
    module="lava.magma",  # `lava` alone is any folder of that name
    title="Lava",
    # lava-nc 0.10.0, the last, declares Python 3.10 and numpy 1; these run it on 3.10 to 3.13.
    install=(
        ("--ignore-requires-python", "--no-deps", "lava-nc==0.10.0"),
        ("numpy==2.2.6", "scipy==1.15.3", "networkx==2.8.7", "asteval==0.9.33"),
    ),
    blocks=24,  # each of Lava's processes is one of the system's
)
EMITTED = {
    "simulate.py": "simulate.py.txt",
    "quick_conv.py": "quick_conv.py.txt",
    "snn_program/processes.py": "processes.py.txt",
}
# What one step may take at most, far above what is measured: a process's share, and a synapse's.
STEP_S = 0.25
SYNAPSE_S = 1e-7


def emit(program: Program) -> Files:
    """Give run.py, the graph of processes, and their arrays.

    Raises UnsupportedError where a weight has more than 8 bits, or where there is not one input.
    """
    entries = host_files(program, FOLDER)
    for path, name in EMITTED.items():
        entries[f"{FOLDER}/{path}"] = _text(name)
    entries[f"{FOLDER}/snn_program/__init__.py"] = '"""The processes of the network."""\n'
    entries[f"{FOLDER}/run.py"] = _text("run.py.txt").replace("@STEP_S@", f"{_step_s(program):.3g}")
    built: Graph = graph(program.network)
    entries[f"{FOLDER}/graph.py"] = built.text
    for name, values in built.arrays.items():
        entries[f"{FOLDER}/arrays/{name}.npy"] = values
    return Files(entries)


def _text(name: str) -> str:
    return files(__package__).joinpath("emitted", name).read_text(encoding="utf-8")


def _step_s(program: Program) -> float:
    """Give the seconds that a step of one sample may take."""
    synapses = (p.synapse for p in program.network.projections)
    return STEP_S + SYNAPSE_S * sum(s.fan_in(whole(s.post_shape)) for s in synapses)
