"""Let several neurons share the range of an activation."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.linear import readout_value, spiking
from neurocomp.ann.op import Op
from neurocomp.ann.ops import Affine, Clip, MaxPool, MaxRelu, Relu, Sum
from neurocomp.arrays import Array, Shape, readonly

MOST_PIECES = 16  # neurons of an activation; the edges of more would be too close to choose
SMALL = 1 / 50  # of all neurons, that the pieces of a layer may be without being counted
PIECE = re.compile(r"(.+) \(piece (\d+)\)")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SplitRange:
    """relu(x) = clip(x, 0, k1) + clip(x - k1, 0, k2 - k1) + ... + relu(x - kn), exactly.

    Where one neuron counts in steps of its range / T, each piece counts in steps of its own width:
    fine where most activations lie, coarse for the few great ones, which need not be clipped for
    it. All are plain integrate-and-fire neurons; those of the upper pieces hardly ever fire.
    Units that the graph has already are shared out among the pieces. Source: the identity.
    """

    name: ClassVar[str] = "split-range"
    knees: Mapping[str, Array] = field(default_factory=dict)  # value -> (knees, channels), rising

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        able = splittable(graph)
        wanted = {name: knees for name, knees in self.knees.items() if name in able}
        if not wanted:
            return graph
        nodes: list[Node] = []
        for node in graph.nodes:
            nodes += _pieces(graph, node, wanted[node.name]) if node.name in wanted else [node]
        units = {name: unit for name, unit in graph.units.items() if name not in wanted}
        for name in wanted.keys() & graph.units.keys():
            units |= _shared(name, wanted[name], graph.units[name])
        return replace(graph.with_nodes(nodes), units=units)


def splittable(graph: Graph) -> frozenset[str]:
    """Name the rectifiers that can be split: not those whose spikes a gate passes on."""
    gated = {n.inputs[0] for n in graph.nodes if isinstance(n.op, MaxPool)}
    found = spiking(graph, readout_value(graph))
    return frozenset(
        n.name
        for n in found
        if isinstance(n.op, Relu | Clip | MaxRelu)
        and n.name not in gated
        and not PIECE.fullmatch(n.name)
    )


def pieces_of(graph: Graph, pieces: int) -> Mapping[str, int]:
    """Give how many neurons share the range of each rectifier, where that is more than one.

    Sums over many neurons average their rounding; the last, small layers hardly do, and more
    neurons there cost nothing: they get up to MOST_PIECES while they stay under SMALL of all.
    """
    if pieces == 1:
        return {}
    sizes = {name: prod(graph.shapes[name]) for name in splittable(graph)}
    free = SMALL * sum(sizes.values())
    return {n: min(MOST_PIECES, max(pieces, int(free / size))) for n, size in sizes.items()}


def whole(name: str) -> str:
    """Give the value of which `name` is a piece; itself where it is none."""
    match = PIECE.fullmatch(name)
    return match[1] if match else name


def knees_of(units: Mapping[str, Array]) -> Mapping[str, Array]:
    """Give the knees of every split value by the units of its pieces, which are their widths."""
    widths: dict[str, dict[int, Array]] = {}
    for name, unit in units.items():
        if match := PIECE.fullmatch(name):
            widths.setdefault(match[1], {})[int(match[2])] = unit
    return {
        name: readonly(np.cumsum([found[n] for n in sorted(found)][:-1], axis=0))
        for name, found in widths.items()
    }


def _shared(name: str, knees: Array, unit: Array) -> Mapping[str, Array]:
    """Give what rate 1 stands for in each piece: its width."""
    edges = np.concatenate([np.zeros((1, len(unit))), knees, unit[None]])
    widths = np.diff(edges, axis=0)
    return {_piece(name, n): readonly(width) for n, width in enumerate(widths, start=1)}


def _piece(name: str, number: int) -> str:
    return f"{name} (piece {number})"


def _pieces(graph: Graph, node: Node, knees: Array) -> Iterator[Node]:
    """Give the pieces of one node, and their sum, which has its name."""
    shape = (-1, *(1,) * (len(graph.shapes[node.name]) - 1))
    lows = [np.zeros(knees.shape[1:]), *knees]
    names = [_piece(node.name, number) for number in range(1, len(lows) + 1)]
    for name, low, high in zip(names, lows, [*knees, np.inf], strict=True):
        value = node.inputs[0]
        if low.any():
            shift = (-low).astype(np.float32).reshape(shape)
            value = f"{name} (shifted)"
            op = Affine(scale=readonly(np.ones_like(shift)), shift=readonly(shift))
            yield Node(name=value, op=op, inputs=node.inputs)
        yield Node(name=name, op=_between(node.op, low, high, shape), inputs=(value,))
    yield Node(name=node.name, op=Sum(signs=(1,) * len(names)), inputs=tuple(names))


def _between(op: Op, low: Array, high: Array | float, shape: Shape) -> Op:
    """Give the rectifier of x - low that clips where x reaches `high`, or the ceiling it had."""
    if isinstance(op, MaxRelu):
        rectifier = _between(op.rectifier, low, high, shape)
        assert isinstance(rectifier, Relu | Clip)
        return replace(op, rectifier=rectifier)
    ceiling = np.ravel(op.maximum) if isinstance(op, Clip) else np.inf
    width = np.minimum(high, ceiling) - low
    return Relu() if np.isinf(width).all() else Clip(maximum=readonly(width.reshape(shape)))
