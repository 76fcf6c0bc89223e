"""Linear algebra on synapses: one after the other, scaled, split by sign.

Between two populations everything is linear, so a chain of operators becomes one synapse. Regular
forms stay regular where an exact rule exists; what is left becomes single synapses.
"""

from dataclasses import replace
from math import prod

import numpy as np
from scipy.sparse import csr_array

from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import UnsupportedError
from neurocomp.snn.boxes import whole
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Synapse

MOST_WEIGHTS = 2**26  # of one composed synapse: half a gigabyte


def identity(shape: Shape) -> Conv:
    """Give the synapse that passes every spike of a population of `shape` on."""
    return pointwise(np.ones(shape[0]), shape)


def pointwise(scale: Array, shape: Shape) -> Conv:
    """Give the synapse that multiplies each channel by `scale`, (channels,)."""
    weight = np.asarray(scale, dtype=np.float64).reshape(-1, 1, 1, 1)
    return Conv(weight=readonly(weight), pre_shape=shape, groups=shape[0])


def matrix(synapse: Synapse) -> csr_array:
    """Give the synapse as a sparse matrix, (post, pre), without its zero weights."""
    edges = synapse.edges(whole(synapse.post_shape))
    size = (prod(synapse.post_shape), prod(synapse.pre_shape))
    found = csr_array((edges.weight.astype(np.float64), (edges.post, edges.pre)), shape=size)
    found.eliminate_zeros()
    return found


def from_matrix(weights: csr_array, pre_shape: Shape, post_shape: Shape) -> Sparse:
    """Give a sparse matrix, (post, pre), as single synapses."""
    sorted_rows = csr_array(weights)
    sorted_rows.sort_indices()
    post = np.repeat(np.arange(weights.shape[0]), np.diff(sorted_rows.indptr))
    return Sparse(
        weight=readonly(sorted_rows.data),
        pre=readonly(sorted_rows.indices.astype(np.int64)),
        post=readonly(post),
        pre_shape=pre_shape,
        post_shape=post_shape,
    )


def between(synapse: Synapse, pre_shape: Shape, post_shape: Shape) -> Synapse:
    """Give the same map between populations of other shapes, same flat order."""
    if synapse.pre_shape == pre_shape and synapse.post_shape == post_shape:
        return synapse
    if isinstance(synapse, Dense | Sparse):
        return replace(synapse, pre_shape=pre_shape, post_shape=post_shape)
    return from_matrix(matrix(synapse), pre_shape, post_shape)


