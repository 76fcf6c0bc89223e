"""The order of a sample's axes: an input whose channels come last is turned round by the host."""

from dataclasses import replace

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops.transpose import Transpose

Order = tuple[int, ...]  # axis i of the network's input is axis order[i] of a sample


def reordered(graph: Graph) -> tuple[Graph, Order]:
    """Give the graph without a first Transpose of its input's three axes, and that order.

    Composed with what follows it a Transpose would make single synapses of a convolution.
    """
    readers = graph.readers(graph.input)
    alone = len(readers) == 1 and readers[0].name != graph.output
    first = readers[0] if alone and len(graph.input_shape) == 3 else None
    if first is None or not isinstance(first.op, Transpose):
        return graph, (0, 1, 2)
    renamed = (
        replace(n, inputs=tuple(graph.input if i == first.name else i for i in n.inputs))
        for n in graph.nodes
        if n is not first
    )
    shape = first.op.shape(graph.input_shape)
    return replace(graph, input_shape=shape, nodes=tuple(renamed)), first.op.order
