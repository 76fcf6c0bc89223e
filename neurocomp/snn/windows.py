"""The geometry of sliding windows, which convolution and pooling share.

Rows and columns are independent, so every count is a product of two one-dimensional ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from neurocomp.arrays import Array, Shape
from neurocomp.snn.boxes import Box, Range


@dataclass(frozen=True, slots=True)
class Axis:
    """Windows along one axis of `size` neurons, padded `before` and `after`."""

    size: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int

    @property
    def reach(self) -> int:
        """Give the neurons that a window spans."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def count(self) -> int:
        """Count the windows."""
        return max(0, (self.size + self.before + self.after - self.reach) // self.stride + 1)

    def positions(self, windows: Range) -> Array:
        """Give where each tap of `windows` lies, (windows, kernel); outside 0..size is padding."""
        starts = np.arange(*windows) * self.stride - self.before
        return starts[:, None] + np.arange(self.kernel) * self.dilation

    def taps(self, windows: Range) -> int:
        """Count the taps of `windows` that are not padding."""
        positions = self.positions(windows)
        return int(((positions >= 0) & (positions < self.size)).sum())

    def taps_of(self, outer: "Axis", windows: Range) -> int:
        """Count the taps of the windows here that `windows` of `outer` hold; none is padding."""
        held = outer.positions(windows)
        held = held[(held >= 0) & (held < outer.size)]
        positions = self.positions((0, self.count))
        inside = ((positions >= 0) & (positions < self.size)).sum(axis=1)
        return int(inside[held].sum())

    def reached(self, windows: Range, within: Range) -> int:
        """Count the distinct neurons in `within` that `windows` touch."""
        positions = np.unique(self.positions(windows))
        return int(((positions >= within[0]) & (positions < within[1])).sum())


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over the rows and columns of every channel."""

    rows: Axis
    columns: Axis

    @property
    def counts(self) -> tuple[int, int]:
        """Count the windows along rows and columns."""
        return self.rows.count, self.columns.count

    def taps(self, box: Box) -> int:
        """Count the taps of one channel of `box` that are not padding."""
        return self.rows.taps(box.rows) * self.columns.taps(box.columns)

    def reached(self, box: Box, within: Box) -> int:
        """Count the distinct positions in `within` that the windows of `box` touch."""
        rows = self.rows.reached(box.rows, within.rows)
        return rows * self.columns.reached(box.columns, within.columns)

    def view(self, values: Array) -> Array:
        """Give the taps, (samples, channels, rows, columns, kernel rows, kernel columns)."""
        y, x = self.rows, self.columns
        padded = np.pad(values, ((0, 0), (0, 0), (y.before, y.after), (x.before, x.after)))
        views = sliding_window_view(sliding_window_view(padded, y.reach, 2), x.reach, 3)
        taps: Array = views[:, :, :: y.stride, :: x.stride, :: y.dilation, :: x.dilation]
        return taps

    def unfold(self, box: Box, channels: Array, pre_shape: Shape) -> tuple[Array, Array, Array]:
        """List presynaptic index, postsynaptic index and tap of every synapse into `box`.

        `channels`, (channels of the box, taps), names the presynaptic channels that each
        postsynaptic one reads. Sorted by postsynaptic neuron, then by tap.
        """
        y = self.rows.positions(box.rows)[None, :, None, None, :, None]
        x = self.columns.positions(box.columns)[None, None, :, None, None, :]
        shape = (len(channels), y.shape[1], x.shape[2], channels.shape[1], y.shape[4], x.shape[5])
        inside = (y >= 0) & (y < self.rows.size) & (x >= 0) & (x < self.columns.size)
        kept = np.broadcast_to(inside, shape).ravel()
        c = channels[:, None, None, :, None, None]
        pre = np.broadcast_to((c * pre_shape[1] + y) * pre_shape[2] + x, shape).ravel()
        height, width = self.counts
        post_y = np.arange(*box.rows)[None, :, None]
        post_x = np.arange(*box.columns)[None, None, :]
        post_c = np.arange(*box.channels)[:, None, None]
        post = (post_c * height + post_y) * width + post_x
        taps = np.prod(shape[3:])
        each_post = np.broadcast_to(post.reshape(-1, 1), (post.size, taps)).ravel()
        each_tap = np.broadcast_to(np.arange(taps), (post.size, taps)).ravel()
        return pre[kept], each_post[kept], each_tap[kept]


def windows(
    shape: Shape,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    dilations: tuple[int, int],
) -> Windows:
    """Give the windows over (channels, rows, columns); `pads` is top, left, bottom, right."""
    top, left, bottom, right = pads
    return Windows(
        Axis(shape[1], kernel[0], strides[0], top, bottom, dilations[0]),
        Axis(shape[2], kernel[1], strides[1], left, right, dilations[1]),
    )


def common(a: Range, b: Range) -> int:
    """Count what two ranges share."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))
