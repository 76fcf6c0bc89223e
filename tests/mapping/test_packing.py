"""Words of packed synapses in closed form, against lists that are really laid out."""

from dataclasses import replace
from itertools import groupby, pairwise
from math import ceil, log2, prod

import numpy as np
import pytest

from neurocomp.hw.target import Mesh, Packing, Target
from neurocomp.mapping.arrange import Effort
from neurocomp.mapping.grid import Grid, parts
from neurocomp.mapping.lay import Wishes, lay, taken
from neurocomp.mapping.packing import LAYOUTS, UNFIT, Cores, Part
from neurocomp.mapping.regular import regular
from neurocomp.mapping.split import split
from neurocomp.mapping.spread import spread, stacked
from neurocomp.mapping.traffic import offsets
from neurocomp.snn.boxes import Box
from neurocomp.snn.channels import edges_read
from neurocomp.snn.network import Network
from neurocomp.snn.synapses import Synapse
from tests.mapping.nets import chain, drawn, model, target
from tests.mapping.test_groups import GRADED, blocks_of, cut_at_random, holder
from tests.snn import draws

LOIHI = Packing(
    word_bits=64, end_bits=6, axon_words=256, entry_synapses=60, prefix_bits=10,
    index_bits_least=6, index_bits_most=10, skip_bits_least=2, skip_bits_most=5,
    formats=7, strides=16, bases=16,
)  # fmt: skip
FAST = Wishes(effort=Effort(moves=0))
PIXELS = replace(LOIHI, bases=256, atoms=512, entries=2)
Named = tuple[int, int, int, int]  # place, column, rest, and the name of the weight
Group = tuple[list[list[Named]], int, int, int, bool]  # lists, bits of index and synapse, delay
Stored = tuple[Synapse, int, int, range]  # bits of a synapse, delay, channels that count


