"""ONNX in and out: `load`, `check`, `to_model`, `run_model`."""

from pathlib import Path

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Shape
from neurocomp.errors import ModelError
from neurocomp.frontend.check import NodeCheck, check
from neurocomp.frontend.export import to_model
from neurocomp.frontend.files import read_model
from neurocomp.frontend.nodes import full_kind, graph_of, problem_text, read_nodes, too_deep
from neurocomp.frontend.prepare import prepare
from neurocomp.frontend.runtime import open_session, opened, run_model
from neurocomp.frontend.tidy import tidy

__all__ = ["NodeCheck", "check", "load", "open_session", "opened", "run_model", "to_model"]


def load(path: str | Path, input_shape: Shape | None = None) -> Graph:
    """Read the ONNX file at `path` as a graph; `input_shape`, of one sample, fixes a dynamic one.

    Raises ModelError for a file that cannot be read, and one that lists every unsupported node.
    """
    prepared = prepare(read_model(Path(path)), input_shape)
    readings = read_nodes(prepared)
    problems = [problem_text(r, r.problem) for r in readings if r.problem]
    if not problems:
        graph = tidy(graph_of(prepared, readings))
        kinds = {r.name: full_kind(r.node) for r in readings}
        deep = too_deep(graph).items()
        problems = [f"{name}, {kinds.get(name, '')}: {wrong}" for name, wrong in deep]
        if not problems:
            return graph
    listed = "".join(f"\n  {p}" for p in problems)
    wrong = f"{len(problems)} of {len(readings)} nodes are not supported:{listed}\n"
    raise ModelError(str(path), wrong, "`neurocomp check` tells it of every node")
