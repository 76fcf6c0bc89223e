"""About how many synapses the linear operators between neurons compose to, without composing them.

Along one path each neuron of a value sees a box of its source: so many channels, rows and columns.
Borders are ignored, and boxes are taken as full. Equal paths are counted, not listed, so that the
many paths through residual sums cost nothing to count.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import AveragePool
from neurocomp.arrays import Shape
from neurocomp.snn.boxes import volume, whole
from neurocomp.snn.synapses import Conv, Dense, Synapse, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a neuron sees of `source` along one path."""

    source: str
    of: Shape  # (channels, rows, columns) of the source
    channels: float = 1.0
    rows: int = 1
    columns: int = 1
    strides: tuple[int, int] = (1, 1)  # of the source, from one neuron to the next

    @property
    def synapses(self) -> float:
        """Give the synapses into one neuron."""
        return self.channels * self.rows * self.columns


Reaches = Counter[Reach]  # with how many paths have it


def start(source: str, shape: Shape) -> Reaches:
    """Give what a source sees of itself."""
    return Counter({Reach(source=source, of=volume(shape)): 1})


def after(first: Reach, second: Reach) -> Reach:
    """Give what is seen through `second`, whose source sees `first`."""
    channels, rows, columns = first.of
    return replace(
        first,
        channels=min(channels, first.channels * second.channels),
        rows=min(rows, first.rows + (second.rows - 1) * first.strides[0]),
        columns=min(columns, first.columns + (second.columns - 1) * first.strides[1]),
        strides=(first.strides[0] * second.strides[0], first.strides[1] * second.strides[1]),
    )


def joined(first: Reaches, second: Reaches) -> Reaches:
    """Give every path of `second` after every path of `first`."""
    found: Reaches = Counter()
    for a, m in first.items():
        for b, n in second.items():
            found[after(a, b)] += m * n
    return found


def through(graph: Graph, node: Node, before: Mapping[str, Reaches]) -> Reaches:
    """Give what a linear node or a view sees, where `before` says what its inputs see."""
    found: Reaches = Counter()
    shapes = [graph.shapes[i] for i in node.inputs]
    for index, name in enumerate(node.inputs):
        if name not in before:
            continue
        if node.op.role == "view":
            found += before[name]
        else:
            found += joined(before[name], Counter({_seen(_wiring(node, index, shapes)): 1}))
    return found


def _wiring(node: Node, index: int, shapes: Sequence[Shape]) -> Synapse:
    """Give a regular form where there is one: averages of unequal counts are single synapses."""
    if isinstance(node.op, AveragePool):
        return node.op.window(shapes[index])
    return node.op.wiring(index, *shapes)


def _seen(synapse: Synapse) -> Reach:
    """Give what one synapse's target sees of its source."""
    plain = Reach(source="", of=synapse.pre_shape)
    if isinstance(synapse, Conv | Window):
        span = [
            (size - 1) * dilation + 1
            for size, dilation in zip(synapse.kernel, synapse.dilations, strict=True)
        ]
        channels = float(synapse.weight.shape[1]) if isinstance(synapse, Conv) else 1.0
        return replace(
            plain, channels=channels, rows=span[0], columns=span[1], strides=synapse.strides
        )
    if isinstance(synapse, Dense):
        channels, rows, columns = synapse.pre_shape
        return replace(plain, channels=float(channels), rows=rows, columns=columns)
    size = prod(synapse.post_shape)
    return replace(plain, channels=synapse.fan_in(whole(synapse.post_shape)) / max(1, size))


def synapses(reaches: Reaches, shape: Shape) -> float:
    """Give about how many synapses lead along these paths into a value of `shape`."""
    return prod(shape) * sum(r.synapses * n for r, n in reaches.items())
