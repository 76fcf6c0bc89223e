"""Max pooling for chips that have no gate."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import Clip, Conv, Heaviside, MaxPool, Relu, Sum
from neurocomp.arrays import readonly
from neurocomp.passes.exchange import exhaust


@dataclass(frozen=True, slots=True)
class MaxPoolAsRelus:
    """max(a, b) = b + relu(a - b), exactly: pairs of taps, then pairs of those.

    A window of n taps takes n - 1 rectifiers. Only of values that are not negative, so that padding
    may be 0. Source: the identity; no neuron but integrate-and-fire is needed.
    """

    name: ClassVar[str] = "max-pool-as-relus"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return exhaust(_rewrite_one, graph)


def _rewrite_one(graph: Graph) -> Graph:
    for at, node in enumerate(graph.nodes):
        before = graph.index.get(node.inputs[0])
        rectified = before is not None and isinstance(before.op, Relu | Clip | Heaviside)
        if isinstance(node.op, MaxPool) and rectified and not node.op.ceil:
            made = _rewritten(graph, node, node.op)
            return graph.with_nodes([*graph.nodes[:at], *made, *graph.nodes[at + 1 :]])
    return graph


def _rewritten(graph: Graph, node: Node, pool: MaxPool) -> list[Node]:
    """Give the nodes that compute `node`; the last has its name."""
    taps = range(prod(pool.kernel))
    names = [f"{node.name}.tap{k}" for k in taps] if len(taps) > 1 else [node.name]
    nodes = [
        Node(name=name, op=_tap(graph, node, pool, k), inputs=node.inputs)
        for k, name in enumerate(names)
    ]
    level = [n.name for n in nodes]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [_larger(pair, nodes, node.name, len(pairs) == 1) for pair in pairs]
    return nodes


def _larger(pair: list[str], nodes: list[Node], name: str, last: bool) -> str:
    """Append what gives the larger of a pair, and give its name."""
    if len(pair) == 1:
        return pair[0]
    a, b = pair
    stem = f"{name}.{len(nodes)}"
    nodes.append(Node(name=f"{stem}-", op=Sum(signs=(1, -1)), inputs=(a, b)))
    nodes.append(Node(name=f"{stem}+", op=Relu(), inputs=(f"{stem}-",)))
    made = name if last else f"{stem}="
    nodes.append(Node(name=made, op=Sum(signs=(1, 1)), inputs=(b, f"{stem}+")))
    return made


def _tap(graph: Graph, node: Node, pool: MaxPool, k: int) -> Conv:
    """Give the convolution that passes one tap of each window on."""
    channels = graph.shapes[node.inputs[0]][0]
    weight = np.zeros((channels, 1, *pool.kernel), np.float32)
    weight.reshape(channels, -1)[:, k] = 1
    return Conv(
        weight=readonly(weight),
        bias=readonly(np.zeros(channels, np.float32)),
        strides=pool.strides,
        pads=pool.pads,
        dilations=pool.dilations,
        groups=channels,
    )
