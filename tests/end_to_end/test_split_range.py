"""Neurons that share the range of an activation, in every simulator."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from neurocomp.build import emit
from neurocomp.comparison import compare
from neurocomp.compiler import Options, compile
from neurocomp.hw.read import load_target
from neurocomp.simulation import run
from tests.ann.net import samples
from tests.end_to_end.exact import need
from tests.passes.test_split_range import net

STEPS = 12


@pytest.mark.parametrize(("target", "pool"), [("loihi2", "relus"), ("ideal", "drive")])
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_every_spike_is_equal(
    target: str, pool: Literal["relus", "drive"], simulator: str, tmp_path: Path
) -> None:
    need(simulator)
    graph, options = net(), Options(steps=STEPS, pieces=2, max_pool=pool)
    program = compile(graph, load_target(target), samples(graph, 8), options)
    build = emit(program, graph, tmp_path / "build", (simulator,), options)
    given = samples(graph, 2, seed=5)
    report = compare(program, given, {simulator: run(build, simulator, given)}, np.zeros((2, 1)))
    assert report.exact, report.backends[simulator].first_difference
    spikes = {p.name: p.spikes for p in report.populations if "(piece" in p.name}
    assert len(spikes) >= 8
    assert any(n for name, n in spikes.items() if name.endswith("(piece 2)"))
