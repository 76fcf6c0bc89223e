"""Give each branch of a concat neurons of its own."""

from dataclasses import dataclass
from typing import ClassVar

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import AveragePool, Clip, Concat, MaxPool, Relu
from neurocomp.passes.exchange import exhaust, feeds_only


@dataclass(frozen=True, slots=True)
class ConcatAfterNeurons:
    """relu(concat(a, b)) = concat(relu(a), relu(b)), and so for clip, and pooling of channels.

    Each branch then keeps its own units, and a concat costs nothing: it only passes spikes on. A
    pool leaves a concat that others read to them; a rectifier would have neurons twice.
    """

    name: ClassVar[str] = "concat-after-neurons"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return exhaust(_neurons_first, graph)


def _neurons_first(graph: Graph) -> Graph:
    for node in graph.nodes:
        movable = isinstance(node.op, Relu | Clip | MaxPool | AveragePool)
        concat = graph.index.get(node.inputs[0]) if movable else None
        if concat is None or not isinstance(concat.op, Concat):
            continue
        pools = isinstance(node.op, MaxPool | AveragePool)
        if pools and concat.op.axis != 0:
            continue  # its windows reach over the seam
        alone = feeds_only(graph, concat, node)
        if alone or pools:
            return graph.with_nodes(_moved(graph, node, concat, alone=alone))
    return graph


def _moved(graph: Graph, node: Node, concat: Node, *, alone: bool) -> list[Node]:
    branches = [
        Node(name=f"{node.name}[{i}]", op=node.op, inputs=(branch,))
        for i, branch in enumerate(concat.inputs)
    ]
    joined = Node(name=node.name, op=concat.op, inputs=tuple(b.name for b in branches))
    nodes: list[Node] = []
    for n in graph.nodes:
        if n is node:
            nodes += [*branches, joined]
        elif n is not concat or not alone:
            nodes.append(n)
    return nodes