def scaled(synapse: Synapse, pre: Array, post: Array) -> Synapse:
    """Multiply each weight by `pre` of its source channel and `post` of its target channel.

    `pre` is (presynaptic channels,), `post` (postsynaptic channels,).
    """
    if isinstance(synapse, Pooled):
        inner = scaled(synapse.inner, pre, post)
        return with_weight(synapse, inner.weight)
    pre, post = np.asarray(pre, dtype=np.float64), np.asarray(post, dtype=np.float64)
    if isinstance(synapse, Conv):
        outs, ins = synapse.weight.shape[0] // synapse.groups, synapse.weight.shape[1]
        sources = (np.arange(synapse.weight.shape[0]) // outs)[:, None] * ins + np.arange(ins)
        factor = (pre[sources] * post[:, None])[:, :, None, None]
        return replace(synapse, weight=readonly(synapse.weight * factor))
    each_pre = _spread(pre, synapse.pre_shape)
    each_post = _spread(post, synapse.post_shape)
    if isinstance(synapse, Dense):
        return replace(synapse, weight=readonly(synapse.weight * each_post[:, None] * each_pre))
    if isinstance(synapse, Sparse):
        factor = each_pre[synapse.pre] * each_post[synapse.post]
        return replace(synapse, weight=readonly(synapse.weight * factor))
    return synapse


def with_weight(synapse: Synapse, weight: Array) -> Synapse:
    """Give the synapse with other weights of the same shape; a window keeps its one."""
    if isinstance(synapse, Pooled):
        return replace(synapse, inner=replace(synapse.inner, weight=readonly(weight)))
    if isinstance(synapse, Conv | Dense | Sparse):
        return replace(synapse, weight=readonly(weight))
    return synapse


def post_channels(synapse: Synapse) -> Array:
    """Give the postsynaptic channel of each stored weight, broadcastable to `weight`."""
    if isinstance(synapse, Pooled):  # pooling keeps channels apart
        return post_channels(synapse.inner)
    if isinstance(synapse, Conv):
        return np.arange(synapse.post_shape[0]).reshape(-1, 1, 1, 1)
    area = prod(synapse.post_shape[1:])
    if isinstance(synapse, Sparse):
        return synapse.post // area
    return (np.arange(prod(synapse.post_shape)) // area).reshape(-1, 1)


def drive_range(synapse: Synapse, low: float, high: float) -> tuple[Array, Array]:
    """Give the least and greatest drive, (post shape), when every source lies in [low, high]."""
    ones = np.ones((1, *synapse.pre_shape))
    plus = with_weight(synapse, np.maximum(synapse.weight, 0)).apply(ones)[0]
    minus = with_weight(synapse, np.minimum(synapse.weight, 0)).apply(ones)[0]
    return plus * low + minus * high, plus * high + minus * low


def compose(first: Synapse, second: Synapse, where: str) -> Synapse:
    """Give the one synapse that does `first`, then `second`.

    Raises UnsupportedError for `where` if it would need more than MOST_WEIGHTS weights.
    """
    regular = _regular(first, second)
    if regular is not None:
        return regular
    if isinstance(second, Dense):
        _check_size(where, prod(second.post_shape) * prod(first.pre_shape))
        weight = (matrix(first).T @ second.weight.T).T
        return Dense(
            weight=readonly(weight), pre_shape=first.pre_shape, post_shape=second.post_shape
        )
    if isinstance(first, Dense):
        _check_size(where, prod(second.post_shape) * prod(first.pre_shape))
        columns = first.weight.T.reshape(-1, *second.pre_shape)
        weight = second.apply(columns).reshape(len(columns), -1).T
        return Dense(
            weight=readonly(weight), pre_shape=first.pre_shape, post_shape=second.post_shape
        )
    _check_size(where, first.fan_in(whole(first.post_shape)))
    _check_size(where, second.fan_in(whole(second.post_shape)))
    return from_matrix(matrix(second) @ matrix(first), first.pre_shape, second.post_shape)


def _regular(first: Synapse, second: Synapse) -> Synapse | None:
    """Compose convolutions into a convolution where that is exact."""
    if first.post_shape != second.pre_shape or not isinstance(second, Conv):
        return None
    if _depthwise(second) and second.pointwise:
        return scaled(first, np.ones(first.pre_shape[0]), second.weight[:, 0, 0, 0])
    if isinstance(first, Sparse):
        return _from_slice(first, second)
    mixing = isinstance(first, Conv) and first.groups == second.groups == 1
    if isinstance(first, Conv) and mixing and second.pointwise:
        mixed = np.tensordot(second.weight[:, :, 0, 0], first.weight, 1)
        return replace(first, weight=readonly(mixed))
    if isinstance(first, Conv) and mixing and first.pointwise:
        mixed = np.moveaxis(np.tensordot(second.weight, first.weight[:, :, 0, 0], (1, 0)), 3, 1)
        return replace(second, weight=readonly(mixed), pre_shape=first.pre_shape)
    if isinstance(first, Conv) and _depthwise(first):
        single = first.kernel == (1, 1) and first.strides == (1, 1)
        return _after_pointwise(first, second) if single else _after_pool(first, second)
    return None


def _depthwise(synapse: Conv) -> bool:
    return synapse.groups == synapse.pre_shape[0] and synapse.groups == len(synapse.weight)


def _after_pointwise(first: Conv, second: Conv) -> Conv:
    """Compose a scale (with padding) and a convolution: its kernels scaled, the paddings added."""
    top, left, bottom, right = (a + b for a, b in zip(first.pads, second.pads, strict=True))
    plain = replace(second, pre_shape=first.pre_shape, pads=(top, left, bottom, right))
    scaled_kernels = scaled(plain, first.weight[:, 0, 0, 0], np.ones(second.weight.shape[0]))
    return scaled_kernels if isinstance(scaled_kernels, Conv) else plain


def _after_pool(first: Conv, second: Conv) -> Conv | None:
    """Compose a depthwise convolution and a convolution: kernels convolve, strides multiply.

    The second's padding holds zeros, so it must not reach over any neuron of the first's sources;
    where the second has none, the first's stays as it is.
    """
    (top, left, bottom, right), (sy, sx) = second.pads, first.strides
    overlapping = first.kernel[0] > sy or first.kernel[1] > sx
    rows, columns = first.post_shape[1] * sy, first.post_shape[2] * sx
    uncovered = (bottom and rows < first.pre_shape[1]) or (right and columns < first.pre_shape[2])
    if any(second.pads) and (any(first.pads) or overlapping or uncovered):
        return None
    if first.dilations != (1, 1):
        return None
    step_y, step_x = second.dilations[0] * sy, second.dilations[1] * sx
    outs, ins = second.weight.shape[:2]
    height = (second.kernel[0] - 1) * step_y + first.kernel[0]
    width = (second.kernel[1] - 1) * step_x + first.kernel[1]
    weight = np.zeros((outs, ins, height, width))
    source = (np.arange(outs) // (outs // second.groups))[:, None] * ins + np.arange(ins)
    for y in range(first.kernel[0]):
        for x in range(first.kernel[1]):
            tap = first.weight[:, 0, y, x][source][:, :, None, None]
            rows_at = slice(y, y + (second.kernel[0] - 1) * step_y + 1, step_y)
            columns_at = slice(x, x + (second.kernel[1] - 1) * step_x + 1, step_x)
            weight[:, :, rows_at, columns_at] += second.weight * tap
    return Conv(
        weight=readonly(weight),
        pre_shape=first.pre_shape,
        strides=(second.strides[0] * sy, second.strides[1] * sx),
        pads=first.pads if any(first.pads) else (top * sy, left * sx, bottom * sy, right * sx),
        groups=second.groups,
    )


def _from_slice(first: Sparse, second: Conv) -> Conv | None:
    """Compose a branch's place in a concat with a convolution: a slice of its kernels."""
    offset = int(first.post[0] - first.pre[0]) if len(first.pre) else 0
    area = prod(first.post_shape[1:])
    branch = first.pre_shape[1:] == first.post_shape[1:] and offset % area == 0
    passes = len(first.pre) == prod(first.pre_shape) and bool(np.all(first.weight == 1))
    if not (branch and passes and np.array_equal(first.pre + offset, first.post)):
        return None
    if not np.array_equal(first.pre, np.arange(len(first.pre))) or second.groups != 1:
        return None
    channel = offset // area
    weight = second.weight[:, channel : channel + first.pre_shape[0]]
    return replace(second, weight=readonly(weight), pre_shape=first.pre_shape)


def _check_size(where: str, weights: int) -> None:
    if weights > MOST_WEIGHTS:
        raise UnsupportedError(
            where,
            f"the linear operators before it compose to {weights} weights, at most {MOST_WEIGHTS} "
            "are composed",
            "put an activation between them",
        )


def _spread(channels: Array, shape: Shape) -> Array:
    return np.repeat(channels, prod(shape[1:]))
