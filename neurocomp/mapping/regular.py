"""Counts of a regular synapse, axis by axis: who reaches whom along channels, rows and columns.

It links two neurons where all three axes do, so each count is a product of three small ones.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array, kron

from neurocomp.arrays import Array
from neurocomp.mapping.grid import Cut, Grid, uncut
from neurocomp.snn.synapses import Conv, Dense, Synapse, Window
from neurocomp.snn.windows import Axis as Windows


@dataclass(frozen=True, eq=False, slots=True)
class Axis:
    """One axis of a synapse."""

    pre: int  # presynaptic indices
    taps: Array  # (post,): synapses of each postsynaptic index along this axis
    reach: Array | None  # bool (post, pre); None: all to all
    known: dict[tuple[Cut, Cut], Array] = field(default_factory=dict)  # overlaps asked for before

    def fan_in(self, post: Cut) -> Array:
        """Count the synapses into each range, (ranges,)."""
        return np.add.reduceat(self.taps, starts(post), dtype=np.int64)

    def overlap(self, pre: Cut, post: Cut) -> Array:
        """Count the indices in each range of `pre` that reach each of `post`, (pre, post)."""
        if (pre, post) not in self.known:
            self.known[pre, post] = self._overlap(pre, post)
        return self.known[pre, post]

    def _overlap(self, pre: Cut, post: Cut) -> Array:
        if self.reach is None:
            return np.repeat(np.diff(pre, axis=1), len(post), axis=1)
        reached = np.logical_or.reduceat(self.reach, starts(post), axis=0)
        return np.add.reduceat(reached.T, starts(pre), axis=0, dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class Regular:
    """The counts of one regular synapse."""

    axes: tuple[Axis, Axis, Axis]

    def fan_in(self, post: Grid) -> Array:
        """Count the synapses into each block, (channels, rows, columns) of the grid's counts."""
        return _product(*(a.fan_in(cut) for a, cut in zip(self.axes, post.axes, strict=True)))

    def sources(self, post: Grid) -> Array:
        """Count the distinct neurons that reach each block, (channels, rows, columns)."""
        channels, rows, columns = (axis.pre for axis in self.axes)
        every = uncut((channels, rows, columns))
        return _product(*(overlap[0] for overlap in self._overlaps(every, post)))

    def targets(self, pre: Grid, post: Grid) -> Array:
        """Count for each block of `pre` its pairs of a neuron and a block of `post` it reaches."""
        return _product(*(overlap.sum(axis=1) for overlap in self._overlaps(pre, post)))

    def between(self, pre: Grid, post: Grid) -> csr_array:
        """Count the neurons of each block of `pre` that reach each of `post`, (pre, post)."""
        channels, rows, columns = (csr_array(each) for each in self._overlaps(pre, post))
        return csr_array(kron(kron(channels, rows), columns))

    def _overlaps(self, pre: Grid, post: Grid) -> list[Array]:
        ends = zip(self.axes, pre.axes, post.axes, strict=True)
        return [axis.overlap(a, b) for axis, a, b in ends]


def regular(synapse: Synapse) -> Regular | None:
    """Give the axes of `synapse`; None where it is not regular."""
    match synapse:
        case Dense():
            shapes = zip(synapse.pre_shape, synapse.post_shape, strict=True)
            c, y, x = (Axis(pre, np.full(post, pre), None) for pre, post in shapes)
            return Regular((c, y, x))
        case Conv():
            windows = synapse.windows
            return Regular((_grouped(synapse), _slid(windows.rows), _slid(windows.columns)))
        case Window():
            windows, channels = synapse.windows, synapse.pre_shape[0]
            same = np.eye(channels, dtype=bool)
            depth = Axis(channels, np.ones(channels, dtype=np.int64), same)
            return Regular((depth, _slid(windows.rows), _slid(windows.columns)))
    return None


def starts(cut: Cut) -> list[int]:
    """Give where each range begins."""
    return [first for first, _ in cut]


def _grouped(conv: Conv) -> Axis:
    """Give the channels of a convolution: each reads those of its group."""
    outs, ins, *_ = conv.weight.shape
    channels = conv.pre_shape[0]
    group = np.arange(outs) // (outs // conv.groups)
    reach = group[:, None] == np.arange(channels) // ins
    return Axis(channels, np.full(outs, ins), None if conv.groups == 1 else reach)


def _slid(axis: Windows) -> Axis:
    """Give rows or columns: each window reads its taps that are not padding."""
    positions = axis.positions((0, axis.count))
    inside = (positions >= 0) & (positions < axis.size)
    reach = np.zeros((axis.count, axis.size), dtype=bool)
    window, tap = np.nonzero(inside)
    reach[window, positions[window, tap]] = True
    return Axis(axis.size, inside.sum(axis=1), reach)


def _product(channels: Array, rows: Array, columns: Array) -> Array:
    product: Array = channels[:, None, None] * rows[None, :, None] * columns[None, None, :]
    return product
