"""Let max pooling follow its activation when a batch normalisation stands near."""

from dataclasses import dataclass
from typing import ClassVar

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import Affine, Concat, MaxPool
from neurocomp.passes.exchange import exchange, exhaust, feeds_only


@dataclass(frozen=True, slots=True)
class AffineAfterMaxPool:
    """max(s x + t) = s max(x) + t where s > 0: pool the activation x, then scale."""

    name: ClassVar[str] = "affine-after-max-pool"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return exhaust(_pool_first, graph)


@dataclass(frozen=True, slots=True)
class AffineBeforeMaxPool:
    """s max(x) + t = max(s x + t) where s > 0: scale the linear x, then pool.

    The layer that makes x can then take the scale up, and the activation can come before the pool.
    """

    name: ClassVar[str] = "affine-before-max-pool"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return exhaust(_scale_first, graph)


def _pool_first(graph: Graph) -> Graph:
    for node in graph.nodes:
        affine = graph.index.get(node.inputs[0]) if isinstance(node.op, MaxPool) else None
        if affine is None or not _increasing(affine) or not _spiking(graph, affine):
            continue
        if feeds_only(graph, affine, node):
            return exchange(graph, affine, node)
    return graph


def _scale_first(graph: Graph) -> Graph:
    for node in graph.nodes:
        pool = graph.index.get(node.inputs[0]) if _increasing(node) else None
        if pool is None or not isinstance(pool.op, MaxPool) or _spiking(graph, pool):
            continue
        if feeds_only(graph, pool, node):
            return exchange(graph, pool, node)
    return graph


def _spiking(graph: Graph, node: Node) -> bool:
    """Say whether the node reads an activation, or a concat, whose branches may be some."""
    source = graph.index.get(node.inputs[0])
    return source is not None and (source.op.role == "neuron" or isinstance(source.op, Concat))


def _increasing(node: Node) -> bool:
    """Say whether the node is an affine map of channels whose every scale is positive."""
    if not isinstance(node.op, Affine):
        return False
    parts = (node.op.scale, node.op.shift)
    return all(p.size == p.shape[0] for p in parts) and bool((node.op.scale > 0).all())
