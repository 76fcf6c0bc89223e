"""What lies between neurons in a graph: paths of linear operators, and their constants."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from math import prod

import numpy as np

from neurocomp.ann.graph import Graph, Node
from neurocomp.arrays import Array, Shape
from neurocomp.errors import UnsupportedError
from neurocomp.snn.boxes import volume
from neurocomp.snn.compose import between, compose, identity
from neurocomp.snn.synapses import Synapse

MOST_PATHS = 1000  # into one value


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Path:
    """The linear map by which one source, a neuron's value or the input, reaches a value."""

    source: str
    synapse: Synapse  # from the source's volume to the value's
    plain: bool  # passes every element on, unchanged and in order


def readout_value(graph: Graph) -> str:
    """Give the value whose argmax is the class: the output before a last softmax or ReLU."""
    value = graph.output
    while value in graph.index:
        node = graph.index[value]
        if node.op.role not in ("final", "view") and not _is_last_relu(graph, node):
            break
        value = node.inputs[0]
    return value if prod(graph.shapes[value]) == prod(graph.shapes[graph.output]) else graph.output


def _is_last_relu(graph: Graph, node: Node) -> bool:
    shape = graph.shapes[node.name]
    return node.op.role == "neuron" and graph.shapes[node.inputs[0]] == shape and _monotone(node)


def _monotone(node: Node) -> bool:
    """Say whether the operator is a ReLU, whose argmax is its input's where any is positive."""
    return getattr(node.op, "maximum", None) is None and "Relu" in node.op.onnx


def paths(graph: Graph, value: str) -> tuple[Path, ...]:
    """Give every linear path into `value` from a neuron's value or the input.

    Raises UnsupportedError where there are more than MOST_PATHS, or one is too large to compose.
    """
    found: list[Path] = []
    for source, steps in _walk(graph, value):
        if len(found) == MOST_PATHS:
            raise UnsupportedError(
                value,
                f"more than {MOST_PATHS} paths of linear operators lead into it",
                "put activations between the operators",
            )
        ends = volume(graph.shapes[source]), volume(graph.shapes[value])
        found.append(Path(source=source, synapse=_join(steps, *ends, value), plain=not steps))
    return tuple(found)


def sources(graph: Graph, value: str) -> frozenset[str]:
    """Name what `paths` into `value` come from, without composing them."""
    return frozenset(source for source, _ in islice(_walk(graph, value), MOST_PATHS))


def _walk(graph: Graph, value: str) -> Iterator[tuple[str, tuple[Synapse, ...]]]:
    node = graph.index.get(value)
    if node is None or node.op.role == "neuron":
        yield value, ()
        return
    if node.op.role == "final":
        raise UnsupportedError(
            node.name,
            f"{type(node.op).__name__} stands in the middle of the network",
            "only the network's last operator may be one",
        )
    shapes = [graph.shapes[i] for i in node.inputs]
    for index, name in enumerate(node.inputs):
        step = () if node.op.role == "view" else (node.op.wiring(index, *shapes),)
        for source, steps in _walk(graph, name):
            yield source, steps + step


def _join(steps: tuple[Synapse, ...], pre: Shape, post: Shape, where: str) -> Synapse:
    """Compose from the last to the first, so that what a kernel can take up it does."""
    if not steps:
        return between(identity(pre), pre, post)
    joined = reduce(lambda after, before: compose(before, after, where), reversed(steps))
    return between(joined, pre, post)


def constants(graph: Graph) -> dict[str, Array]:
    """Give what each value is, (1, *shape), when every neuron and the input are 0."""
    values = {graph.input: np.zeros((1, *graph.input_shape))}
    for node in graph.nodes:
        if node.op.role == "neuron":
            values[node.name] = np.zeros((1, *graph.shapes[node.name]))
        else:
            values[node.name] = node.op.run(*(values[i] for i in node.inputs))
    return values


def spiking(graph: Graph, value: str) -> tuple[Node, ...]:
    """Give the neuron nodes that `value` depends on, itself included, in running order."""
    needed = {value}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return tuple(n for n in graph.nodes if n.name in needed and n.op.role == "neuron")
