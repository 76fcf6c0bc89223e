"""Let max pooling follow its activation, since it pools spikes."""

from dataclasses import dataclass
from typing import ClassVar

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Clip, MaxPool, Relu
from neurocomp.passes.exchange import exchange, exhaust, feeds_only


@dataclass(frozen=True, slots=True)
class ReluBeforeMaxPool:
    """relu(max(x)) = max(relu(x)): put the activation first where it alone reads the pooling."""

    name: ClassVar[str] = "relu-before-max-pool"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return exhaust(_relu_first, graph)


def _relu_first(graph: Graph) -> Graph:
    for node in graph.nodes:
        pool = graph.index.get(node.inputs[0]) if isinstance(node.op, Relu | Clip) else None
        if pool is None or not isinstance(pool.op, MaxPool):
            continue
        if feeds_only(graph, pool, node):
            return exchange(graph, pool, node)
    return graph
