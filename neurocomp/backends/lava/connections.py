"""Which Lava process a projection becomes, and its weights as that process wants them.

Traps of Lava 0.10.0 that shape this file, each measured:
- Dense and Sparse clip integer weights to 8 bits, and drop the lowest bit where signs are mixed:
  2 w with weight_exp = -1 is exact for |w| <= 127.
- Conv flips its kernel, has one padding for both sides of an axis, ignores weight_exp, wraps its
  sums at 24 bits, and keeps its geometry in 8: with numpy 2, size + 2 padding too must stay below.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import UnsupportedError
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Projection
from neurocomp.snn.synapses import Conv, Dense, Pooled, Window

WEIGHT_MAX = 127
GEOMETRY_MAX = 127
SUM_BITS = 23  # without the sign


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Connection:
    """One synapse process: how it is made, and the ports of the neurons at its two ends."""

    kind: str  # class of the process
    arguments: tuple[str, ...]  # as they stand in the text, after the name
    arrays: Mapping[str, Array]  # name of the file -> values
    source_port: str
    target_port: str
    why: str = ""  # for the reader, where it is not what one expects


def connection(
    projection: Projection, name: str, base: int, integer: bool, *, graded: bool = False
) -> Connection:
    """Give the process called `name` for `projection`, whose source is `graded` or fires.

    `base` is the weight exponent that the target's neurons apply. Raises UnsupportedError where an
    integer weight is beyond 8 bits.
    """
    synapse = projection.synapse
    if isinstance(synapse, Window):
        return _window(synapse, name)
    shift = projection.weight_exponent - base
    if graded:  # Lava's own synapses receive bits
        return _sparse(projection, name, shift, integer, "", graded=True)
    if isinstance(synapse, Dense):
        weight = _stored(synapse.weight, projection, shift, integer)
        return _flat("Dense", f'array("{name}_weight")', {f"{name}_weight": weight}, shift, integer)
    if isinstance(synapse, Conv):
        why = _no_conv(synapse, shift, integer)
        if not why:
            return _conv(synapse, projection, name, integer)
        return _sparse(projection, name, shift, integer, why)
    return _sparse(projection, name, shift, integer, "")


def _stored(weight: Array, projection: Projection, shift: int, integer: bool) -> Array:
    """Give weights as Dense and Sparse want them; a float network's carry their exponent."""
    if not integer:
        return weight.astype(np.float64) * 2.0**shift
    return 2 * _in_8_bits(weight, projection).astype(np.int32)


def _in_8_bits(weight: Array, projection: Projection) -> Array:
    largest = int(np.abs(weight).max(initial=0))
    if largest > WEIGHT_MAX:
        raise UnsupportedError(
            projection.target,
            f"gets a weight of {largest} from {projection.source}, Lava holds {WEIGHT_MAX}",
            "compile with --weight-bits 8, or with --backend brian2 for that alone",
        )
    return weight


def _flat(
    kind: str, weights: str, arrays: Mapping[str, Array], shift: int, integer: bool, why: str = ""
) -> Connection:
    """Give a Dense or Sparse process.

    Its spikes have one message bit: so its model multiplies, which is faster than picking columns.
    """
    arguments = [f"weights={weights}"]
    if integer:
        arguments.append(f"weight_exp={shift - 1}")
    return Connection(
        kind=kind,
        arguments=(*arguments, "num_message_bits=1"),
        arrays=arrays,
        source_port="s_out",
        target_port="a_in",
        why=why,
    )


