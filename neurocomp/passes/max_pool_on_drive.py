"""Pool what drives the neurons instead of their spikes."""

from dataclasses import dataclass
from typing import ClassVar

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import Clip, MaxPool, MaxRelu, Relu
from neurocomp.passes.exchange import exhaust, feeds_only


@dataclass(frozen=True, slots=True)
class MaxPoolOnDrive:
    """max(relu(x)) as one neuron: it pools the drive that its taps have accumulated.

    The rate is then that of the pooled value itself, and the spikes of taps that lose are never
    sent. A pool that reads a rectifier which others read, too, stays a gate.
    """

    name: ClassVar[str] = "max-pool-on-drive"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return exhaust(_pool_one, graph)


def _pool_one(graph: Graph) -> Graph:
    for node in graph.nodes:
        before = graph.index.get(node.inputs[0])
        if before is None or not isinstance(node.op, MaxPool):
            continue
        if isinstance(before.op, Relu | Clip) and feeds_only(graph, before, node):
            op = MaxRelu(rectifier=before.op, pool=node.op)
            made = Node(name=node.name, op=op, inputs=before.inputs)
            kept = (n for n in graph.nodes if n is not before)
            return graph.with_nodes(made if n is node else n for n in kept)
    return graph
