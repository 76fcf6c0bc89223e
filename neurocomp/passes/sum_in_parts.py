"""Make wide sums in parts, each sent on by neurons of its own."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.linear import sources
from neurocomp.ann.ops import Conv, Linear, Relay, Sum
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.snn.boxes import volume

PART = re.compile(r"(.+) \(part \d+\) \(relay\)")


@dataclass(frozen=True, slots=True)
class SumInParts:
    """y = W x = W1 x1 + W2 x2 ...: each part reads some of the input channels, and has a relay.

    A core has room for so many inputs; a neuron that reads more reads the relays instead, one step
    later. A pair of on and off neurons rounds its part to the threshold, as any relay.
    """

    name: ClassVar[str] = "sum-in-parts"
    parts: Mapping[str, int] = field(default_factory=dict)  # convolution or matrix -> parts
    graded: bool = False

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        wanted = {name: n for name, n in self.parts.items() if _can(graph, name, n)}
        if not wanted:
            return graph
        nodes: list[Node] = []
        for node in graph.nodes:
            count = wanted.get(node.name, 1)
            nodes += [node] if count == 1 else self._parted(graph, node, count)
        return graph.with_nodes(nodes)

    def _parted(self, graph: Graph, node: Node, count: int) -> Iterator[Node]:
        """Give the parts of one node, their relays, and their sum, which has its name."""
        relays = []
        channels = np.arange(_channels(graph, node))
        for number, own in enumerate(np.array_split(channels, count), start=1):
            part = f"{node.name} (part {number})"
            relays.append(f"{part} (relay)")
            yield Node(name=part, op=_only(graph, node, own, first=number == 1), inputs=node.inputs)
            yield Node(name=relays[-1], op=Relay(graded=self.graded), inputs=(part,))
        yield Node(name=node.name, op=Sum(signs=(1,) * count), inputs=tuple(relays))


def wide(graph: Graph, factors: Mapping[str, float]) -> Mapping[str, int]:
    """Give the convolutions and matrices that feed populations, with the parts that each needs.

    `factors` says of a population how many times too much one neuron reads.
    """
    found: dict[str, int] = {}
    for population, factor in factors.items():
        name = population if population in graph.index else population.rsplit(" (", 1)[0]
        node = graph.index.get(name)
        if node is not None:
            start = node.inputs if node.op.role == "neuron" else (name,)
            for name in _feeding(graph, start):
                channels = _channels(graph, graph.index[name])
                found[name] = -(-channels // max(1, int(channels / factor)))
    return found


def grown(graph: Graph, parts: Mapping[str, int], more: Mapping[str, int]) -> Mapping[str, int]:
    """Give the parts that sums need, where a core has no room for `more`: some have parts already.

    `graph` is without any. What has as many parts as channels is left as it is.
    """
    found = dict(parts)
    for name, count in more.items():
        base = re.sub(r" \(part \d+\)$", "", name)
        most = _channels(graph, graph.index[base])
        found[base] = min(parts[base] + 1 if base in parts else count, most)
    return {n: count for n, count in found.items() if _can(graph, n, count)}


def parts_of(units: Iterable[str]) -> Mapping[str, int]:
    """Give the parts of every sum by the names of its relays, which the pass has given them."""
    found: dict[str, int] = {}
    for name in units:
        if match := PART.fullmatch(name):
            found[match[1]] = found.get(match[1], 0) + 1
    return found


def _feeding(graph: Graph, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        node = graph.index.get(value)
        if node is None or node.op.role not in ("linear", "view"):
            continue
        if _mixes(node):
            yield value
        else:
            yield from _feeding(graph, node.inputs)


def _mixes(node: Node) -> bool:
    return isinstance(node.op, Linear) or (isinstance(node.op, Conv) and node.op.groups == 1)


def _can(graph: Graph, name: str, count: int) -> bool:
    """Say whether a node can be cut so; what the input feeds is added by the host, and has none."""
    node = graph.index.get(name)
    if node is None or not _mixes(node) or sources(graph, node.inputs[0]) == {graph.input}:
        return False
    return 1 < count <= _channels(graph, node)


def _channels(graph: Graph, node: Node) -> int:
    """Give the channels of what a node reads, before a view flattened it."""
    return volume(_seen(graph, node.inputs[0]))[0]


def _seen(graph: Graph, value: str) -> Shape:
    node = graph.index.get(value)
    if node is None or node.op.role != "view":
        return graph.shapes[value]
    return _seen(graph, node.inputs[0])


def _only(graph: Graph, node: Node, channels: Array, *, first: bool) -> Conv | Linear:
    """Give the operator with weights of some channels only; the first part has the bias."""
    assert isinstance(node.op, Conv | Linear)
    every = _channels(graph, node)
    inputs = np.arange(node.op.weight.shape[1])
    own = np.isin(inputs // (len(inputs) // every), channels)
    kept = own.reshape(-1, *(1,) * (node.op.weight.ndim - 2))
    weight = readonly(np.where(kept, node.op.weight, node.op.weight.dtype.type(0)))
    bias = node.op.bias if first else readonly(np.zeros_like(node.op.bias))
    return replace(node.op, weight=weight, bias=bias)
