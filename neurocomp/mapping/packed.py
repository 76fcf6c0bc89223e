"""Packed words of the blocks of a grid, and of the fullest block of many grids at once.

Blocks whose ranges have the same sources are counted once: along an axis only ranges at the edges,
or of another length, differ.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Packing, Target
from neurocomp.mapping.grid import Cut, Grid, parts
from neurocomp.mapping.packing import UNFIT, Cores, Part
from neurocomp.mapping.regular import Axis
from neurocomp.mapping.spread import Spread, Spreads, spread, stacked
from neurocomp.snn.boxes import Range

Axes = tuple[Axis, Axis, Axis]


class Link(NamedTuple):
    """A projection into the population: its axes, the bits of a synapse, and whether it delays."""

    axes: Axes
    bits: int
    delayed: bool


class Layer(NamedTuple):
    """A population that is cut, without its cuts."""

    target: Target
    packing: Packing  # the target's
    links: Sequence[Link]
    slots: int  # compartments of one neuron
    feeds_back: bool


class Kind(NamedTuple):
    """One range, and a group of input channels; ranges of a kind are alike."""

    length: int
    spreads: tuple[Spread, ...]  # of each link
    relayed: bool = False  # gets partial sums from the group before
    passes: bool = False  # its own on to the next, and has no spiking neurons


def block_words(layer: Layer, grid: Grid, *, apart: bool = False) -> Array:
    """Give the words of each block, (groups * channels, rows, columns).

    With `apart`, lists without a regular form stand beside: nothing is a place, skips are wide.
    """
    deep = [_deep(layer, r, grid.groups, g) for g in range(grid.groups) for r in grid.axes[0]]
    sides = [[_side(layer, axis, r) for r in grid.axes[axis]] for axis in (1, 2)]
    kinds, at = zip(*(_numbered(each) for each in (deep, *sides)), strict=True)
    found: Array = _table(layer, kinds, None, apart)[np.ix_(*at)]
    return found


def most_words(
    layer: Layer, depths: Sequence[tuple[Cut, int]], rows: Sequence[Cut], columns: Sequence[Cut]
) -> Array:
    """Give the words of the fullest block of each grid, (depths, rows, columns)."""
    deep = [_depths(layer, cut, groups) for cut, groups in depths]
    sides = [
        [[_side(layer, axis, r) for r in cut] for cut in cuts]
        for axis, cuts in ((1, rows), (2, columns))
    ]
    kinds, at = list[list[Kind]](), list[list[Array]]()
    for cuts in (deep, *sides):
        some, each = _numbered([kind for cut in cuts for kind in cut])
        kinds.append(some)
        at.append(np.split(each, np.cumsum([len(cut) for cut in cuts])[:-1]))
    found = _table(layer, kinds, layer.target.core.limits.get("neurons"), False)
    for axis, lists in enumerate(at):
        found = _largest(found, axis, lists)
    return found


def _depths(layer: Layer, cut: Cut, groups: int) -> list[Kind]:
    """Give the different kinds of all ranges of channels, in all groups."""
    alike = all(link.axes[0].reach is None for link in layer.links)
    ranges = {b - a: (a, b) for a, b in cut}.values() if alike else cut
    return list(dict.fromkeys(_deep(layer, r, groups, g) for r in ranges for g in range(groups)))


def _deep(layer: Layer, along: Range, groups: int, group: int) -> Kind:
    """Give the kind of a range of channels that reads one group of the input channels."""
    each = []
    for link in layer.links:
        first, last = parts(link.axes[0].pre, groups)[group]
        each.append(spread(link.axes[0], along, last - first))
    return Kind(along[1] - along[0], tuple(each), group > 0, group < groups - 1)


def _side(layer: Layer, axis: int, along: Range) -> Kind:
    each = tuple(spread(link.axes[axis], along) for link in layer.links)
    return Kind(along[1] - along[0], each)


def _numbered(kinds: Sequence[Kind]) -> tuple[list[Kind], Array]:
    """Give the different kinds, and which each is."""
    numbers: dict[Kind, int] = {}
    at = np.array([numbers.setdefault(kind, len(numbers)) for kind in kinds], dtype=np.int64)
    return list(numbers), at


def _table(layer: Layer, kinds: Sequence[list[Kind]], most: int | None, apart: bool) -> Array:
    """Give the words of a block of each three kinds, (depths, rows, columns).

    Only where it has at most `most` compartments; UNFIT elsewhere.
    """
    lengths = [np.array([kind.length for kind in each]) for each in kinds]
    size = lengths[0][:, None, None] * lengths[1][:, None] * lengths[2]
    found: Array = np.full(size.shape, UNFIT)
    at = np.nonzero(size * max(1, layer.slots) <= most if most else size > 0)
    shape = [length[i] for length, i in zip(lengths, at, strict=True)]
    neurons = shape[0] * shape[1] * shape[2]
    relayed, passes = (
        np.array([getattr(kind, name) for kind in kinds[0]])[at[0]]
        for name in ("relayed", "passes")
    )
    resets = layer.feeds_back & ~passes
    links = [_part(link, kinds, at, n) for n, link in enumerate(layer.links)]
    cores = Cores(
        packing=layer.packing,
        shape=(shape[0], shape[1], shape[2]),
        slots=np.maximum(1, np.where(passes, layer.target.relay.slots, layer.slots)),
        parts=links,
        singles=neurons * (resets + layer.target.relay.axons * relayed),
        single_formats=resets.astype(np.int64) + relayed,
    )
    found[at] = cores.laid("apart", wide=True) if apart else cores.words()
    return found


def _part(link: Link, kinds: Sequence[list[Kind]], at: Sequence[Array], number: int) -> Part:
    sides: list[Spreads] = [
        stacked([kind.spreads[number] for kind in each], axis.step).at(which)
        for axis, each, which in zip(link.axes, kinds, at, strict=True)
    ]
    return Part(sides[0], sides[1], sides[2], link.bits, link.delayed)


def _largest(table: Array, axis: int, each: Sequence[Array]) -> Array:
    """Give the largest of some entries along an axis, for each list of them."""
    moved = np.moveaxis(table, axis, 0)
    found = np.stack([moved[which].max(axis=0) for which in each])
    return np.moveaxis(found, 0, axis)
