"""Every network of the corpus, compiled, simulated and compared spike by spike."""

from pathlib import Path

import numpy as np
import pytest

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import MaxPool
from neurocomp.arrays import Array
from neurocomp.backends import backend
from neurocomp.build import emit
from neurocomp.comparison import compare
from neurocomp.compiler import Options, compile
from neurocomp.errors import MissingError, UnsupportedError
from neurocomp.hw.read import load_target
from neurocomp.simulation import find_python, run
from tests.ann.corpus import CORPUS

STEPS = 12
SILENT = {"one_layer", "one_convolution", "dead_layer"}  # no neuron of theirs ever fires


def samples(graph: Graph, count: int) -> Array:
    random = np.random.default_rng(7)
    return random.standard_normal((count, *graph.input_shape)).astype(np.float32)


def has(name: str) -> bool:
    try:
        find_python(backend(name))
    except MissingError:
        return False
    return True


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("target", ["ideal", "loihi2"])
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_every_spike_is_equal(name: str, target: str, simulator: str, tmp_path: Path) -> None:
    if not has(simulator):
        pytest.skip(f"no interpreter has {simulator}: run `neurocomp setup {simulator}`")
    graph = CORPUS[name]()
    chip, options = load_target(target), Options(steps=STEPS)
    if gated(graph) and "max_gate" not in chip.compartments:
        with pytest.raises(UnsupportedError, match="has no max_gate neuron"):
            compile(graph, chip, samples(graph, 8), options)
        return
    program = compile(graph, chip, samples(graph, 8), options)
    build = emit(program, graph, tmp_path / "build", (simulator,), options)
    given = samples(graph, 2)
    outcome = run(build, simulator, given)
    report = compare(program, given, {simulator: outcome}, np.zeros((len(given), 1)))
    assert report.exact, report.backends[simulator].first_difference
    assert sum(p.spikes for p in report.populations) > 0 or name in SILENT


def gated(graph: Graph) -> bool:
    return any(isinstance(n.op, MaxPool) for n in graph.nodes)
