"""Give linear values neurons of their own where composing their operators costs more."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.linear import readout_value
from neurocomp.ann.op import Op
from neurocomp.ann.ops import Relay, Relu
from neurocomp.ann.reach import Reaches, joined, start, synapses, through
from neurocomp.ann.signs import never_negative
from neurocomp.snn.synapses import Conv

HALVES = 2  # of a pair


@dataclass(frozen=True, slots=True)
class RelayLinear:
    """Put a relay where what is composed has over `worth` times as many synapses as without it.

    A value that linear operators read, a bottleneck or a residual sum, is counted twice: composed
    into the synapses of all neurons further on, and as a population that is driven and sends. A
    pair of on and off neurons has twice the synapses on both sides; a value that is never negative,
    as an average of activations, needs no pair: one rectifier sends it on. Neurons that read the
    value themselves go on reading what it is made of. A graph that has relays keeps them.
    """

    name: ClassVar[str] = "relay-linear"
    graded: bool = False
    worth: float = 1.0

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        if any(isinstance(n.op, Relay) for n in graph.nodes):
            return graph
        plain = never_negative(graph)
        chosen = _chosen(graph, self, plain)
        relays = {
            name: Relu() if name in plain and not self.graded else Relay(graded=self.graded)
            for name in chosen
        }
        return _with_relays(graph, relays) if relays else graph


def _chosen(graph: Graph, options: RelayLinear, plain: Container[str]) -> set[str]:
    """Choose values in running order; what stands before a chosen value is not seen behind it."""
    seen: dict[str, Reaches] = {graph.input: start(graph.input, graph.input_shape)}
    chosen: set[str] = set()
    for node in graph.nodes:
        halves = 1 if options.graded or node.name in plain else HALVES
        if node.op.role in ("neuron", "final"):
            seen[node.name] = start(node.name, graph.shapes[node.name])
            continue
        seen[node.name] = own = through(graph, node, seen)
        fed = any(reach.source != graph.input for reach in own)
        if fed and _is_read(graph, node) and _cheaper(graph, node, own, options.worth * halves):
            chosen.add(node.name)
            seen[node.name] = start(node.name, graph.shapes[node.name])
    return chosen


def _is_read(graph: Graph, node: Node) -> bool:
    """Say whether linear operators read the node, and not just one that adds or scales it.

    There the relay comes after the sum.
    """
    readers = _linear_readers(graph, node.name)
    if node.op.role != "linear" or not readers:
        return False
    return len(readers) > 1 or not _one_to_one(graph, readers[0])


def _linear_readers(graph: Graph, value: str) -> list[Node]:
    """List the linear operators that read `value`, directly or through views."""
    found: list[Node] = []
    for reader in graph.readers(value):
        if reader.op.role == "linear":
            found.append(reader)
        elif reader.op.role == "view":
            found += _linear_readers(graph, reader.name)
    return found


def _one_to_one(graph: Graph, node: Node) -> bool:
    shapes = [graph.shapes[i] for i in node.inputs]
    synapse = node.op.wiring(0, *shapes)
    return (
        isinstance(synapse, Conv)
        and synapse.pointwise
        and synapse.groups == synapse.pre_shape[0]
        and synapse.pre_shape == synapse.post_shape
    )


def _cheaper(graph: Graph, node: Node, own: Reaches, worth: float) -> bool:
    shape = graph.shapes[node.name]
    ends = _ends(graph, node)
    composed = sum(synapses(joined(own, seen), graph.shapes[e]) for e, seen in ends.items())
    sent = sum(synapses(seen, graph.shapes[e]) for e, seen in ends.items())
    relayed = synapses(own, shape) + sent + prod(shape)
    return composed > worth * relayed


def _ends(graph: Graph, node: Node) -> Mapping[str, Reaches]:
    """Give what the values that neurons or the readout read see of `node`, through operators."""
    seen = {node.name: start(node.name, graph.shapes[node.name])}
    result, ends = readout_value(graph), {}
    behind = graph.nodes[graph.nodes.index(node) + 1 :]
    for n in behind:
        if n.op.role not in ("linear", "view"):
            continue
        found = through(graph, n, seen)
        if not found:
            continue
        seen[n.name] = found
        read = any(r.op.role == "neuron" for r in graph.readers(n.name))
        if read or n.name == result:
            ends[n.name] = found
    return ends


def _with_relays(graph: Graph, relays: Mapping[str, Op]) -> Graph:
    nodes: list[Node] = []
    for node in graph.nodes:
        linear = node.op.role == "linear" or (
            node.op.role == "view" and _linear_readers(graph, node.name)
        )
        inputs = tuple(_relay(i) if i in relays else i for i in node.inputs)
        nodes.append(replace(node, inputs=inputs) if linear and inputs != node.inputs else node)
        if node.name in relays:
            relay = Node(name=_relay(node.name), op=relays[node.name], inputs=(node.name,))
            nodes.append(relay)
    return graph.with_nodes(nodes)


def _relay(value: str) -> str:
    return f"{value} (relay)"
