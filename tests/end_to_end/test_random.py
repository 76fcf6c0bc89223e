"""Random networks, compiled, simulated and compared spike by spike."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from neurocomp.ann.graph import Graph
from tests.ann.strategies import graphs
from tests.end_to_end.exact import check, need

STEPS = 8


@pytest.mark.parametrize("target", ["ideal", "loihi2"])
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_random_networks_are_equal(target: str, simulator: str) -> None:
    search(target, simulator, examples=4)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["ideal", "loihi1", "loihi2"])
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_many_random_networks_are_equal(target: str, simulator: str) -> None:
    search(target, simulator, examples=60)


def search(target: str, simulator: str, examples: int) -> None:
    """Compare `examples` networks that hypothesis draws, the same ones in every run."""
    need(simulator)

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),  # a run takes seconds: a failing network is shown as drawn
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    )
    @given(graphs())
    def one(graph: Graph) -> None:
        with tempfile.TemporaryDirectory() as folder:
            check(graph, target, simulator, Path(folder), STEPS)

    one()
