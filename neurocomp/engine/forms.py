"""Synapses in the kernel's forms: windows over cells, one weight a channel, single synapses."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.errors import UnsupportedError
from neurocomp.snn.boxes import whole
from neurocomp.snn.compose import with_weight
from neurocomp.snn.synapses import Conv, Dense, Pooled, Synapse, Window
from neurocomp.snn.windows import Axis, Windows

MOST_SINGLE = 2**26  # synapses that are listed one by one
BLOCK = 64  # channels that run side by side; a word of spikes
COMPARED = 2**20  # weights that are compared at once

Geometry = tuple[int, int, int, int, int, int, int, int]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Distinct:
    """A synapse, and those of its weights that differ: a view, nothing is copied."""

    synapse: Synapse  # a Conv where there is one that does the same
    weight: Array  # as the synapse's; of a Conv, one for each cell of source positions
    pool: tuple[int, int]  # rows and columns of a cell
    window: Window | None = None  # over the synapse's targets, where their drive is pooled


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Gather:
    """A convolution over cells of `pool` source positions that share their weights.

    It reads the source's channels from 64 * `word` on and drives the target's from `channel` on.
    """

    pool: tuple[int, int]
    geometry: Geometry  # kernel, strides, top and left, dilations, all in cells
    weight: Array  # (target channels, source channels, kernel rows, kernel columns)
    fan_out: Array | None  # int32 (source rows, source columns), synapses of each spike
    word: int = 0
    channel: int = 0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Channels:
    """A convolution of each channel alone."""

    geometry: Geometry
    weight: Array  # (channels, 1, kernel rows, kernel columns)
    fan_out: Array  # int32 (source rows, source columns)


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


Form = Gather | Channels | Single | Taps


def distinct(synapse: Synapse) -> Distinct:
    """Find the weights of `synapse` that differ."""
    if isinstance(synapse, Pooled):
        return replace(distinct(synapse.inner), window=synapse.window)
    conv = as_convolution(synapse)
    if conv is None:
        return Distinct(synapse=synapse, weight=synapse.weight, pool=(1, 1))
    rows, columns = pool = (1, 1) if _alone(conv) else cells(conv)
    return Distinct(synapse=conv, weight=conv.weight[:, :, ::rows, ::columns], pool=pool)


def forms(found: Distinct, weight: Array, where: str) -> tuple[Form, ...]:
    """Give a synapse, with `weight`, its distinct ones in integers, in the forms that run fastest.

    Raises UnsupportedError for `where` if every form would be too large.
    """
    synapse = found.synapse
    if isinstance(synapse, Window):
        return (Taps(geometry=geometry(synapse), fan_out=covering(synapse.windows)),)
    if isinstance(synapse, Conv):
        reached = covering(synapse.windows, found.window)
        if _alone(synapse):
            return (Channels(geometry=geometry(synapse), weight=weight, fan_out=reached),)
        return _gathers(synapse, weight, found.pool, reached)
    if found.window is not None:
        raise UnsupportedError(where, "pools the drive of synapses that are no convolution")
    if synapse.fan_in(whole(synapse.post_shape)) <= MOST_SINGLE:
        return (_single(with_weight(synapse, weight)),)
    raise UnsupportedError(where, f"has over {MOST_SINGLE} synapses of no regular form")


def as_convolution(synapse: Synapse) -> Conv | None:
    """Give `synapse` as a convolution, which a dense one over the whole map is, too."""
    if isinstance(synapse, Dense) and prod(synapse.post_shape[1:]) == 1:
        kernel = synapse.weight.reshape(len(synapse.weight), *synapse.pre_shape)
        return Conv(weight=kernel, pre_shape=synapse.pre_shape)
    return synapse if isinstance(synapse, Conv) else None


def _alone(conv: Conv) -> bool:
    """Say whether each target channel reads the one source channel of its number."""
    return conv.groups > 1 and conv.groups == conv.pre_shape[0] == len(conv.weight)


def _gathers(
    conv: Conv, weight: Array, pool: tuple[int, int], reached: Array
) -> tuple[Gather, ...]:
    """Give a convolution block by block, where a block of targets reads few of the channels."""
    (rows, columns), (ky, kx) = pool, weight.shape[2:]
    _, _, sy, sx, top, left, dy, dx = geometry(conv)
    outs = len(weight) // conv.groups
    strides = max(1, sy // rows), max(1, sx // columns)
    first = Gather(
        pool=pool,
        geometry=(ky, kx, *strides, top // rows, left // columns, dy, dx),
        weight=weight,
        fan_out=reached * np.int32(outs),
    )
    if conv.groups == 1:
        return (first,)
    found: list[Gather] = []
    for target, stop, source, end in _blocks(conv):
        part = grouped(conv, weight, (target, stop), (source, end))
        fan_out = None if found else first.fan_out  # a spike's synapses are counted once
        word, channel = source // BLOCK, target
        found.append(replace(first, weight=part, fan_out=fan_out, word=word, channel=channel))
    return tuple(found)


def _blocks(conv: Conv) -> list[tuple[int, int, int, int]]:
    """Give target channels, by whole blocks, and the whole words of source channels they read."""
    outs, channels = len(conv.weight), conv.pre_shape[0]
    each, ins = outs // conv.groups, conv.weight.shape[1]
    found: list[tuple[int, int, int, int]] = []
    for target in range(0, outs, BLOCK):
        stop = min(target + BLOCK, outs)
        source = target // each * ins // BLOCK * BLOCK
        end = min(channels, -(-((stop - 1) // each + 1) * ins // BLOCK) * BLOCK)
        if found and found[-1][2:] == (source, end):
            target = found.pop()[0]
        found.append((target, stop, source, end))
    return found


def grouped(conv: Conv, weight: Array, target: tuple[int, int], source: tuple[int, int]) -> Array:
    """Give the kernels of `target` channels over `source` channels, zero outside their groups."""
    each, ins = len(weight) // conv.groups, weight.shape[1]
    size = (target[1] - target[0], source[1] - source[0], *weight.shape[2:])
    found = np.zeros(size, dtype=weight.dtype)
    for out in range(*target):
        low = out // each * ins - source[0]
        found[out - target[0], low : low + ins] = weight[out]
    return found


def cells(conv: Conv) -> tuple[int, int]:
    """Give the rows and columns of the largest cells that share weights, as after a pooling."""
    if conv.dilations != (1, 1):
        return 1, 1
    top, left, _, _ = conv.pads
    single = conv.windows.counts == (1, 1) and not any(conv.pads)
    rows = _side(conv.weight, conv.strides[0], top, single)
    return rows, _side(conv.weight[:, :, ::rows].swapaxes(2, 3), conv.strides[1], left, single)


def _side(weight: Array, stride: int, pad: int, single: bool) -> int:
    """Give the greatest divisor of kernel, stride and padding in whose cells of rows weights agree.

    A `single` window never moves, so its stride is free.
    """
    kernel = weight.shape[2]
    for side in range(kernel, 1, -1):
        if kernel % side or pad % side or (stride % side and not single):
            continue
        step = max(1, COMPARED // max(1, weight[0].size))
        parts = (weight[i : i + step] for i in range(0, len(weight), step))
        if _agree(weight[:1], side) and all(_agree(part, side) for part in parts):
            return side
    return 1


def _agree(weight: Array, side: int) -> bool:
    first = weight[:, :, ::side]
    return all(np.array_equal(weight[:, :, i::side], first) for i in range(1, side))


def geometry(synapse: Conv | Window) -> Geometry:
    """Give kernel, strides, top and left padding, dilations."""
    top, left, _, _ = synapse.pads
    return *synapse.kernel, *synapse.strides, top, left, *synapse.dilations


def covering(windows: Windows, outer: Window | None = None) -> Array:
    """Count the windows over each source position, int32 (rows, columns).

    Each of them as often as the `outer` windows cover it.
    """
    rows, columns = (None, None) if outer is None else (outer.windows.rows, outer.windows.columns)
    along = np.outer(_along(windows.rows, rows), _along(windows.columns, columns))
    return along.astype(np.int32)


def _along(axis: Axis, outer: Axis | None) -> Array:
    positions = axis.positions((0, axis.count))
    times = np.ones(axis.count, dtype=np.int64) if outer is None else _along(outer, None)
    inside = (positions >= 0) & (positions < axis.size)
    weight = np.broadcast_to(times[:, None], positions.shape)[inside]
    covered: Array = np.bincount(positions[inside], weight, axis.size).astype(np.int64)
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
