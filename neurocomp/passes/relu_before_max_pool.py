"""Let max pooling follow its activation, since it pools spikes."""

from dataclasses import dataclass
from typing import ClassVar

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import Clip, MaxPool, Relu


@dataclass(frozen=True, slots=True)
class ReluBeforeMaxPool:
    """relu(max(x)) = max(relu(x)): put the activation first where it alone reads the pooling."""

    name: ClassVar[str] = "relu-before-max-pool"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        for node in graph.nodes:
            pool = graph.index.get(node.inputs[0]) if isinstance(node.op, Relu | Clip) else None
            if pool is None or not isinstance(pool.op, MaxPool):
                continue
            if len(graph.readers(pool.name)) == 1 and graph.output != pool.name:
                first = Node(name=pool.name, op=node.op, inputs=pool.inputs)
                second = Node(name=node.name, op=pool.op, inputs=(pool.name,))
                swapped = {pool.name: first, node.name: second}
                return self(graph.with_nodes(swapped.get(n.name, n) for n in graph.nodes))
        return graph
