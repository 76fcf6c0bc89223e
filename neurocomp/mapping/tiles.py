"""The grids of one population whose blocks fit a core, whatever the other populations' are.

Every grid of balanced cuts is weighed with every limit at once, in closed form.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Packing
from neurocomp.mapping.demand import DEMANDS, Cutting, bits_of, layer, link, model, slots_of
from neurocomp.mapping.extremes import extremes, largest, padded
from neurocomp.mapping.grid import Cut, Grid, cuts, grids
from neurocomp.mapping.packed import most_words
from neurocomp.mapping.regular import Axis, Regular, sizes
from neurocomp.snn.network import Population

MOST_GROUPS = 24  # of input channels
IRREGULAR = 256  # grids of a population with irregular synapses: each is weighed alone

Cuts = tuple[Cut, ...]
Depths = tuple[Cuts, tuple[int, ...]]  # cuts of the channels, and the groups of input channels


@dataclass(frozen=True, eq=False, slots=True)
class Tiles:
    """Grids that fit, fewest blocks first; each array has one entry a grid."""

    axes: tuple[Cuts, Cuts, Cuts]
    groups: tuple[int, ...]  # of input channels, beside each cut of the channels
    at: tuple[Array, Array, Array]  # which depth, cut of the rows, cut of the columns
    blocks: Array
    axons: dict[str, Array]  # output axons that all blocks ask of each source, at least
    fan: dict[str, Array]  # and of one neuron of it, at most

    def grid(self, index: int) -> Grid:
        """Give one grid."""
        (channels, rows, columns), at = self.axes, [int(each[index]) for each in self.at]
        cut = (channels[at[0]], rows[at[1]], columns[at[2]])
        return Grid(cut, self.groups[at[0]])

    def kept(self, which: Array) -> "Tiles":
        """Keep some grids, in the order given."""
        c, y, x = (at[which] for at in self.at)
        axons = {name: each[which] for name, each in self.axons.items()}
        fan = {name: each[which] for name, each in self.fan.items()}
        return Tiles(self.axes, self.groups, (c, y, x), self.blocks[which], axons, fan)


def tiles(whole: Cutting, population: Population, groups: bool) -> Tiles:
    """Give the grids of `population` that fit; `groups` allows groups of input channels."""
    counts = [whole.counts.of(p.synapse) for p in whole.network.into(population.name)]
    if not all(isinstance(c, Regular) for c in counts):
        return _irregular(whole, population)
    if whole.target.packing and groups:  # packed lists take long to weigh: no groups without need
        ungrouped = _regular(whole, population, False)
        return ungrouped if len(ungrouped.blocks) else _regular(whole, population, True)
    return _regular(whole, population, groups)


def _regular(whole: Cutting, population: Population, grouped: bool) -> Tiles:
    terms = _Terms.of(whole, population, grouped)
    channels, groups = terms.cut
    rows, columns = cuts(population.shape[1]), cuts(population.shape[2])
    tops = (
        terms.channels(),
        padded([extremes(terms.spatial(1, cut)) for cut in rows]),
        padded([extremes(terms.spatial(2, cut)) for cut in columns]),
    )
    shape = (len(channels), len(rows), len(columns))
    at = _fitting(whole, population, terms, tops, shape)
    counts = (
        np.array([len(cut) * g for cut, g in zip(channels, groups, strict=True)])[at[0]]
        * np.array([len(cut) for cut in rows])[at[1]]
        * np.array([len(cut) for cut in columns])[at[2]]
    )
    axons: dict[str, Array] = {}
    fan: dict[str, Array] = {}
    atoms, entries = whole.target.atoms, whole.target.axon_entries
    for p, (c, y, x) in zip(whole.network.into(population.name), terms.axes, strict=True):
        each = (
            np.array([c.all_sources(cut, atoms) for cut in channels])[at[0]]
            * np.array([y.all_sources(cut) for cut in rows])[at[1]]
            * np.array([x.all_sources(cut) for cut in columns])[at[2]]
        )
        most = (
            np.array([c.most_ranges(cut) for cut in channels])[at[0]]
            * np.array([y.most_ranges(cut) for cut in rows])[at[1]]
            * np.array([x.most_ranges(cut) for cut in columns])[at[2]]
        )
        axons[p.source] = axons.get(p.source, 0) + entries * each
        fan[p.source] = fan.get(p.source, 0) + entries * most
    found = Tiles((channels, rows, columns), groups, at, counts, axons, fan)
    total = sum(axons.values(), start=np.zeros_like(counts))
    return found.kept(np.lexsort((total, counts)))


def _fitting(
    whole: Cutting,
    population: Population,
    terms: "_Terms",
    tops: tuple[Array, Array, Array],
    shape: tuple[int, int, int],
) -> tuple[Array, Array, Array]:
    """Give the cuts of the grids that keep every limit but that of output axons."""
    limits, flat = whole.target.core.limits, np.arange(int(np.prod(shape)))
    weights = terms.coefficients(whole, population)
    for resource in weights:
        if resource in limits:
            at = np.unravel_index(flat, shape)
            flat = flat[largest(tops, at, weights[resource]) <= limits[resource]]
    if whole.target.packing and "synapse_bits" in limits and len(flat):
        packing = whole.target.packing
        bits = packing.word_bits * _packed(whole, population, packing, terms)
        flat = flat[bits.ravel()[flat] <= limits["synapse_bits"]]
    c, y, x = np.unravel_index(flat, shape)
    return c, y, x


def _packed(whole: Cutting, population: Population, packing: Packing, terms: "_Terms") -> Array:
    """Give the words of the fullest block of each grid, (depths, rows, columns)."""
    into = whole.network.into(population.name)
    links = [link(whole.target, p, axes) for p, axes in zip(into, terms.axes, strict=True)]
    depths = list(zip(*terms.cut, strict=True))
    rows, columns = cuts(population.shape[1]), cuts(population.shape[2])
    return most_words(layer(whole, population.name, packing, links), depths, rows, columns)


@dataclass(frozen=True, eq=False, slots=True)
class _Terms:
    """The terms of one population: neurons, partial sums, resets, then two for each projection.

    Those are its sources and what it stores.
    """

    axes: list[tuple[Axis, Axis, Axis]]  # of each projection
    kernel: bool
    atoms: int
    cut: Depths

    @staticmethod
    def of(whole: Cutting, population: Population, grouped: bool) -> "_Terms":
        """Collect the terms of `population`; `grouped` allows groups of input channels."""
        into = whole.network.into(population.name)
        counts = [whole.counts.of(p.synapse) for p in into]
        axes = [c.axes for c in counts if isinstance(c, Regular)]
        depths = _depths(axes, population, grouped)
        return _Terms(axes, whole.target.stored == "kernel", whole.target.atoms, depths)

    def spatial(self, axis: int, cut: Cut) -> Array:
        """Give the terms of each range of rows (1) or columns (2), (ranges, terms)."""
        length, atoms = sizes(cut), self.atoms if axis == 0 else 1
        columns = [length, length, -(-length // atoms)]
        for p in self.axes:
            columns += [p[axis].sources(cut, atoms=atoms), self._stored(p[axis], cut)]
        return np.stack(columns, axis=1)

    def channels(self) -> Array:
        """Give the extreme terms of each depth, (depths, most, terms)."""
        channels, groups = self.cut
        if any(c.reach is not None for c, _, _ in self.axes):
            alone = np.array([n != 1 for n in range(3 + 2 * len(self.axes))])  # no partial sums
            return padded([extremes(self.spatial(0, cut) * alone) for cut in channels])
        # All to all: the last range of the last group is the largest in every term.
        length = np.array([cut[-1][1] - cut[-1][0] for cut in channels])
        columns = [length, length * (np.array(groups) > 1), -(-length // self.atoms)]
        for c, _, _ in self.axes:
            axons = [int(c.sources(((0, 1),), g, self.atoms).max()) for g in groups]
            columns += [np.array(axons), -(-c.pre // np.array(groups)) * length]
        return np.stack(columns, axis=1)[:, None]

    def coefficients(self, whole: Cutting, population: Population) -> dict[str, Array]:
        """Give what one of each term takes of each resource."""
        target, into = whole.target, whole.network.into(population.name)
        kind, relay = model(population.neuron), target.relay
        own = slots_of(target, population)
        slots = [own, max(0, relay.slots - own), 0]
        axons = [0, relay.axons, int(target.feeds_back(kind))]
        bits = [0, relay.synapse_bits, 0]
        for p in into:
            slots += [0, 0]
            axons += [1, 0]
            bits += [target.axon_bits, bits_of(target, p)]
        named = {"neurons": slots, "in_axons": axons, "synapse_bits": bits}
        if target.packing:
            del named["synapse_bits"]
        return {name: np.array(each) for name, each in named.items()}

    def _stored(self, axis: Axis, cut: Cut) -> Array:
        return axis.weights(cut) if self.kernel else axis.fan_in(cut)


def _depths(axes: list[tuple[Axis, Axis, Axis]], population: Population, grouped: bool) -> Depths:
    """List the cuts of channels, with as many groups as there may be."""
    inputs = max((c.pre for c, _, _ in axes), default=1)
    apart = any(c.reach is not None for c, _, _ in axes)
    most = 1 if apart or not grouped else min(inputs, MOST_GROUPS)
    each = [(cut, g) for cut in cuts(population.shape[0]) for g in range(1, most + 1)]
    return tuple(cut for cut, _ in each), tuple(g for _, g in each)


def _irregular(whole: Cutting, population: Population) -> Tiles:
    """Weigh the grids one by one, until enough of them fit."""
    fitting = list(islice(_fit_alone(whole, population), IRREGULAR))
    axes = (
        tuple(g.axes[0] for g in fitting),
        tuple(g.axes[1] for g in fitting),
        tuple(g.axes[2] for g in fitting),
    )
    each = np.arange(len(fitting))
    axons: dict[str, Array] = {}
    fan: dict[str, Array] = {}
    atoms, entries = whole.target.atoms, whole.target.axon_entries
    for p in whole.network.into(population.name):
        counts = whole.counts.of(p.synapse)
        alone = grids(whole.network.population(p.source).shape)[-1]
        total = np.array([int(counts.sources(g, atoms).sum()) for g in fitting], dtype=np.int64)
        most = np.array([int(counts.targets(alone, g).max()) for g in fitting], dtype=np.int64)
        axons[p.source] = axons.get(p.source, 0) + entries * total
        fan[p.source] = fan.get(p.source, 0) + entries * most
    blocks = np.array([g.count for g in fitting], dtype=np.int64)
    return Tiles(axes, (1,) * len(fitting), (each, each, each), blocks, axons, fan)


def _fit_alone(whole: Cutting, population: Population) -> Iterator[Grid]:
    limits = whole.target.core.limits
    known = [d for d in DEMANDS if d.resource in limits and d.resource != "out_axons"]
    for grid in grids(population.shape):
        cutting = whole._replace(grids={population.name: grid})
        if all(d.each(cutting, population.name).max() <= limits[d.resource] for d in known):
            yield grid
