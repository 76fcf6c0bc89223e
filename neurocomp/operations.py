"""Operations, counted as the paper counts them: of the trained network and of the spiking one.

An ANN does a multiplication and an addition for each connection, two operations, and one more for
each neuron with a bias. A spiking network adds a weight wherever a spike arrives: one operation for
each synapse of the neuron that fired. Pooling costs nothing in either count of the trained network.
Source: Rueckauer et al. 2017, section 2.3, and the authors' toolbox, which their figures are from.
"""

from collections.abc import Mapping
from math import prod

import numpy as np

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import Conv, Linear
from neurocomp.arrays import Array
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume, whole
from neurocomp.snn.network import Network, Projection
from neurocomp.snn.windows import Axis


def ann_operations(graph: Graph, *, borders: bool = False) -> int:
    """Count the operations of one run of the trained network.

    The paper counts a convolution's whole kernel at every position; with `borders`, what reaches
    into the padding is left out.
    """
    return sum(_connections(graph, n, borders) * 2 + _biased(graph, n) for n in graph.nodes)


def _connections(graph: Graph, node: Node, borders: bool) -> int:
    """Count the multiplications of one node."""
    shape = graph.shapes[node.name]
    if isinstance(node.op, Linear):
        positions = prod(shape) // node.op.weight.shape[0]
        return int(prod(node.op.weight.shape) * positions)
    if not isinstance(node.op, Conv):
        return 0
    if not borders:
        return int(prod(node.op.weight.shape[1:]) * prod(shape))
    wiring = node.op.wiring(0, *(graph.shapes[i] for i in node.inputs))
    return wiring.fan_in(whole(volume(shape)))


def _biased(graph: Graph, node: Node) -> int:
    """Count the additions of a bias."""
    return prod(graph.shapes[node.name]) if isinstance(node.op, Conv | Linear) else 0


def fan_out(synapse: synapses.Synapse) -> Array:
    """Count the synapses out of each presynaptic neuron, (pre shape), borders counted."""
    return _row_sums(synapse).reshape(synapse.pre_shape)


def _row_sums(synapse: synapses.Synapse) -> Array:
    if isinstance(synapse, synapses.Pooled):
        held = synapse.window.windows
        return _weighted(synapse.inner, _reached(held.rows), _reached(held.columns))
    _, rows, columns = synapse.post_shape
    return _weighted(synapse, np.ones(rows, np.int64), np.ones(columns, np.int64))


def _weighted(synapse: synapses.Synapse, rows: Array, columns: Array) -> Array:
    """Count the synapses, those into a place as often as `rows` times `columns` say of it."""
    if isinstance(synapse, synapses.Sparse):
        places = np.outer(rows, columns).ravel()
        times = places[synapse.post % len(places)]
        return _bins(synapse.pre, times, prod(synapse.pre_shape))
    if isinstance(synapse, synapses.Dense):
        times = synapse.post_shape[0] * rows.sum() * columns.sum()
        return np.full(prod(synapse.pre_shape), times)
    windows = synapse.windows  # type: ignore[attr-defined]  # of Conv and Window, the two others
    channels = np.full(synapse.pre_shape[0], _readers(synapse))
    reached = _reached(windows.rows, rows)[:, None] * _reached(windows.columns, columns)
    counts: Array = channels[:, None, None] * reached
    return counts


def _reached(axis: Axis, times: Array | None = None) -> Array:
    """Count the windows that touch each place of one axis, (size,), each as often as `times`."""
    positions = axis.positions((0, axis.count))
    inside = (positions >= 0) & (positions < axis.size)
    each = np.ones(axis.count, np.int64) if times is None else times
    return _bins(positions[inside], np.repeat(each, inside.sum(axis=1)), axis.size)


def _bins(places: Array, times: Array, size: int) -> Array:
    """Add up `times`, whole numbers, at each of `size` places."""
    return np.bincount(places, times, size).astype(np.int64)


def _readers(synapse: synapses.Synapse) -> int:
    """Count the postsynaptic channels that read one presynaptic channel."""
    return synapse.post_shape[0] // synapse.groups if isinstance(synapse, synapses.Conv) else 1


def fan_out_without_borders(synapse: synapses.Synapse) -> Array:
    """Count as the authors' toolbox does, (pre shape).

    A convolution of stride 1 counts its whole kernel for every neuron, and pooling one synapse.
    """
    if isinstance(synapse, synapses.Conv) and synapse.strides == (1, 1):
        return np.full(synapse.pre_shape, prod(synapse.kernel) * _readers(synapse))
    if isinstance(synapse, synapses.Window):
        return np.ones(synapse.pre_shape, dtype=np.int64)
    return fan_out(synapse)


def fan_outs(network: Network, *, borders: bool = True) -> dict[str, Array]:
    """Give what each spike of a population costs, population -> (channels, rows, columns)."""
    count = fan_out if borders else fan_out_without_borders
    return {
        p.name: sum(
            (count(out.synapse) for out in _out_of(network, p.name)),
            np.zeros(p.shape, dtype=np.int64),
        )
        for p in network.populations
    }


def _out_of(network: Network, name: str) -> tuple[Projection, ...]:
    return tuple(p for p in network.projections if p.source == name)


def synaptic_operations(fired: Mapping[str, Array], fan_out: Mapping[str, Array]) -> Array:
    """Count what the spikes of one step, population -> (samples, *shape), cost, (samples,)."""
    total: Array = np.sum([_cost(fired[name], each) for name, each in fan_out.items()], axis=0)
    return total


def _cost(fired: Array, each: Array) -> Array:
    sent = fired.reshape(len(fired), -1) != 0  # a graded neuron's message is one spike
    cost: Array = sent @ each.ravel().astype(np.float64)
    return cost.astype(np.int64)


def neuron_updates(network: Network) -> int:
    """Count the neurons that are updated in every step, the readout's included."""
    return sum(prod(p.shape) for p in network.populations)


def input_operations(network: Network) -> int:
    """Count what analog input costs, once a sample: a MAC, two operations, for each connection."""
    return 2 * sum(c.synapse.fan_in(whole(c.synapse.post_shape)) for c in network.currents)
