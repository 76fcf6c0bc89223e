"""Synapses: the linear maps between populations, kept small and counted in closed form.

Each holds its weights once, however many synapses share them. `apply` is the meaning; `edges`
unfolds the same map for one box of postsynaptic neurons; `fan_in` and `sources` count without
unfolding.
"""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple, Protocol

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.snn.boxes import Box
from neurocomp.snn.windows import Windows, common, windows

CACHED = 2**15  # numbers that a processor's cache holds beside what is added to them


class Edges(NamedTuple):
    """Single synapses: flat indices of both ends, weight, and tap, its place in a window."""

    pre: Array  # (edges,)
    post: Array  # (edges,)
    weight: Array  # (edges,)
    tap: Array  # (edges,)


class Synapse(Protocol):
    """A linear map from a population of `pre_shape` to one of `post_shape`."""

    @property
    def pre_shape(self) -> Shape:
        """Give the presynaptic (channels, rows, columns)."""

    @property
    def post_shape(self) -> Shape:
        """Give the postsynaptic (channels, rows, columns)."""

    @property
    def weight(self) -> Array:
        """Give the stored weights, each once."""

    def apply(self, spikes: Array) -> Array:
        """Give the drive, (samples, *post_shape), of `spikes`, (samples, *pre_shape)."""

    def edges(self, box: Box) -> Edges:
        """List the synapses into `box`, sorted by postsynaptic neuron, then by tap."""

    def fan_in(self, box: Box) -> int:
        """Count the synapses into `box`."""

    def sources(self, box: Box, within: Box) -> int:
        """Count the distinct presynaptic neurons inside `within` that reach `box`."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Dense:
    """All to all."""

    weight: Array  # (post, pre), both in flat order
    pre_shape: Shape
    post_shape: Shape

    def apply(self, spikes: Array) -> Array:
        """Give the drive, (samples, *post_shape), of `spikes`, (samples, *pre_shape)."""
        flat = spikes.reshape(len(spikes), -1).astype(np.float64)
        drive = flat @ self.weight.T.astype(np.float64)
        return drive.reshape(len(spikes), *self.post_shape)

    def edges(self, box: Box) -> Edges:
        """List the synapses into `box`, sorted by postsynaptic neuron, then by tap."""
        post = box.indices(self.post_shape)
        inputs = np.arange(prod(self.pre_shape))
        pre = np.tile(inputs, len(post))
        return Edges(pre, np.repeat(post, len(inputs)), self.weight[post].ravel(), pre)

    def fan_in(self, box: Box) -> int:
        """Count the synapses into `box`."""
        return box.size * prod(self.pre_shape)

    def sources(self, box: Box, within: Box) -> int:
        """Count the distinct presynaptic neurons inside `within` that reach `box`."""
        return within.size if box.size else 0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Window:
    """The taps of a pooling window, kept apart: `apply` gives (samples, *post_shape, taps).

    Only a gate takes such drive. A tap in the padding is 0 and never wins.
    """

    pre_shape: Shape
    kernel: tuple[int, int]  # rows, columns
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    dilations: tuple[int, int] = (1, 1)

    @property
    def windows(self) -> Windows:
        """Give the windows' geometry."""
        return windows(self.pre_shape, self.kernel, self.strides, self.pads, self.dilations)

    @property
    def weight(self) -> Array:
        """Give the one weight that all taps share."""
        return np.ones(1, dtype=np.int64)

    @property
    def post_shape(self) -> Shape:
        """Give the postsynaptic (channels, rows, columns)."""
        return self.pre_shape[0], *self.windows.counts

    def apply(self, spikes: Array) -> Array:
        """Give each window's taps, (samples, *post_shape, taps), of `spikes`."""
        views = self.windows.view(spikes)
        return views.reshape(*views.shape[:4], -1)

    def edges(self, box: Box) -> Edges:
        """List the synapses into `box`, sorted by postsynaptic neuron, then by tap."""
        channels = np.arange(*box.channels)[:, None]
        pre, post, tap = self.windows.unfold(box, channels, self.pre_shape)
        return Edges(pre, post, np.ones(len(pre), dtype=np.int64), tap)

    def fan_in(self, box: Box) -> int:
        """Count the synapses into `box`."""
        return box.shape[0] * self.windows.taps(box)

    def sources(self, box: Box, within: Box) -> int:
        """Count the distinct presynaptic neurons inside `within` that reach `box`."""
        channels = common(box.channels, within.channels)
        return channels * self.windows.reached(box, within)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pooled:
    """A linear map, and then the taps of a window over its result, kept apart as in `Window`."""

    inner: "Conv | Dense | Sparse"
    window: Window

    @property
    def pre_shape(self) -> Shape:
        """Give the presynaptic (channels, rows, columns)."""
        return self.inner.pre_shape

    @property
    def post_shape(self) -> Shape:
        """Give the postsynaptic (channels, rows, columns)."""
        return self.window.post_shape

    @property
    def kernel(self) -> tuple[int, int]:
        """Give the window's rows and columns."""
        return self.window.kernel

    @property
    def weight(self) -> Array:
        """Give the stored weights, each once."""
        return self.inner.weight

    def apply(self, spikes: Array) -> Array:
        """Give the drive of each tap, (samples, *post_shape, taps), of `spikes`."""
        return self.window.apply(self.inner.apply(spikes))

    def edges(self, box: Box) -> Edges:
        """List the synapses into `box`, sorted by postsynaptic neuron, then by tap."""
        outer = self.window.edges(box)
        inner = self.inner.edges(Box(*((0, n) for n in self.inner.post_shape)))
        first = np.searchsorted(inner.post, outer.pre, side="left")
        count = np.searchsorted(inner.post, outer.pre, side="right") - first
        which = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        post, tap = np.repeat(outer.post, count), np.repeat(outer.tap, count)
        return Edges(inner.pre[which], post, inner.weight[which], tap)

    def fan_in(self, box: Box) -> int:
        """Count the synapses into `box`."""
        if not isinstance(self.inner, Conv):
            return len(self.edges(box).pre)
        rows, columns = self.inner.windows.rows, self.inner.windows.columns
        each = (
            rows.taps_of(self.window.windows.rows, box.rows),
            columns.taps_of(self.window.windows.columns, box.columns),
        )
        ins: int = self.inner.weight.shape[1]
        return box.shape[0] * ins * each[0] * each[1]

    def sources(self, box: Box, within: Box) -> int:
        """Count the distinct presynaptic neurons inside `within` that reach `box`."""
        reached = np.unique(self.edges(box).pre)
        return int(np.isin(reached, within.indices(self.pre_shape)).sum())


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Conv:
    """Cross-correlation of (channels, rows, columns), as ONNX's Conv; a sequence is one row.

    Depthwise with equal weights it is average pooling, 1 x 1 depthwise it is the identity.
    """

    weight: Array  # (channels out, channels in / groups, kernel rows, kernel columns)
    pre_shape: Shape
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    dilations: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def kernel(self) -> tuple[int, int]:
        """Give the kernel's rows and columns."""
        return self.weight.shape[2], self.weight.shape[3]

    @property
    def windows(self) -> Windows:
        """Give the windows' geometry."""
        return windows(self.pre_shape, self.kernel, self.strides, self.pads, self.dilations)

    @property
    def pointwise(self) -> bool:
        """Say whether each neuron reads its own place alone, in whatever channels."""
        return self.kernel == self.strides == (1, 1) and not any(self.pads)

    @property
    def post_shape(self) -> Shape:
        """Give the postsynaptic (channels, rows, columns)."""
        return self.weight.shape[0], *self.windows.counts

    def apply(self, spikes: Array) -> Array:
        """Give the drive, (samples, *post_shape), of `spikes`, (samples, *pre_shape)."""
        outs, ins = self.weight.shape[0] // self.groups, self.weight.shape[1]
        if self.groups == 1 and self.pointwise:
            flat = spikes.reshape(*spikes.shape[:2], -1).astype(np.float64)
            drive = self.weight[:, :, 0, 0].astype(np.float64) @ flat
            return drive.reshape(len(spikes), *self.post_shape)
        rows, columns = self.windows.counts
        views = self.windows.view(spikes.astype(np.float64))
        if outs == ins == 1:
            return self._depthwise(views)
        drive = np.empty((len(spikes), self.weight.shape[0], rows, columns))
        for g in range(self.groups):
            taps = views[:, g * ins : (g + 1) * ins].transpose(0, 2, 3, 1, 4, 5)
            kernel = self.weight[g * outs : (g + 1) * outs].reshape(outs, -1).astype(np.float64)
            flat = taps.reshape(len(spikes) * rows * columns, -1) @ kernel.T
            each = flat.reshape(len(spikes), rows, columns, outs).transpose(0, 3, 1, 2)
            drive[:, g * outs : (g + 1) * outs] = each
        return drive

    def _depthwise(self, views: Array) -> Array:
        """Give the drive of `views`, taps of spikes: tap by tap, few channels at a time."""
        weight = self.weight[:, 0, :, :, None, None].astype(np.float64)
        drive: Array = np.zeros(views.shape[:4])
        some = max(1, CACHED // max(1, prod(self.windows.counts)))
        for sample in range(len(drive)):
            for start in range(0, drive.shape[1], some):
                part = slice(start, start + some)
                total, taps = drive[sample, part], views[sample, part]
                for y, x in np.ndindex(self.kernel):
                    total += taps[..., y, x] * weight[part, y, x]
        return drive

    def edges(self, box: Box) -> Edges:
        """List the synapses into `box`, sorted by postsynaptic neuron, then by tap."""
        outs, ins = self.weight.shape[0] // self.groups, self.weight.shape[1]
        group = np.arange(*box.channels) // outs
        channels = group[:, None] * ins + np.arange(ins)
        flat = self.weight.reshape(self.weight.shape[0], -1)
        pre, post, tap = self.windows.unfold(box, channels, self.pre_shape)
        return Edges(pre, post, flat[post // prod(self.windows.counts), tap], tap)

    def fan_in(self, box: Box) -> int:
        """Count the synapses into `box`."""
        ins: int = self.weight.shape[1]
        return box.shape[0] * ins * self.windows.taps(box)

    def sources(self, box: Box, within: Box) -> int:
        """Count the distinct presynaptic neurons inside `within` that reach `box`."""
        if box.size == 0:
            return 0
        outs, ins = self.weight.shape[0] // self.groups, self.weight.shape[1]
        first, last = box.channels[0] // outs, (box.channels[1] - 1) // outs + 1
        channels = common((first * ins, last * ins), within.channels)
        return channels * self.windows.reached(box, within)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Sparse:
    """Single synapses, for maps that have no regular form."""

    weight: Array  # (edges,)
    pre: Array  # (edges,) flat presynaptic index
    post: Array  # (edges,) flat postsynaptic index, ascending
    pre_shape: Shape
    post_shape: Shape

    def apply(self, spikes: Array) -> Array:
        """Give the drive, (samples, *post_shape), of `spikes`, (samples, *pre_shape)."""
        flat = spikes.reshape(len(spikes), -1)
        drive = np.zeros((len(spikes), prod(self.post_shape)))
        for sample, row in zip(drive, flat, strict=True):
            sample += np.bincount(self.post, self.weight * row[self.pre], len(sample))
        return drive.reshape(len(spikes), *self.post_shape)

    def edges(self, box: Box) -> Edges:
        """List the synapses into `box`, sorted by postsynaptic neuron, then by tap."""
        kept = np.isin(self.post, box.indices(self.post_shape))
        pre, post = self.pre[kept], self.post[kept]
        order = np.lexsort((pre, post))
        return Edges(pre[order], post[order], self.weight[kept][order], pre[order])

    def fan_in(self, box: Box) -> int:
        """Count the synapses into `box`."""
        return int(np.isin(self.post, box.indices(self.post_shape)).sum())

    def sources(self, box: Box, within: Box) -> int:
        """Count the distinct presynaptic neurons inside `within` that reach `box`."""
        pre = np.unique(self.pre[np.isin(self.post, box.indices(self.post_shape))])
        return int(np.isin(pre, within.indices(self.pre_shape)).sum())
