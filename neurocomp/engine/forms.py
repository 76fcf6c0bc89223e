"""Synapses in the kernel's forms: windows over cells, single synapses, a gate's window."""

from dataclasses import dataclass
from math import prod

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.errors import UnsupportedError
from neurocomp.snn.boxes import whole
from neurocomp.snn.compose import with_weight
from neurocomp.snn.synapses import Conv, Dense, Synapse, Window
from neurocomp.snn.windows import Axis, Windows

MOST_SINGLE = 2**26  # synapses that are listed one by one
MOST_EXPANDED = 2**28  # weights of a grouped convolution written out for all channels

Geometry = tuple[int, int, int, int, int, int, int, int]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Gather:
    """A convolution over cells of `pool` source positions that share their weights."""

    pool: tuple[int, int]
    geometry: Geometry  # kernel, strides, top and left, dilations, all in cells
    weight: Array  # (kernel rows * kernel columns * source channels, target channels)
    fan_out: Array  # int32 (source rows, source columns), synapses of each spike


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Single:
    """Single synapses by source neuron, neurons in the order row, column, channel."""

    start: Array  # int64 (source neurons + 1,)
    position: Array  # int64 (synapses,), target row and column, flat
    channel: Array  # int64 (synapses,) of the target
    weight: Array  # int32 (synapses,)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Taps:
    """A gate's window."""

    geometry: Geometry
    fan_out: Array  # int32 (source rows, source columns)


def form(synapse: Synapse, weight: Array, where: str) -> Gather | Single | Taps:
    """Give `synapse`, with `weight` in integers, in the form that runs it fastest.

    Raises UnsupportedError for `where` if every form would be too large.
    """
    if isinstance(synapse, Window):
        return Taps(geometry=geometry(synapse), fan_out=_covering(synapse.windows))
    regular = as_convolution(with_weight(synapse, weight))
    if regular is not None:
        return _gather(regular)
    if synapse.fan_in(whole(synapse.post_shape)) <= MOST_SINGLE:
        return _single(with_weight(synapse, weight))
    raise UnsupportedError(where, f"has over {MOST_SINGLE} synapses of no regular form")


def as_convolution(synapse: Synapse) -> Conv | None:
    """Give `synapse` as a convolution, which a dense one over the whole map is, too."""
    if isinstance(synapse, Dense) and prod(synapse.post_shape[1:]) == 1:
        kernel = synapse.weight.reshape(len(synapse.weight), *synapse.pre_shape)
        return Conv(weight=kernel, pre_shape=synapse.pre_shape)
    if not isinstance(synapse, Conv):
        return None
    small = synapse.groups == 1 or synapse.weight.size * synapse.groups <= MOST_EXPANDED
    return synapse if small else None


def _gather(conv: Conv) -> Gather:
    rows, columns = pool = cells(conv)
    kernel = expanded(conv)[:, :, ::rows, ::columns]
    _, _, sy, sx, top, left, dy, dx = geometry(conv)
    outs = conv.weight.shape[0]
    return Gather(
        pool=pool,
        geometry=(
            kernel.shape[2],
            kernel.shape[3],
            max(1, sy // rows),
            max(1, sx // columns),
            top // rows,
            left // columns,
            dy,
            dx,
        ),
        weight=np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)).reshape(-1, outs),
        fan_out=_covering(conv.windows) * np.int32(outs // conv.groups),
    )


def cells(conv: Conv) -> tuple[int, int]:
    """Give the rows and columns of the largest cells that share weights, as after a pooling."""
    if conv.dilations != (1, 1):
        return 1, 1
    top, left, _, _ = conv.pads
    weight = conv.weight
    whole_ = conv.windows.counts == (1, 1) and not any(conv.pads)
    return (
        _side(weight, 2, conv.strides[0], top, whole_),
        _side(weight, 3, conv.strides[1], left, whole_),
    )


def _side(weight: Array, axis: int, stride: int, pad: int, single: bool) -> int:
    """Give the greatest divisor of kernel, stride and padding in whose cells weights agree.

    A `single` window never moves, so its stride is free.
    """
    kernel = weight.shape[axis]
    for side in range(kernel, 1, -1):
        if kernel % side or pad % side or (stride % side and not single):
            continue
        split = weight.reshape(*weight.shape[:axis], -1, side, *weight.shape[axis + 1 :])
        first = np.take(split, [0], axis=axis + 1)
        if all(np.array_equal(np.take(split, [i], axis=axis + 1), first) for i in range(1, side)):
            return side
    return 1


def expanded(conv: Conv) -> Array:
    """Give the kernels over all source channels: zeros outside a kernel's group."""
    if conv.groups == 1:
        return conv.weight
    outs, ins, height, width = conv.weight.shape
    weight = np.zeros((outs, ins * conv.groups, height, width), dtype=conv.weight.dtype)
    each = outs // conv.groups
    for g in range(conv.groups):
        out = slice(g * each, (g + 1) * each)
        weight[out, g * ins : (g + 1) * ins] = conv.weight[out]
    return weight


def geometry(synapse: Conv | Window) -> Geometry:
    """Give kernel, strides, top and left padding, dilations."""
    top, left, _, _ = synapse.pads
    return *synapse.kernel, *synapse.strides, top, left, *synapse.dilations


def _covering(windows: Windows) -> Array:
    """Count the windows over each source position, int32 (rows, columns)."""
    return np.outer(_along(windows.rows), _along(windows.columns)).astype(np.int32)


def _along(axis: Axis) -> Array:
    positions = axis.positions((0, axis.count)).ravel()
    inside = positions[(positions >= 0) & (positions < axis.size)]
    covered: Array = np.bincount(inside, minlength=axis.size)
    return covered


def _single(synapse: Synapse) -> Single:
    edges = synapse.edges(whole(synapse.post_shape))
    pre = _in_order(edges.pre, synapse.pre_shape)
    order = np.argsort(pre, kind="stable")
    counts = np.bincount(pre, minlength=prod(synapse.pre_shape))
    area = prod(synapse.post_shape[1:])
    return Single(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        position=(edges.post % area)[order],
        channel=(edges.post // area)[order],
        weight=edges.weight[order].astype(np.int32),
    )


def _in_order(flat: Array, shape: Shape) -> Array:
    """Give the place of flat indices in the kernel's order: row, column, channel."""
    area = prod(shape[1:])
    placed: Array = (flat % area) * shape[0] + flat // area
    return placed
