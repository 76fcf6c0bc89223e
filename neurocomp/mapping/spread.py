"""How the sources of a synapse spread over a core, along one axis: what a packing counts with.

Two sources whose neurons lie alike behind the first, and that reach them by the same weights, can
share their lists; along rows and columns of a kernel, most can.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.mapping.regular import Axis
from neurocomp.snn.boxes import Range

Tally = tuple[tuple[int, int], ...]  # neurons that a source reaches, and how many sources do


class Spread(NamedTuple):
    """The sources of one range."""

    length: int
    sources: int
    every: Tally
    shared: Tally  # only those that differ


class Spreads(NamedTuple):
    """The sources of many ranges."""

    length: Array  # (ranges,)
    sources: Array  # (ranges,)
    step: int  # from neuron to neuron that a source reaches
    reached: Array  # (kinds, ranges) neurons that a source reaches
    every: Array  # (kinds, ranges) how many sources do
    shared: Array  # (kinds, ranges) of those, the different ones

    @property
    def most(self) -> Array:
        """Give the neurons that a source reaches, at most, (ranges,)."""
        most: Array = np.where(self.every > 0, self.reached, 0).max(axis=0)
        return most

    def at(self, which: Array) -> "Spreads":
        """Give some ranges, in the order given."""
        length, sources, step, reached, every, shared = self
        kinds = (each[:, which] for each in (reached, every, shared))
        return Spreads(length[which], sources[which], step, *kinds)


def spread(axis: Axis, along: Range, share: int | None = None) -> Spread:
    """Give the sources of one range; of an axis all to all only `share` count, if given."""
    length = along[1] - along[0]
    if axis.reach is None:
        sources = axis.pre if share is None else share
        tally = ((length, sources),)
        return Spread(length, sources, tally, tally)
    key = ("spread", along)
    if key not in axis.known:
        axis.known[key] = _slid(axis, along)
    found: Spread = axis.known[key]
    return found


def stacked(spreads: Sequence[Spread], step: int) -> Spreads:
    """Put the sources of many ranges side by side."""
    kinds = max(1, *(len(s.every) for s in spreads))
    empty = ((0, 0),) * kinds
    every = np.array([(*s.every, *empty)[:kinds] for s in spreads], dtype=np.int64)
    shared = np.array([(*s.shared, *empty)[:kinds] for s in spreads], dtype=np.int64)
    length, sources = np.array([s[:2] for s in spreads], dtype=np.int64).T
    return Spreads(length, sources, step, every[..., 0].T, every[..., 1].T, shared[..., 1].T)


def _slid(axis: Axis, along: Range) -> Spread:
    assert axis.reach is not None
    if axis.group is not None:
        return _grouped(axis.group, along)
    reach = axis.reach[along[0] : along[1]]
    counts = reach.sum(axis=0)
    sources = np.nonzero(counts)[0]
    counts, first = counts[sources], reach[:, sources].argmax(axis=0) + along[0]
    begin = 0 if axis.first is None else axis.first[first]
    most = int(counts.max(initial=0)) + 1
    different = np.unique((sources - begin) * most + counts) % most
    return Spread(along[1] - along[0], len(sources), _tally(counts), _tally(different))


def _grouped(group: tuple[int, int], along: Range) -> Spread:
    """Give the channels of groups: each reads its own."""
    outs, ins = group
    first, last = along[0] // outs, (along[1] - 1) // outs
    tally: dict[int, int] = {}
    for one in {first, last}:
        reached = min(along[1], (one + 1) * outs) - max(along[0], one * outs)
        tally[reached] = tally.get(reached, 0) + ins
    if last - first > 1:
        tally[outs] = tally.get(outs, 0) + (last - first - 1) * ins
    found = tuple(sorted(tally.items()))
    return Spread(along[1] - along[0], (last - first + 1) * ins, found, found)


def _tally(counts: Array) -> Tally:
    each = np.bincount(counts)
    kinds = np.nonzero(each)[0]
    return tuple(zip(kinds.tolist(), each[kinds].tolist(), strict=True))
