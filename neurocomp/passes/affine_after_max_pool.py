"""Let max pooling follow its activation when a batch normalisation stands between them."""

from dataclasses import dataclass
from typing import ClassVar

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import Affine, MaxPool


@dataclass(frozen=True, slots=True)
class AffineAfterMaxPool:
    """max(s x + t) = s max(x) + t for channels with s > 0: put the pooling first."""

    name: ClassVar[str] = "affine-after-max-pool"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        for node in graph.nodes:
            affine = graph.index.get(node.inputs[0]) if isinstance(node.op, MaxPool) else None
            if affine is None or not _increasing(affine):
                continue
            if len(graph.readers(affine.name)) == 1 and graph.output != affine.name:
                first = Node(name=affine.name, op=node.op, inputs=affine.inputs)
                second = Node(name=node.name, op=affine.op, inputs=(affine.name,))
                swapped = {affine.name: first, node.name: second}
                return self(graph.with_nodes(swapped.get(n.name, n) for n in graph.nodes))
        return graph


def _increasing(node: Node) -> bool:
    """Say whether the node is an affine map of channels whose every scale is positive."""
    if not isinstance(node.op, Affine):
        return False
    parts = (node.op.scale, node.op.shift)
    return all(p.size == p.shape[0] for p in parts) and bool((node.op.scale > 0).all())
