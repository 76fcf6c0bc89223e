"""Compile a trained network to a neuromorphic chip, and prove what the result does.

    graph = neurocomp.load("model.onnx")
    program = neurocomp.compile(graph, neurocomp.load_target("loihi1"), samples)
    artifact = neurocomp.emit(program, graph, "build")
    report = neurocomp.verify(artifact, inputs, labels)

What a name needs is imported when it is first used, so that importing neurocomp costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurocomp.build import Artifact, emit, read
    from neurocomp.bycore import CoreReport, verify_by_core
    from neurocomp.comparison import Report
    from neurocomp.compiler import Options, compile
    from neurocomp.errors import NeurocompError
    from neurocomp.frontend.onnx import check, load
    from neurocomp.hw.read import load_target
    from neurocomp.program import Program
    from neurocomp.simulation import Outcome, run
    from neurocomp.verification import verify

HOMES = {
    "Artifact": "build",
    "CoreReport": "bycore",
    "NeurocompError": "errors",
    "Options": "compiler",
    "Outcome": "simulation",
    "Program": "program",
    "Report": "comparison",
    "check": "frontend.onnx",
    "compile": "compiler",
    "emit": "build",
    "load": "frontend.onnx",
    "load_target": "hw.read",
    "read": "build",
    "run": "simulation",
    "verify": "verification",
    "verify_by_core": "bycore",
}
__all__ = [
    "Artifact",
    "CoreReport",
    "NeurocompError",
    "Options",
    "Outcome",
    "Program",
    "Report",
    "check",
    "compile",
    "emit",
    "load",
    "load_target",
    "read",
    "run",
    "verify",
    "verify_by_core",
]


def __getattr__(name: str) -> Any:
    """Import what `name` needs and give it."""
    if name not in HOMES:
        raise AttributeError(f"module 'neurocomp' has no attribute {name!r}")
    return getattr(import_module(f"neurocomp.{HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
