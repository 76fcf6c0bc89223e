"""Groups of input channels, kernels stored once, and the graph of cores, against a recount."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.hw.target import Relay, Target
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.demand import Cutting
from neurocomp.mapping.grid import Grid, grids, parts
from neurocomp.mapping.lay import taken
from neurocomp.mapping.regular import Regular
from neurocomp.mapping.traffic import traffic
from neurocomp.snn.boxes import Box
from neurocomp.snn.channels import edges_read
from neurocomp.snn.network import Network, Projection
from neurocomp.snn.synapses import Conv, Dense
from tests.mapping.nets import drawn, model, target

GRADED = Relay(slots=1, axons=1, synapse_bits=28, exact=True)
Taken = dict[str, list[int]]


def weight_of(projection: Projection, pre: int, post: int, tap: int) -> tuple[int, ...]:
    """Name the stored weight of one synapse: synapses with the same name share it."""
    synapse, area = projection.synapse, int(np.prod(projection.synapse.post_shape[1:]))
    match synapse:
        case Conv():
            return post // area, tap
        case Dense():
            return post, pre
    shape = synapse.pre_shape
    kernel = getattr(synapse, "kernel", None)
    return (post // area, tap) if kernel else (post, pre, *shape)


def blocks_of(grid: Grid) -> list[tuple[int, Box]]:
    boxes = [Box(*ranges) for ranges in product(*grid.axes)]
    return [(g, box) for g in range(grid.groups) for box in boxes]


def holder(grid: Grid, shape: tuple[int, int, int]) -> Array:
    """Give the block, of the last group, that holds each neuron."""
    held = np.full(shape, -1)
    for number, (_, box) in enumerate(blocks_of(grid)):
        held[box.slices] = number
    return held.ravel()


def recounted(net: Network, chip: Target, cut: dict[str, Grid]) -> tuple[Taken, Array]:
    first = dict(zip(cut, np.cumsum([0, *(g.count for g in cut.values())]), strict=False))
    size = sum(g.count for g in cut.values())
    found: Taken = {r: [0] * size for r in ("neurons", "synapse_bits", "in_axons", "out_axons")}
    sent = np.zeros((size, size))
    for p in net.populations:
        grid = cut[p.name]
        for number, (group, box) in enumerate(blocks_of(grid)):
            at = first[p.name] + number
            last = group == grid.groups - 1
            slots = chip.compartments[model(p.neuron)] if last else chip.relay.slots
            found["neurons"][at] += slots * box.size
            if not last:
                to = at + grid.last
                found["out_axons"][at] += chip.relay.axons * box.size
                found["in_axons"][to] += chip.relay.axons * box.size
                found["synapse_bits"][to] += chip.relay.synapse_bits * box.size
                sent[at, to] += chip.relay.axons * box.size
    for j in net.projections:
        own = holder(cut[j.source], net.population(j.source).shape)
        area = int(np.prod(net.population(j.source).shape[1:]))
        reads = np.zeros(len(own) // area, dtype=int)
        for g, (a, b) in enumerate(parts(len(reads), cut[j.target].groups)):
            reads[a:b] = g
        bits = chip.synapse_bits + (chip.delay_bits if j.delay_steps > 1 else 0)
        for number, (group, box) in enumerate(blocks_of(cut[j.target])):
            at = first[j.target] + number
            edges = edges_read(j.synapse, box)
            every = zip(edges.pre.tolist(), edges.post.tolist(), edges.tap.tolist(), strict=True)
            mine = [e for e in every if reads[e[0] // area] == group]
            stored = {weight_of(j, *e) for e in mine} if chip.stored == "kernel" else mine
            found["synapse_bits"][at] += bits * len(stored)
            for pre in {e[0] for e in mine}:
                found["synapse_bits"][at] += chip.axon_bits
                found["in_axons"][at] += 1
                found["out_axons"][first[j.source] + own[pre]] += 1
                sent[first[j.source] + own[pre], at] += 1
    return found, sent


def cut_at_random(net: Network, seed: int) -> dict[str, Grid]:
    """Cut every population somehow, with groups where all that it reads is all to all."""
    rng, counts = np.random.default_rng(seed), Counts()
    found = {}
    for p in net.populations:
        every = grids(p.shape)
        grid = every[int(rng.integers(len(every)))]
        read = [counts.of(j.synapse) for j in net.into(p.name)]
        whole = read and all(isinstance(c, Regular) and c.axes[0].reach is None for c in read)
        found[p.name] = replace(grid, groups=int(rng.integers(1, 4)) if whole else 1)
    return found


@pytest.mark.parametrize("seed", range(200))
def test_what_cores_take_and_send_is_what_a_recount_gives(seed: int) -> None:
    net = drawn(seed)
    cut = cut_at_random(net, seed)
    stored = ("each", "kernel")[seed % 2]
    chip = target({}, stored=stored, graded=GRADED if seed % 3 else None)
    found, sent = recounted(net, chip, cut)
    claimed = taken(net, chip, cut)
    assert {name: each.tolist() for name, each in claimed.items()} == found
    assert np.array_equal(traffic(net, cut, relay=chip.relay).toarray(), sent)


def test_a_recount_sees_groups() -> None:
    grouped = [max(g.groups for g in cut_at_random(drawn(s), s).values()) for s in range(200)]
    assert sum(g > 1 for g in grouped) > 20


def test_rates_scale_what_is_sent() -> None:
    net = drawn(7)
    cut = cut_at_random(net, 7)
    rates = {p.name: 0.25 for p in net.populations}
    assert Cutting(net, target({}), cut, Counts()).grids is cut
    whole = traffic(net, {n: replace(g, groups=1) for n, g in cut.items()})
    part = traffic(net, {n: replace(g, groups=1) for n, g in cut.items()}, rates)
    assert np.allclose(part.toarray(), whole.toarray() / 4)
