"""Counts of a regular synapse, axis by axis: who reaches whom along channels, rows and columns.

It links two neurons where all three axes do, so each count is a product of three small ones. Where
a grid has groups of input channels, its channel axis lists the ranges of the first group, then
those of the second, and so on: each reads the channels of its group only.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array, kron

from neurocomp.arrays import Array
from neurocomp.mapping.grid import Cut, Grid, parts, uncut
from neurocomp.snn.channels import channels_read
from neurocomp.snn.synapses import Conv, Dense, Synapse, Window
from neurocomp.snn.windows import Axis as Windows


@dataclass(frozen=True, eq=False, slots=True)
class Axis:
    """One axis of a synapse."""

    pre: int  # presynaptic indices
    taps: Array  # (post,): synapses of each postsynaptic index along this axis
    reach: Array | None  # bool (post, pre); None: all to all
    inside: Array | None = None  # bool (post, kernel): taps that are not padding; None: no kernel
    first: Array | None = None  # (post,): where each window begins, also in the padding
    step: int = 1  # from one postsynaptic index that an index reaches to the next
    group: tuple[int, int] | None = None  # channels out and in of a group; None: no groups
    known: dict[tuple[object, ...], Any] = field(default_factory=dict)  # what was asked before

    def fan_in(self, post: Cut, groups: int = 1) -> Array:
        """Count the synapses into each range, (groups * ranges,)."""
        whole: Array = np.add.reduceat(self.taps, starts(post), dtype=np.int64)
        if groups == 1:
            return whole
        share = sizes(parts(self.pre, groups))
        every: Array = (share[:, None] * sizes(post)).ravel()
        return every

    def weights(self, post: Cut, groups: int = 1) -> Array:
        """Count the distinct weights of each range, (groups * ranges,)."""
        if self.inside is None:
            return self.fan_in(post, groups)
        used: Array = np.logical_or.reduceat(self.inside, starts(post), axis=0)
        distinct: Array = used.sum(axis=1, dtype=np.int64)
        return distinct

    def overlap(self, pre: Cut, post: Cut, groups: int = 1) -> Array:
        """Count the indices in each range of `pre` that reach each of `post`, (pre, post)."""
        key = (pre, post, groups)
        if key not in self.known:
            self.known[key] = self._overlap(pre, post, groups)
        found: Array = self.known[key]
        return found

    def sources(self, post: Cut, groups: int = 1, atoms: int = 1) -> Array:
        """Count the indices that reach each range, (groups * ranges,).

        With `atoms`, so many indices in a row count as one.
        """
        reached: Array = self.axons(((0, self.pre),), post, groups, atoms)[0]
        return reached

    def all_sources(self, post: Cut, atoms: int = 1) -> int:
        """Sum `sources` over the ranges, and over the groups, at least."""
        if self.reach is None:
            return -(-self.pre // atoms) * len(post)
        return int(self.sources(post, atoms=atoms).sum())

    def axons(self, pre: Cut, post: Cut, groups: int, atoms: int) -> Array:
        """Count the axons from each range of `pre` to each of `post`, (pre, post).

        Up to `atoms` indices share one: those that begin at a multiple of it.
        """
        if atoms == 1:
            return self.overlap(pre, post, groups)
        if self.reach is None and groups == 1:
            chunks = [(b - 1) // atoms - a // atoms + 1 for a, b in pre]
            return np.repeat(np.array(chunks)[:, None], len(post), axis=1)
        finer = sorted({*starts(pre), *range(0, self.pre, atoms)})
        cut = tuple(pairwise([*finer, self.pre]))
        reached: Array = np.minimum(self.overlap(cut, post, groups), 1)
        found: Array = np.add.reduceat(reached, np.searchsorted(finer, starts(pre)), axis=0)
        return found

    def most_ranges(self, post: Cut) -> int:
        """Give the ranges that one presynaptic index reaches, at most."""
        return len(post) if self.reach is None else int(self.ranges(post).max())

    def ranges(self, post: Cut) -> Array:
        """Count the ranges of `post` that each presynaptic index reaches, (pre,)."""
        if self.reach is None:
            return np.full(self.pre, len(post))
        key = (post,)
        if key not in self.known:
            reached = np.logical_or.reduceat(self.reach, starts(post), axis=0)
            self.known[key] = reached.sum(axis=0, dtype=np.int64)
        found: Array = self.known[key]
        return found

    def links(self, pre: Cut, post: Cut, groups: int) -> tuple[Array, Array, Array]:
        """List the pairs of ranges with common indices, and those, (pairs, pre) of 0 and 1."""
        inside = np.zeros((len(pre), self.pre))
        for row, (first, last) in zip(inside, pre, strict=True):
            row[first:last] = 1
        reached = np.minimum(self.synapses(post, groups), 1)
        source, target = np.nonzero(self.overlap(pre, post, groups))
        return source, target, inside[source] * reached[target]

    def synapses(self, post: Cut, groups: int) -> Array:
        """Count the synapses from each index into each range, (groups * ranges, pre)."""
        if self.reach is not None:
            each: Array = np.add.reduceat(self.reach, starts(post), axis=0, dtype=np.float64)
            return each
        own = np.zeros((groups, self.pre))
        for row, (first, last) in zip(own, parts(self.pre, groups), strict=True):
            row[first:last] = 1
        return np.kron(own, sizes(post)[:, None].astype(np.float64))

    def axons_out(self, pre: Cut, post: Cut, groups: int, atoms: int) -> Array:
        """Count the axons from each range of `pre` into all of `post`, (pre,)."""
        if atoms == 1 or self.group is None:
            each: Array = self.axons(pre, post, groups, atoms).sum(axis=1)
            return each
        outs, ins = self.group
        finer = sorted({*starts(pre), *range(0, self.pre, atoms)})
        first, last = np.array(finer), np.array([*finer[1:], self.pre]) - 1
        begin = starts(post)
        low = np.searchsorted(begin, first // ins * outs, side="right")
        high = np.searchsorted(begin, (last // ins + 1) * outs - 1, side="right")
        found: Array = np.add.reduceat(high - low + 1, np.searchsorted(finer, starts(pre)))
        return found

    def _overlap(self, pre: Cut, post: Cut, groups: int) -> Array:
        if self.reach is None:
            first, last = np.array(pre).T[:, :, None]
            begin, end = np.array(parts(self.pre, groups)).T
            common = np.maximum(0, np.minimum(last, end) - np.maximum(first, begin))
            return np.repeat(common, len(post), axis=1)
        reached = np.logical_or.reduceat(self.reach, starts(post), axis=0)
        return np.add.reduceat(reached.T, starts(pre), axis=0, dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class Regular:
    """The counts of one regular synapse."""

    axes: tuple[Axis, Axis, Axis]

    def fan_in(self, post: Grid) -> Array:
        """Count the synapses into each block, (groups * channels, rows, columns) of the grid."""
        channels, rows, columns = self.axes
        return product(
            channels.fan_in(post.axes[0], post.groups),
            rows.fan_in(post.axes[1]),
            columns.fan_in(post.axes[2]),
        )

    def weights(self, post: Grid) -> Array:
        """Count the distinct weights of each block, (groups * channels, rows, columns)."""
        channels, rows, columns = self.axes
        return product(
            channels.weights(post.axes[0], post.groups),
            rows.weights(post.axes[1]),
            columns.weights(post.axes[2]),
        )

    def sources(self, post: Grid, atoms: int = 1) -> Array:
        """Count the distinct neurons that reach each block, (groups * channels, rows, columns).

        Up to `atoms` channels of one pixel count as one.
        """
        channels, rows, columns = (axis.pre for axis in self.axes)
        every = uncut((channels, rows, columns))
        return product(*(overlap[0] for overlap in self.overlaps(every, post, atoms)))

    def targets(self, pre: Grid, post: Grid, atoms: int = 1) -> Array:
        """Count for each block of `pre` its pairs of a neuron and a block of `post` it reaches."""
        return product(*(overlap.sum(axis=1) for overlap in self.overlaps(pre, post, atoms)))

    def between(self, pre: Grid, post: Grid, atoms: int = 1) -> csr_array:
        """Count the neurons of each block of `pre` that reach each of `post`, (pre, post).

        Up to `atoms` channels of one pixel count as one.
        """
        channels, rows, columns = (csr_array(each) for each in self.overlaps(pre, post, atoms))
        return csr_array(kron(kron(channels, rows), columns))

    def flow(self, pre: Grid, post: Grid, rate: Array) -> coo_array:
        """Sum the `rate`, (channels, rows, columns), of the neurons that `between` counts."""
        axes = zip(self.axes, pre.axes, post.axes, (post.groups, 1, 1), strict=True)
        links = [axis.links(a, b, g) for axis, a, b, g in axes]
        flow = _contracted(rate, [members for *_, members in links]).ravel()
        shapes = pre.shape, (post.groups * post.shape[0], *post.shape[1:])
        ends = [
            np.ravel_multi_index(np.meshgrid(*(link[end] for link in links), indexing="ij"), shape)
            for end, shape in enumerate(shapes)
        ]
        return coo_array((flow, (ends[0].ravel(), ends[1].ravel())), (pre.last, post.count))

    def events(self, post: Grid, rate: Array) -> Array:
        """Sum the `rate`, (channels, rows, columns), over the synapses into each block."""
        axes = zip(self.axes, post.axes, (post.groups, 1, 1), strict=True)
        return _contracted(rate, [axis.synapses(cut, groups) for axis, cut, groups in axes])

    def overlaps(self, pre: Grid, post: Grid, atoms: int = 1) -> list[Array]:
        """Count along each axis what every range of `pre` shares with every one of `post`."""
        counts = ((post.groups, atoms), (1, 1), (1, 1))
        ends = zip(self.axes, pre.axes, post.axes, counts, strict=True)
        return [axis.axons(a, b, *count) for axis, a, b, count in ends]


def regular(synapse: Synapse) -> Regular | None:
    """Give the axes of `synapse`; None where it is not regular."""
    match synapse:
        case Dense():
            shapes = zip(synapse.pre_shape[1:], synapse.post_shape[1:], strict=True)
            y, x = (Axis(pre, np.full(post, pre), None) for pre, post in shapes)
            c = _all_to_all(synapse.post_shape[0], channels_read(synapse))
            return Regular((c, y, x))
        case Conv():
            windows = synapse.windows
            return Regular((_grouped(synapse), _slid(windows.rows), _slid(windows.columns)))
        case Window():
            windows, channels = synapse.windows, synapse.pre_shape[0]
            same = np.eye(channels, dtype=bool)
            depth = Axis(channels, np.ones(channels, dtype=np.int64), same, group=(1, 1))
            return Regular((depth, _slid(windows.rows), _slid(windows.columns)))
    return None


def starts(cut: Cut) -> list[int]:
    """Give where each range begins."""
    return [first for first, _ in cut]


def sizes(cut: Cut) -> Array:
    """Give the length of each range."""
    lengths: Array = np.diff(cut, axis=1)[:, 0]
    return lengths


def product(channels: Array, rows: Array, columns: Array) -> Array:
    """Multiply three axes, (channels, rows, columns)."""
    every: Array = channels[:, None, None] * rows[None, :, None] * columns[None, None, :]
    return every


def _contracted(rate: Array, axes: list[Array]) -> Array:
    """Sum `rate` along each axis by the rows of its matrix, (channels, rows, columns)."""
    for axis in (1, 2, 0):  # channels last: they multiply where all reach all
        rate = np.moveaxis(np.tensordot(axes[axis], rate, axes=(1, axis)), 0, axis)
    return rate


def _grouped(conv: Conv) -> Axis:
    """Give the channels of a convolution: each reads those of its group."""
    outs, ins, *_ = conv.weight.shape
    channels = conv.pre_shape[0]
    if conv.groups == 1:
        return _all_to_all(outs, channels_read(conv))
    group = np.arange(outs) // (outs // conv.groups)
    reach = group[:, None] == np.arange(channels) // ins
    return Axis(channels, np.full(outs, ins), reach, group=(outs // conv.groups, ins))


def _all_to_all(outs: int, used: Array) -> Axis:
    """Give channels that all read all those that any reads: from the others comes no axon."""
    if used.all():
        return Axis(len(used), np.full(outs, len(used)), None)
    return Axis(len(used), np.full(outs, used.sum()), np.tile(used, (outs, 1)))


def _slid(axis: Windows) -> Axis:
    """Give rows or columns: each window reads its taps that are not padding."""
    positions = axis.positions((0, axis.count))
    inside = (positions >= 0) & (positions < axis.size)
    reach = np.zeros((axis.count, axis.size), dtype=bool)
    window, tap = np.nonzero(inside)
    reach[window, positions[window, tap]] = True
    step = axis.dilation // gcd(axis.dilation, axis.stride)
    return Axis(axis.size, inside.sum(axis=1), reach, inside, positions[:, 0], step)
