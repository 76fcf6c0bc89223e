"""Cut a box out of a population, and what its synapses need of their sources.

No layer is unfolded for it: what a convolution's box needs is again a box, and its synapses again a
convolution.
"""

from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import GraphError
from neurocomp.snn.boxes import Box, Range, whole
from neurocomp.snn.network import Population
from neurocomp.snn.neurons import IntegrateAndFire, MaxIntegrateAndFire, Neuron
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Synapse, Window
from neurocomp.snn.windows import Axis

Linear = Conv | Dense | Sparse


class Piece(NamedTuple):
    """The synapses into a box, from the neurons in `field` to those in the box, both renumbered."""

    synapse: Synapse
    field: Box  # of the presynaptic population


def cut_population(population: Population, box: Box, name: str) -> Population:
    """Give the neurons of `population` inside `box`, under a name of their own."""
    return replace(
        population,
        name=name,
        shape=box.shape,
        neuron=_neuron(population.neuron, box),
        v_init=population.v_init[box.slices],
        bias=population.bias[box.slices],
    )


def _neuron(neuron: Neuron, box: Box) -> Neuron:
    if isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        return replace(neuron, v_threshold=neuron.v_threshold[box.slices])
    return neuron


def cut(synapse: Synapse, box: Box) -> Piece:
    """Give the synapses into `box` and the receptive field that they come from.

    Raises GraphError where all windows of a pool lie in the padding.
    """
    if isinstance(synapse, Window):
        return Piece(*_window(synapse, box))
    if isinstance(synapse, Pooled):
        window, taps = _window(synapse.window, box)
        inner, field = _linear(synapse.inner, taps)
        return Piece(Pooled(inner=inner, window=window), field)
    if isinstance(synapse, Conv | Dense | Sparse):
        return Piece(*_linear(synapse, box))
    raise GraphError(type(synapse).__name__, "is a synapse that cannot be cut")


def cut_whole(synapse: Synapse, box: Box) -> Synapse:
    """Give the synapses into `box` from all of the presynaptic population: an input stays whole."""
    if isinstance(synapse, Pooled):
        window, taps = _window(synapse.window, box)
        return Pooled(inner=_unfolded(synapse.inner, taps), window=window)
    if isinstance(synapse, Conv | Dense | Sparse):
        return _unfolded(synapse, box)
    raise GraphError(type(synapse).__name__, "is no synapse that an input feeds")


def _linear(synapse: Linear, box: Box) -> tuple[Linear, Box]:
    if isinstance(synapse, Dense):
        weight = synapse.weight[box.indices(synapse.post_shape)]
        kept = Dense(weight=weight, pre_shape=synapse.pre_shape, post_shape=box.shape)
        return kept, whole(synapse.pre_shape)
    if isinstance(synapse, Conv):
        return _conv(synapse, box)
    return _shrunk(_unfolded(synapse, box))


def _conv(synapse: Conv, box: Box) -> tuple[Linear, Box]:
    rows = _span(synapse.windows.rows, box.rows)
    columns = _span(synapse.windows.columns, box.columns)
    if rows is None or columns is None:  # all in the padding: no synapse at all
        return _shrunk(_unfolded(synapse, box))
    weight, groups, channels = _channels(synapse, box.channels)
    field = Box(channels, rows.field, columns.field)
    kept = replace(
        synapse,
        weight=weight,
        groups=groups,
        pre_shape=field.shape,
        pads=(rows.before, columns.before, rows.after, columns.after),
    )
    return kept, field


def _channels(synapse: Conv, channels: Range) -> tuple[Array, int, Range]:
    """Give the kernels of `channels`, their groups, and the channels that these read."""
    outs, ins = synapse.weight.shape[0] // synapse.groups, synapse.weight.shape[1]
    first, last = channels[0] // outs, (channels[1] - 1) // outs + 1
    weight, reads = synapse.weight[slice(*channels)], (first * ins, last * ins)
    if last - first == 1:
        return weight, 1, reads
    if channels[0] % outs == 0 and channels[1] % outs == 0:
        return weight, last - first, reads
    # The box ends inside a group: each channel reads zeros of the other groups.
    full = np.zeros((len(weight), (last - first) * ins, *synapse.kernel), dtype=weight.dtype)
    for n, group in enumerate(np.arange(*channels) // outs - first):
        full[n, group * ins : (group + 1) * ins] = weight[n]
    return full, 1, reads


class _Span(NamedTuple):
    """What windows read along one axis: neurons, and the padding before and after them."""

    field: Range
    before: int
    after: int


def _span(axis: Axis, windows: Range) -> _Span | None:
    """Give what `windows` read along `axis`; None where that is padding alone."""
    first = windows[0] * axis.stride - axis.before
    last = (windows[1] - 1) * axis.stride - axis.before + axis.reach
    low, high = max(first, 0), min(last, axis.size)
    return _Span((low, high), low - first, last - high) if low < high else None


def _window(synapse: Window, box: Box) -> tuple[Window, Box]:
    rows = _span(synapse.windows.rows, box.rows)
    columns = _span(synapse.windows.columns, box.columns)
    if rows is None or columns is None:
        raise GraphError(f"a pool{box}", "has windows that lie in the padding alone")
    field = Box(box.channels, rows.field, columns.field)
    pads = (rows.before, columns.before, rows.after, columns.after)
    return replace(synapse, pre_shape=field.shape, pads=pads), field


def _unfolded(synapse: Linear, box: Box) -> Sparse:
    """Give single synapses into `box`, renumbered on their post side only."""
    edges = synapse.edges(box)
    order = np.empty(prod(synapse.post_shape), dtype=np.int64)
    order[box.indices(synapse.post_shape)] = np.arange(box.size)
    return Sparse(
        weight=edges.weight,
        pre=edges.pre,
        post=order[edges.post],
        pre_shape=synapse.pre_shape,
        post_shape=box.shape,
    )


def _shrunk(synapse: Sparse) -> tuple[Linear, Box]:
    """Leave out the presynaptic neurons beyond the smallest box that holds all synapses."""
    if not len(synapse.pre):
        field = Box((0, 1), (0, 1), (0, 1))
    else:
        axes = np.unravel_index(synapse.pre, synapse.pre_shape)
        c, y, x = ((int(a.min()), int(a.max()) + 1) for a in axes)
        field = Box(c, y, x)
    within = np.empty(prod(synapse.pre_shape), dtype=np.int64)
    within[field.indices(synapse.pre_shape)] = np.arange(field.size)
    return replace(synapse, pre=within[synapse.pre], pre_shape=field.shape), field
