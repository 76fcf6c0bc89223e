"""Closed-form demand against the recount from single synapses."""

from itertools import pairwise

import numpy as np
import pytest

from neurocomp.hw.read import load_target, target_names
from neurocomp.hw.target import LAYER_RESOURCES, RESOURCES
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.demand import DEMANDS, Cutting, neuron_name, uses
from neurocomp.mapping.grid import cuts, grids
from neurocomp.mapping.traffic import traffic
from tests.mapping.nets import drawn, population, recount, target


@pytest.mark.parametrize("seed", range(120))
def test_demand_and_traffic_are_what_a_recount_of_synapses_gives(seed: int) -> None:
    net, rng = drawn(seed), np.random.default_rng(seed)
    cut = {}
    for p in net.populations:
        every = grids(p.shape)
        cut[p.name] = every[int(rng.integers(len(every)))]
    taken, sent = recount(net, target({}), cut)
    assert uses(Cutting(net, target({}), cut, Counts())) == taken
    assert np.array_equal(traffic(net, cut).toarray(), sent)


def test_every_resource_has_one_demand() -> None:
    assert tuple(d.resource for d in DEMANDS) == RESOURCES


@pytest.mark.parametrize("name", target_names())
def test_every_limit_of_a_target_has_a_demand(name: str) -> None:
    chip = load_target(name)
    counted = set(LAYER_RESOURCES) if chip.layers else {d.resource for d in DEMANDS}
    assert all(set(core.limits) <= counted for core in chip.kinds)


@pytest.mark.parametrize("length", [1, 2, 7, 12, 64, 100])
def test_cuts_are_balanced_and_shrink_the_longest_range(length: int) -> None:
    longest = []
    for cut in cuts(length):
        sizes = [b - a for a, b in cut]
        assert cut[0][0] == 0 and cut[-1][1] == length
        assert all(a[1] == b[0] for a, b in pairwise(cut))
        assert max(sizes) - min(sizes) <= 1
        longest.append(max(sizes))
    assert longest == sorted(set(longest), reverse=True)
    assert set(longest) == {-(-length // n) for n in range(1, length + 1)}


def test_a_neuron_is_named_as_a_user_would() -> None:
    assert neuron_name(population("fc1", (20, 1, 1)), 17) == "fc1[17]"
    assert neuron_name(population("conv1", (3, 4, 5)), 33) == "conv1[1,2,3]"
