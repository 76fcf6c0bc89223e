"""Every network of the corpus, compiled, simulated and compared spike by spike."""

from pathlib import Path

import pytest

from tests.ann.corpus import CORPUS
from tests.end_to_end.exact import check, need

STEPS = 12
SILENT = {"one_layer", "one_convolution", "dead_layer"}  # no neuron of theirs ever fires


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("target", ["ideal", "loihi2"])
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_every_spike_is_equal(name: str, target: str, simulator: str, tmp_path: Path) -> None:
    need(simulator)
    report = check(CORPUS[name](), target, simulator, tmp_path, STEPS)
    if report is not None and name not in SILENT:
        assert sum(p.spikes for p in report.populations) > 0
