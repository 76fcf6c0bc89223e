"""Cuts fit every core, cover every neuron once, and take the fewest cores there are."""

from itertools import product

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.read import load_target
from neurocomp.hw.target import RESOURCES, Target
from neurocomp.mapping import search
from neurocomp.mapping.grid import Grid, grids
from neurocomp.mapping.search import State, Step
from neurocomp.mapping.split import running_order, split
from neurocomp.mapping.tiles import Tiles
from neurocomp.snn.network import Network, Projection
from neurocomp.snn.synapses import Dense
from tests.mapping.nets import (
    chain,
    drawn,
    identity,
    labels,
    merged,
    network,
    population,
    recount,
    target,
)
from tests.snn import draws


def tight(net: Network, seed: int) -> dict[str, int]:
    """Give limits that a single neuron keeps, and that most populations do not."""
    rng = np.random.default_rng(seed)
    alone = {p.name: grids(p.shape)[-1] for p in net.populations}
    whole = {p.name: grids(p.shape)[0] for p in net.populations}
    least, _ = recount(net, target({}), alone)
    most, _ = recount(net, target({}), whole)
    limits = {}
    for resource in RESOURCES:
        low, high = (max(1, *(t[resource] for t in taken)) for taken in (least, most))
        limits[resource] = int(low + rng.random() * max(high - low, 0) * 0.7)
    return limits


def cores(cut: dict[str, Grid]) -> int:
    return sum(grid.count for grid in cut.values())


@pytest.mark.parametrize("seed", range(40))
def test_blocks_fit_and_cover_every_neuron_once(seed: int) -> None:
    net = drawn(seed, 5)
    limits = tight(net, seed)
    cut = split(net, target(limits))
    taken, _ = recount(net, target(limits), cut)
    assert all(t[resource] <= limits[resource] for t in taken for resource in RESOURCES)
    assert list(cut) == [p.name for p in net.populations]
    assert sum(b.size for g in cut.values() for b in g.boxes()) == sum(
        int(np.prod(p.shape)) for p in net.populations
    )
    assert all((numbers >= 0).all() for numbers in labels(net, cut).values())


@pytest.mark.parametrize("seed", range(16))
def test_a_larger_limit_never_takes_more_cores(seed: int) -> None:
    net = drawn(seed, 4)
    limits = tight(net, seed)
    before = cores(split(net, target(limits)))
    for resource in RESOURCES:
        relaxed = {**limits, resource: limits[resource] * 3 // 2 + 1}
        assert cores(split(net, target(relaxed))) <= before
        del relaxed[resource]
        assert cores(split(net, target(relaxed))) <= before


def fewest(net: Network, chip: Target) -> int:
    """Try the grids of all populations together, fewest cores first, until one fits."""
    names = [p.name for p in net.populations]
    every = product(*(grids(p.shape) for p in net.populations))
    for choice in sorted(every, key=lambda choice: sum(grid.count for grid in choice)):
        cut = dict(zip(names, choice, strict=True))
        taken, _ = recount(net, chip, cut)
        if all(t[r] <= limit for t in taken for r, limit in chip.core.limits.items()):
            return cores(cut)
    raise AssertionError("nothing fits")


@pytest.mark.parametrize("seed", range(15))
def test_no_other_cut_takes_fewer_cores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = draws.conv(rng, (2, 3, 2), 2)
    net = chain((2, 3, 2), first, draws.dense(rng, first.post_shape, (3, 1, 1)))
    chip = target(tight(net, seed))
    assert cores(split(net, chip)) == fewest(net, chip)


# Found by trying: cutting p2 into the fewest blocks, or the fewest axons, costs p0 and p1 more.
@pytest.mark.parametrize("seed", [380, 495, 628, 672, 684, 851])
def test_populations_are_cut_with_an_eye_on_those_before(seed: int) -> None:
    net, chip = merged(seed)
    assert cores(split(net, chip)) == fewest(net, chip)


def test_a_narrow_beam_weighs_few_states(monkeypatch: pytest.MonkeyPatch) -> None:
    net, turns, weighed = drawn(4), list[State](), Step._weighed

    def counted(step: Step, own: Tiles, state: State) -> tuple[Array, Array]:
        turns.append(state)
        return weighed(step, own, state)

    monkeypatch.setattr(Step, "_weighed", counted)
    split(net, target(tight(net, 4)))
    wide = len(turns)
    turns.clear()
    monkeypatch.setattr(search, "WIDEST", 6)
    split(net, target(tight(net, 4)))
    assert len(turns) <= 2 * 6 * len(net.populations) < wide


@pytest.mark.parametrize("seed", range(15))
def test_a_search_without_patience_still_fits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net = drawn(seed, 5)
    limits = tight(net, seed)
    best = cores(split(net, target(limits)))
    monkeypatch.setattr(search, "WIDEST", 6)
    cut = split(net, target(limits))
    taken, _ = recount(net, target(limits), cut)
    assert all(t[resource] <= limits[resource] for t in taken for resource in RESOURCES)
    assert cores(cut) >= best


def test_without_limits_every_population_is_one_block() -> None:
    assert cores(split(drawn(3), load_target("ideal"))) == len(drawn(3).populations)


def test_sources_stand_before_their_targets() -> None:
    net = network(
        [population("out", (1, 1, 1)), population("hidden", (2, 1, 1))],
        Projection(source="hidden", target="out", synapse=dense(2, 1)),
    )
    assert [p.name for p in running_order(net)] == ["hidden", "out"]
    assert list(split(net, target({"out_axons": 5}))) == ["out", "hidden"]


def dense(pre: int, post: int) -> Dense:
    weight = np.ones((post, pre), dtype=np.int64)
    return Dense(weight=weight, pre_shape=(pre, 1, 1), post_shape=(post, 1, 1))


def test_a_neuron_with_too_many_inputs_is_named() -> None:
    net = network(
        [population("conv1", (5120, 1, 1)), population("conv2", (20, 1, 1))],
        Projection(source="conv1", target="conv2", synapse=dense(5120, 20)),
    )
    says = r"^conv2\[0\]: a neuron needs 5121 in_axons, a loihi1 core has 4096 \(prune the layer"
    with pytest.raises(CapacityError, match=says):
        split(net, load_target("loihi1"))


def test_a_neuron_that_reaches_too_many_cores_is_named() -> None:
    net = chain((4, 1, 1), dense(4, 9))
    says = r"^p0\[0\]: a neuron needs 9 out_axons, a chip core has 8 \(make the layers that read it"
    with pytest.raises(CapacityError, match=says):
        split(net, target({"neurons": 2, "out_axons": 8}))


def test_a_population_that_feeds_itself_is_cut() -> None:
    net = network(
        [population("p0", (6, 1, 1))],
        Projection(source="p0", target="p0", synapse=identity((6, 1, 1))),
    )
    assert cores(split(net, target({"neurons": 4, "out_axons": 2}))) == 3


def test_a_loop_is_refused_by_its_names() -> None:
    net = network(
        [population("p0", (2, 1, 1)), population("p1", (2, 1, 1))],
        Projection(source="p0", target="p1", synapse=dense(2, 2)),
        Projection(source="p1", target="p0", synapse=dense(2, 2)),
    )
    with pytest.raises(UnsupportedError, match=r"^p0 -> p1: is a loop of populations"):
        split(net, target({"neurons": 4}))
    assert cores(split(net, load_target("ideal"))) == 2
