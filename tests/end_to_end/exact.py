"""Compile a graph, simulate it, and compare every spike: what the end-to-end tests share."""

from pathlib import Path

import numpy as np
import pytest

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import MaxPool
from neurocomp.arrays import Array
from neurocomp.backends import backend
from neurocomp.build import emit
from neurocomp.comparison import Report, compare
from neurocomp.compiler import Linear, Options, compile
from neurocomp.errors import MissingError, UnsupportedError
from neurocomp.hw.read import load_target
from neurocomp.simulation import find_python, run


def need(simulator: str) -> None:
    """Skip the test where no interpreter has the simulator."""
    try:
        find_python(backend(simulator))
    except MissingError:
        pytest.skip(f"no interpreter has {simulator}: run `neurocomp setup {simulator}`")


def samples(graph: Graph, count: int) -> Array:
    random = np.random.default_rng(7)
    return random.standard_normal((count, *graph.input_shape)).astype(np.float32)


def gated(graph: Graph) -> bool:
    return any(isinstance(n.op, MaxPool) for n in graph.nodes)


def check(
    graph: Graph,
    target: str,
    simulator: str,
    folder: Path,
    steps: int,
    linear: Linear = "auto",
) -> Report | None:
    """Compare every spike of one simulator; None where the chip has no gate, and says so."""
    chip, options = load_target(target), Options(steps=steps, linear=linear)
    if gated(graph) and "max_gate" not in chip.compartments:
        with pytest.raises(UnsupportedError, match="has no max_gate neuron"):
            compile(graph, chip, samples(graph, 8), options)
        return None
    program = compile(graph, chip, samples(graph, 8), options)
    build = emit(program, graph, folder / "build", (simulator,), options)
    given = samples(graph, 2)
    outcome = run(build, simulator, given)
    report = compare(program, given, {simulator: outcome}, np.zeros((len(given), 1)))
    assert report.exact, report.backends[simulator].first_difference
    return report
