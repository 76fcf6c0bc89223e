"""The graph of a trained network: named values, each made by one operator."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from neurocomp.ann.op import Op
from neurocomp.arrays import Array, Shape
from neurocomp.errors import GraphError
from neurocomp.snn.estimates import Average, Estimate
from neurocomp.snn.neurons import Reset


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Node:
    """One operator; its value has the node's name."""

    name: str
    op: Op
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Graph:
    """A network from one input to one output; nodes stand in running order.

    `units` maps a neuron's value to what a firing rate of 1 stands for there, one number a channel:
    normalisation fills it in and changes nothing else. Shapes are without the batch axis.
    """

    input: str
    input_shape: Shape
    nodes: tuple[Node, ...]
    output: str
    units: Mapping[str, Array] = field(default_factory=dict)  # value -> (channels,)
    v_init: float = 0.0  # of every neuron, as a fraction of its threshold
    reset: Reset = "subtract"  # of every neuron that has a memory
    gate: Estimate = field(default_factory=Average)  # by which max pooling picks a tap
    spike_seed: int | None = None  # of input spikes drawn at random; None is analog input
    shapes: Mapping[str, Shape] = field(init=False, repr=False)
    index: Mapping[str, Node] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive every value's shape. Raises GraphError where a value is used before it is made."""
        shapes: dict[str, Shape] = {self.input: self.input_shape}
        for node in self.nodes:
            missing = [i for i in node.inputs if i not in shapes]
            if missing or node.name in shapes:
                wrong = f"reads {missing[0]!r} before it is made" if missing else "is made twice"
                raise GraphError(node.name, wrong)
            shapes[node.name] = node.op.shape(*(shapes[i] for i in node.inputs))
        if self.output not in shapes:
            raise GraphError(self.output, "is the output and no node makes it")
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(self, "index", {n.name: n for n in self.nodes})

    def with_nodes(self, nodes: Iterable[Node], output: str | None = None) -> "Graph":
        """Give the graph with other nodes."""
        return replace(self, nodes=tuple(nodes), output=output or self.output)

    def readers(self, value: str) -> tuple[Node, ...]:
        """Give the nodes that read `value`."""
        return tuple(n for n in self.nodes if value in n.inputs)

    def run(self, samples: Array) -> dict[str, Array]:
        """Compute every value, (samples, *shape), of `samples`, (samples, *input shape)."""
        values = {self.input: np.asarray(samples)}
        for node in self.nodes:
            values[node.name] = node.op.run(*(values[i] for i in node.inputs))
        return values
