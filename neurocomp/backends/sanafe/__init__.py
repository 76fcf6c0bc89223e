"""SANA-FE: the chip's architecture and the placed network as files, run with its own interpreter.

SANA-FE (Boyle et al. 2025) simulates every spike, message and hop, with a time model of the network
of routers. It is GPL-3 and stays a program of its own: only files go to and fro.
"""

from importlib.resources import files

from neurocomp.artifact import Files
from neurocomp.backends.host import host_files
from neurocomp.backends.sanafe.architecture import architecture
from neurocomp.backends.sanafe.network import network, settings
from neurocomp.backends.simulator import Simulator
from neurocomp.program import Program

FOLDER = "sanafe"
SIMULATOR = Simulator(
    module="sanafecpp",  # `sanafe` is this folder's name, too
    title="SANA-FE",
    install=(("sanafe==2.2.9", "numpy>=1.26,<3"),),
    wanted=False,
    alone=False,
)


def emit(program: Program) -> Files:
    """Give run.py, arch.yaml, snn.yaml and what the host needs.

    Raises UnsupportedError where SANA-FE cannot express the program or its chip.
    """
    entries = host_files(program, FOLDER)
    run = files(__package__).joinpath("emitted", "run.py.txt")
    entries[f"{FOLDER}/run.py"] = run.read_text(encoding="utf-8")
    entries[f"{FOLDER}/arch.yaml"] = architecture(program)
    entries[f"{FOLDER}/snn.yaml"] = network(program)
    entries[f"{FOLDER}/neurons.npz"] = settings(program)
    return Files(entries)