def _sparse(
    projection: Projection,
    name: str,
    shift: int,
    integer: bool,
    why: str,
    *,
    graded: bool = False,
) -> Connection:
    synapse = projection.synapse
    edges = synapse.edges(whole(synapse.post_shape))
    size = prod(synapse.pre_shape)
    taps = prod(synapse.kernel) if isinstance(synapse, Pooled) else 1
    post = edges.post * taps + edges.tap if isinstance(synapse, Pooled) else edges.post
    places, each = np.unique(post * size + edges.pre, return_inverse=True)
    dtype = np.int64 if integer else np.float64
    weight = np.zeros(len(places), dtype=dtype)
    np.add.at(weight, each, edges.weight.astype(dtype))
    kept = weight != 0
    arrays = {
        f"{name}_weight": _stored(weight[kept], projection, shift, integer),
        f"{name}_post": (places[kept] // size).astype(np.int32),
        f"{name}_pre": (places[kept] % size).astype(np.int32),
    }
    weights = f'sparse("{name}", ({prod(synapse.post_shape) * taps}, {size}))'
    if graded:
        return Connection(
            kind="GradedSynapse",
            arguments=("run=run", f"weights={weights}", f"steps={projection.delay_steps}"),
            arrays=arrays,
            source_port="s_out",
            target_port="a_in",
        )
    return _flat("Sparse", weights, arrays, shift, integer, why)


def _conv(synapse: Conv, projection: Projection, name: str, integer: bool) -> Connection:
    kernel, padding, dilation, why = even(synapse)
    channels, rows, columns = synapse.pre_shape
    flipped = kernel[:, :, ::-1, ::-1].transpose(0, 2, 3, 1)
    exact = np.int32 if integer else np.float64
    weight = (_in_8_bits(flipped, projection) if integer else flipped).astype(exact)
    return Connection(
        kind="Conv",
        arguments=(
            f'weight=array("{name}_weight")',
            f"input_shape=({rows}, {columns}, {channels})",
            f"stride={synapse.strides}",
            f"padding={padding}",
            f"dilation={dilation}",
            f"groups={synapse.groups}",
        ),
        arrays={f"{name}_weight": weight},
        source_port="s_map",
        target_port="a_map",
        why=why,
    )


def _no_conv(synapse: Conv, shift: int, integer: bool) -> str:
    """Say why Lava's Conv cannot hold `synapse`; "" where it can."""
    kernel, padding, dilation, _ = even(synapse)
    span = [size + 2 * pad for size, pad in zip(synapse.pre_shape[1:], padding, strict=True)]
    channels = max(len(synapse.weight), synapse.pre_shape[0])  # divided by the groups, in 8 bits
    if max(*span, channels, synapse.groups, *synapse.strides, *dilation) > GEOMETRY_MAX:
        return "Conv keeps its geometry in 8 bits"
    if shift:
        return "Conv has no weight exponent"
    if integer and np.abs(kernel).sum(axis=(1, 2, 3)).max(initial=0) >> SUM_BITS:
        return "Conv wraps its sums at 24 bits"
    return ""


def even(synapse: Conv) -> tuple[Array, tuple[int, int], tuple[int, int], str]:
    """Give kernel, padding and dilation with the same padding on both sides of each axis.

    Lava knows no other. Zeros before the kernel's first row make room for more padding there, zeros
    after its last row for more at the end; a dilated kernel is spread out where they do not fit.
    """
    top, left, bottom, right = synapse.pads
    rows, row_dilation = _evened(synapse.weight, 2, top, bottom, synapse.dilations[0])
    both, column_dilation = _evened(rows, 3, left, right, synapse.dilations[1])
    padding = max(top, bottom), max(left, right)
    pads = "top {}, left {}, bottom {}, right {}".format(*synapse.pads)
    why = "" if both is synapse.weight else f"zeros in the kernel make its padding even: {pads}"
    return both, padding, (row_dilation, column_dilation), why


def _evened(weight: Array, axis: int, before: int, after: int, dilation: int) -> tuple[Array, int]:
    """Widen the kernel along `axis` by zeros that take up the difference of its pads."""
    if before == after:
        return weight, dilation
    if (after - before) % dilation:
        shape = list(weight.shape)
        shape[axis] = (shape[axis] - 1) * dilation + 1
        spread = np.zeros(shape, dtype=weight.dtype)
        spread[(slice(None),) * axis + (slice(None, None, dilation),)] = weight
        weight, dilation = spread, 1
    more = [(0, 0)] * weight.ndim
    more[axis] = max(0, after - before) // dilation, max(0, before - after) // dilation
    return np.pad(weight, more), dilation


def _window(synapse: Window, name: str) -> Connection:
    edges = synapse.edges(whole(synapse.post_shape))
    pre = prod(synapse.pre_shape)
    taps = np.full((prod(synapse.post_shape), prod(synapse.kernel)), pre, dtype=np.int64)
    taps[edges.post, edges.tap] = edges.pre
    return Connection(
        kind="Window",
        arguments=(f"pre={pre}", f'taps=array("{name}_taps")'),
        arrays={f"{name}_taps": taps.ravel()},
        source_port="s_out",
        target_port="a_taps",
    )
