"""Which values are never negative: a plain neuron can send them on, where others need a pair."""

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import (
    AveragePool,
    Clip,
    Concat,
    GlobalAveragePool,
    Heaviside,
    MaxPool,
    MaxRelu,
    Pad,
    Relu,
    Sum,
    Transpose,
)

RECTIFIERS = (Relu, Clip, Heaviside, MaxRelu)
KEEP_SIGNS = (AveragePool, GlobalAveragePool, Concat, MaxPool, Pad, Transpose)  # as views do


def never_negative(graph: Graph) -> frozenset[str]:
    """Name the values that are 0 or positive whatever the input is."""
    found: set[str] = set()
    for node in graph.nodes:
        if isinstance(node.op, RECTIFIERS) or (
            _keeps_signs(node) and found.issuperset(node.inputs)
        ):
            found.add(node.name)
    return frozenset(found)


def _keeps_signs(node: Node) -> bool:
    if isinstance(node.op, Sum):
        return all(sign > 0 for sign in node.op.signs)
    return isinstance(node.op, KEEP_SIGNS) or node.op.role == "view"
