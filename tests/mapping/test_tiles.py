"""All grids weighed at once, against each weighed alone."""

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.hw.target import Target
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.demand import DEMANDS, Cutting
from neurocomp.mapping.extremes import extremes, largest, padded
from neurocomp.mapping.grid import Grid, grids, uncut
from neurocomp.mapping.lay import taken
from neurocomp.mapping.regular import Regular
from neurocomp.mapping.tiles import MOST_GROUPS, tiles
from neurocomp.snn.network import Network
from tests.mapping.nets import drawn, target
from tests.mapping.test_groups import GRADED
from tests.mapping.test_packing import LOIHI, PIXELS
from tests.mapping.test_split import tight


@pytest.mark.parametrize("seed", range(90))
def test_the_tiles_are_the_grids_that_fit_and_no_others(seed: int) -> None:
    net = drawn(seed, 6)
    limits = tight(net, seed)
    stored = ("each", "kernel")[seed % 2]
    packing = (None, LOIHI, replace(PIXELS, atoms=2))[seed % 3]
    chip = target(limits, stored=stored, graded=GRADED if seed % 4 else None, packing=packing)
    if packing:  # a bit, word or axon more than a neuron takes, and less than a population
        limits.update(between(net, chip))
    whole = Cutting(net, chip, {p.name: uncut(p.shape) for p in net.populations}, Counts())
    checked = [d for d in DEMANDS if d.resource != "out_axons"]
    for p in net.populations:
        read = [whole.counts.of(j.synapse) for j in net.into(p.name)]
        if not all(isinstance(c, Regular) for c in read):
            continue
        apart = any(c.axes[0].reach is not None for c in read if isinstance(c, Regular))
        inputs = max((c.axes[0].pre for c in read if isinstance(c, Regular)), default=1)
        most = 1 if apart else min(MOST_GROUPS, inputs)
        every = [replace(g, groups=n) for g in grids(p.shape) for n in range(1, most + 1)]
        fitting: set[Grid] = set()
        for grid in every:
            alone = whole._replace(grids={p.name: grid})
            if all(d.each(alone, p.name).max() <= limits[d.resource] for d in checked):
                fitting.add(grid)
        found = tiles(whole, p, True)
        if packing and {g for g in fitting if g.groups == 1}:
            fitting = {g for g in fitting if g.groups == 1}
        claimed = [found.grid(i) for i in range(len(found.blocks))]
        assert set(claimed) <= fitting and len(claimed) == len(set(claimed))
        assert {g for g in fitting if g.groups == 1} <= set(claimed)
        assert [g.count for g in claimed] == found.blocks.tolist()
        missed = fitting - set(claimed)
        assert all(chip.compartments[_model(net, p.name)] < chip.relay.slots for _ in missed)


def between(net: Network, chip: Target) -> dict[str, int]:
    """Give limits between what single neurons and what whole populations take."""
    found = [
        taken(net, chip, {p.name: grids(p.shape)[n] for p in net.populations}) for n in (-1, 0)
    ]
    tops = {r: [int(each[r].max()) for each in found] for r in found[0]}
    return {r: low + max(high - low, 0) // 2 for r, (low, high) in tops.items()}


def _model(net: object, name: str) -> str:
    from neurocomp.mapping.demand import model

    return model(net.population(name).neuron)  # type: ignore[attr-defined]  # a network


def test_extremes_keep_what_no_other_exceeds() -> None:
    ranges = np.array([[1, 5], [3, 3], [2, 3], [3, 1], [1, 5]])
    assert sorted(extremes(ranges).tolist()) == [[1, 5], [3, 3]]
    assert extremes(np.array([[1, 2], [4, 2], [4, 9]])).tolist() == [[4, 9]]


@pytest.mark.parametrize("seed", range(20))
def test_the_largest_sum_of_products_is_that_of_all_blocks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms = 3
    cuts = [[rng.integers(0, 9, (int(rng.integers(1, 5)), terms)) for _ in range(2)] for _ in "cyx"]
    at = tuple(rng.integers(0, 2, 12) for _ in "cyx")
    weights = rng.integers(0, 4, terms)
    found = largest([padded([extremes(c) for c in axis]) for axis in cuts], at, weights)
    for n, (i, j, k) in enumerate(zip(*at, strict=True)):
        c, y, x = cuts[0][i], cuts[1][j], cuts[2][k]
        every = np.einsum("t,at,bt,ct->abc", weights, c, y, x)
        assert found[n] == every.max()
