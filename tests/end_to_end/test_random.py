"""Random networks, compiled, simulated and compared spike by spike."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from neurocomp.ann.graph import Graph
from neurocomp.build import emit
from neurocomp.comparison import compare
from neurocomp.compiler import Options, compile
from neurocomp.errors import UnsupportedError
from neurocomp.hw.read import load_target
from neurocomp.simulation import run
from tests.ann.strategies import graphs
from tests.end_to_end.test_corpus import gated, has, samples

STEPS = 8
QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)


def check(graph: Graph, target: str, simulator: str) -> None:
    """Compile `graph` for a chip and compare every spike of one simulator."""
    chip, options = load_target(target), Options(steps=STEPS)
    if gated(graph) and "max_gate" not in chip.compartments:
        with pytest.raises(UnsupportedError, match="has no max_gate neuron"):
            compile(graph, chip, samples(graph, 4), options)
        return
    program = compile(graph, chip, samples(graph, 4), options)
    with tempfile.TemporaryDirectory() as folder:
        build = emit(program, graph, Path(folder) / "build", (simulator,), options)
        given_samples = samples(graph, 2)
        outcome = run(build, simulator, given_samples)
    report = compare(program, given_samples, {simulator: outcome}, np.zeros((2, 1)))
    assert report.exact, report.backends[simulator].first_difference


@pytest.mark.parametrize("target", ["ideal", "loihi2"])
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_random_networks_are_equal(target: str, simulator: str) -> None:
    _search(target, simulator, examples=4)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["ideal", "loihi1", "loihi2"])
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_many_random_networks_are_equal(target: str, simulator: str) -> None:
    _search(target, simulator, examples=60)


def _search(target: str, simulator: str, examples: int) -> None:
    if not has(simulator):
        pytest.skip(f"no interpreter has {simulator}: run `neurocomp setup {simulator}`")

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),  # a run takes seconds: a failing network is shown as drawn
        suppress_health_check=QUIET,
    )
    @given(graphs())
    def search(graph: Graph) -> None:
        check(graph, target, simulator)

    search()