class Packer:
    """A core packed list by list, as a person would."""

    def __init__(self, packing: Packing, box: Box, slots: int, layout: str) -> None:
        self.packing, self.box, self.slots, self.layout = packing, box, slots, layout
        self.channels, self.rows, self.columns = box.shape
        places = {
            "apart": 1,
            "columns": self.columns,
            "rows": self.rows,
            "pixels": self.rows * self.columns,
        }
        self.places = places[layout]

    def neuron(self, flat: int, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Give place, column where nothing is a place, and the rest."""
        c, y, x = (int(v) for v in np.unravel_index(flat, shape))
        c, y, x = c - self.box.channels[0], y - self.box.rows[0], x - self.box.columns[0]
        match self.layout:
            case "apart":
                return 0, x, c + self.channels * (y + self.rows * x)
            case "columns":
                return x, 0, c + self.channels * y
            case "rows":
                return y, 0, c + self.channels * x
        return x + self.columns * y, 0, c

    def group(self, flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        c, y, x = (int(v) for v in np.unravel_index(flat, shape))
        if self.packing.atoms > 1:
            return y, x
        return {"rows": (c, y), "pixels": (c, y, x)}.get(self.layout, (c, x))

    def words(self, synapses: list[Stored], *, wide: bool = False, others: int = 0) -> int:
        """Give the words of all lists, where so many `others` formats are in use."""
        packing = self.packing
        fits = self.places * self.slots <= packing.bases
        if self.layout in ("columns", "rows"):
            fits = self.places * self.slots <= packing.strides
        groups = []
        for synapse, bits, delay, within in synapses:
            lists, plain = self.lists(synapse, within)
            size = prod(self.box.shape) // (1 if plain else self.places)
            index = max(packing.index_bits_least, ceil(log2(size)) if size > 1 else 0)
            fits = fits and index <= packing.index_bits_most
            shared = {}
            for key in sorted({self.group(s, synapse.pre_shape) for s in lists}):
                mine = [lists[s] for s in sorted(lists) if self.group(s, synapse.pre_shape) == key]
                shared[tuple(tuple(each) for each in mine)] = mine
            groups += [(mine, index, bits, delay, plain) for mine in shared.values()]
        if not fits:
            return UNFIT
        runs = [self.runs(each) for mine, *_ in groups for each in mine]
        gaps = [b - a for every in runs for run in every.values() for a, b in pairwise(run)]
        gap = max((g for g in gaps if g < 2**packing.skip_bits_most), default=0)
        if wide:
            gap = 2**packing.skip_bits_most - 1
        skip = max(packing.skip_bits_least, ceil(log2(gap + 1)))
        for allowed in (("dense", "run-length", "sparse"), ("dense",)):
            total = self.packed(groups, skip, allowed, others)
            if total < UNFIT:
                return total
        return UNFIT

    def lists(self, synapse: Synapse, within: range) -> tuple[dict[int, list[Named]], bool]:
        """Give each source's synapses, places from the first on, of channels `within`."""
        edges, area = edges_read(synapse, self.box), prod(synapse.post_shape[1:])
        found: dict[int, list[Named]] = {}
        channel = prod(synapse.pre_shape[1:])
        kernel = hasattr(synapse, "kernel")
        ends = (edges.pre.tolist(), edges.post.tolist(), edges.tap.tolist())
        for pre, post, tap in zip(*ends, strict=True):
            if pre // channel not in within:
                continue
            name = (post // area * 10_000 + tap) if kernel else post * 100_000 + pre
            found.setdefault(pre, []).append((*self.neuron(post, synapse.post_shape), name))
        for each in found.values():
            base = min(place for place, *_ in each)
            each[:] = sorted((p - base, x, q, name) for p, x, q, name in each)
        plain = self.layout == "pixels" and (
            any(len({p for p, *_ in each}) > 1 for each in found.values())
            or self.places * self.slots > self.packing.strides
        )
        if plain:
            for each in found.values():
                each[:] = sorted((0, 0, p + self.places * q, name) for p, _, q, name in each)
        return found, plain

    def runs(self, each: list[Named]) -> dict[tuple[int, int], list[int]]:
        """Give the indices that entries may run over: those of one place and column."""
        return {
            key: [q for _, _, q, _ in run] for key, run in groupby(each, key=lambda e: (e[0], e[1]))
        }

    def packed(self, groups: list[Group], skip: int, allowed: tuple[str, ...], others: int) -> int:
        packing, total, formats = self.packing, 0, set()
        for mine, index, bits, delay, plain in groups:
            best = min(
                (max(self.bits(each, how, index, skip, bits) for each in mine), n, how)
                for n, how in enumerate(allowed)
            )
            words = ceil((best[0] + packing.end_bits) / packing.word_bits)
            if words > packing.axon_words:
                return UNFIT
            total += words * len(mine)
            formats |= {(best[2], delay, plain, place) for each in mine for place, *_ in each}
        return total if len(formats) + others <= packing.formats else UNFIT

    def bits(self, each: list[Named], how: str, index: int, skip: int, weight: int) -> int:
        """Lay one list out, entry by entry."""
        packing, total = self.packing, 0
        for run in self.runs(each).values():
            reach = {"dense": 1, "run-length": 2**packing.skip_bits_most - 1, "sparse": 1 << 30}
            taken, last = 0, None
            for q in run:
                if last is None or taken == packing.entry_synapses or q - last > reach[how]:
                    total += packing.prefix_bits + (0 if how == "sparse" else index)
                    taken = 0
                total += weight + {"dense": 0, "run-length": skip, "sparse": index}[how]
                taken, last = taken + 1, q
        return total


def part(synapse: Synapse, box: Box, bits: int, delay: int) -> Part:
    counts = regular(synapse)
    assert counts is not None
    sides = zip(counts.axes, (box.channels, box.rows, box.columns), strict=True)
    depth, rows, columns = (stacked([spread(axis, along)], axis.step) for axis, along in sides)
    return Part(depth, rows, columns, bits, delay > 1)


def drawn_synapse(rng: np.random.Generator, most: int = 9) -> Synapse:
    pre = tuple(int(n) for n in rng.integers(1, most, 3))
    kind = rng.integers(3)
    if kind == 0:
        return draws.dense(rng, pre, draws.shape(rng))
    return (
        draws.conv(rng, pre, int(rng.integers(1, 4)) * pre[0])
        if kind == 1
        else draws.window(rng, pre)
    )


@pytest.mark.parametrize("packing", [LOIHI, PIXELS], ids=["discrete", "population"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(100))
def test_words_are_those_of_lists_that_are_laid_out(
    seed: int, layout: str, packing: Packing
) -> None:
    rng = np.random.default_rng(seed)
    if seed % 3 == 0:  # few formats, few synapses an entry, short skips: all limits are met
        packing = replace(
            packing, formats=int(rng.integers(3, 8)), entry_synapses=int(rng.integers(2, 9)),
            skip_bits_most=int(rng.integers(2, 5)), axon_words=int(rng.integers(2, 9)),
        )  # fmt: skip
    first = drawn_synapse(rng)
    every = range(1000)
    synapses = [(first, 8, 1, every)]
    if rng.random() < 0.4:
        pre = tuple(int(n) for n in rng.integers(1, 5, 3))
        synapses.append(
            (draws.dense(rng, pre, first.post_shape), 14, int(rng.integers(1, 3)), every)
        )
    box, slots = draws.box(rng, first.post_shape), int(rng.integers(1, 3))
    zero = np.zeros(1, dtype=np.int64)
    cores = Cores(
        packing=packing,
        shape=tuple(zero + n for n in box.shape),  # type: ignore[arg-type]  # three
        slots=zero + slots,
        parts=[part(s, box, bits, delay) for s, bits, delay, _ in synapses],
        singles=zero,
        single_formats=zero,
    )
    expected = Packer(packing, box, slots, layout).words(synapses)
    assert int(cores.laid(layout)[0]) == expected


def packed_by_hand(net: Network, chip: Target, cut: dict[str, Grid]) -> dict[str, list[int]]:
    """Recount words and axons of every core, list by list and spike by spike."""
    packing = chip.packing
    assert packing is not None
    blocks = [(p, g, box) for p in net.populations for g, box in blocks_of(cut[p.name])]
    words, inputs, outputs = ([0] * len(blocks) for _ in range(3))
    first = {p.name: next(i for i, b in enumerate(blocks) if b[0] is p) for p in net.populations}
    holders = {p.name: holder(cut[p.name], p.shape) for p in net.populations}
    for at, (p, group, box) in enumerate(blocks):
        grid = cut[p.name]
        last, area = group == grid.groups - 1, box.shape[1] * box.shape[2]
        resets = chip.feeds_back(model(p.neuron)) and last
        singles = box.size * resets
        if resets:
            inputs[at] += area * ceil(box.shape[0] / packing.atoms)
            outputs[at] += packing.entries * area * ceil(box.shape[0] / packing.atoms)
        if group:
            singles += box.size * chip.relay.axons
            inputs[at] += box.size * chip.relay.axons
        if not last:
            outputs[at] += box.size * chip.relay.axons
        stored, scattered = list[Stored](), list[Stored]()
        for j in net.into(p.name):
            channels = net.population(j.source).shape[0]
            within = range(*parts(channels, grid.groups)[group])
            bits = chip.synapse_bits + (chip.delay_bits if j.delay_steps > 1 else 0)
            kind = scattered if regular(j.synapse) is None else stored
            kind.append((j.synapse, bits, int(j.delay_steps > 1), within))
            edges = edges_read(j.synapse, box)
            rows = prod(net.population(j.source).shape[1:])
            pres = {int(e) for e in edges.pre if e // rows in within}
            inputs[at] += len({(e // rows // packing.atoms, e % rows) for e in pres})
            senders = {
                (int(holders[j.source][e]), e // rows // packing.atoms, e % rows) for e in pres
            }
            for block, *_ in senders:
                outputs[first[j.source] + block] += packing.entries
        slots = chip.compartments[model(p.neuron)] if last else chip.relay.slots
        others = int(resets) + int(group > 0)
        if scattered:
            packer = Packer(packing, box, slots, "apart")
            each = [packer.words(stored, wide=True, others=others)]
            each += [packer.words([one], wide=True) for one in scattered]
            found = sum(each)
        else:
            found = min(
                Packer(packing, box, slots, w).words(stored, others=others) for w in LAYOUTS
            )
        words[at] = found + singles
    bits = [packing.word_bits * n for n in words]
    return {"synapse_bits": bits, "in_axons": inputs, "out_axons": outputs}


@pytest.mark.parametrize("packing", [LOIHI, replace(PIXELS, atoms=2)], ids=["discrete", "pixels"])
@pytest.mark.parametrize("seed", range(120))
def test_what_packed_cores_take_is_a_recount_of_lists(seed: int, packing: Packing) -> None:
    net = drawn(seed, 5)
    cut = cut_at_random(net, seed)
    chip = target({}, packing=packing, graded=GRADED if seed % 3 else None)
    claimed = taken(net, chip, cut)
    expected = packed_by_hand(net, chip, cut)
    assert {name: claimed[name].tolist() for name in expected} == expected


@pytest.mark.parametrize("packing", [LOIHI, replace(PIXELS, atoms=2)], ids=["discrete", "pixels"])
@pytest.mark.parametrize("seed", range(20))
def test_axons_that_leave_their_chip_take_more(seed: int, packing: Packing) -> None:
    net, limits = drawn(seed, 5), {"neurons": 16, "out_axons": 400}
    chip = target(
        limits, packing=replace(packing, crossing=1), mesh=Mesh(width=3, height=2, chips=None)
    )
    found = lay(net, chip, dict.fromkeys((p.name for p in net.populations), 0.5), FAST)
    plain = taken(net, chip, found.grids)["out_axons"]
    where, at = found.floor.chip[found.seats], offsets(found.grids)
    held = {p.name: holder(found.grids[p.name], p.shape) + at[p.name] for p in net.populations}
    axons = set()
    for n, j in enumerate(net.projections):
        area = prod(net.population(j.source).shape[1:])
        edges = edges_read(j.synapse, Box(*((0, length) for length in j.synapse.post_shape)))
        for pre, post in zip(edges.pre.tolist(), edges.post.tolist(), strict=True):
            unit = (pre // area // packing.atoms, pre % area)
            axons.add((n, int(held[j.source][pre]), *unit, int(held[j.target][post])))
    expected = plain.copy()
    for _, source, *_, to in axons:
        expected[source] += where[source] != where[to]
    assert found.demand["out_axons"].tolist() == expected.tolist()
    assert found.demand["out_axons"].max() <= 400


def test_a_network_whose_axons_all_leave_is_cut_anew() -> None:
    first = draws.dense(np.random.default_rng(0), (12, 1, 1), (12, 1, 1))
    net = chain((12, 1, 1), first)
    limits, mesh = {"neurons": 6, "out_axons": 13}, Mesh(width=1, height=1, chips=None)
    packing = replace(LOIHI, crossing=1)
    chip = target(limits, packing=packing, mesh=mesh, compartments={"subtract": 1})
    found = lay(net, chip, {"p0": 0.5, "p1": 0.5}, FAST)
    assert found.demand["out_axons"].max() <= 13
    assert found.grids["p0"].count > split(net, chip)["p0"].count
