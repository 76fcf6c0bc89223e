"""What an operator must say about itself, and the neutral form in which ONNX nodes reach it.

`ann` does not import onnx: the front end turns a node into an `OnnxNode` on the way in, and an
`OnnxNode` into a node on the way out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from neurocomp.arrays import Array, Shape
from neurocomp.errors import GraphError
from neurocomp.snn.neurons import Neuron
from neurocomp.snn.synapses import Synapse

Role = Literal["linear", "neuron", "view", "final"]
# linear: affine in every input; wired as synapses
# neuron: becomes a population
# view:   same elements in the same (row-major) order
# final:  only as the network's last step: the class does not depend on it (softmax)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class OnnxNode:
    """One ONNX node as plain values. Shapes are without the batch axis, constants whole."""

    kind: str  # "Conv", "Gemm", ...
    name: str
    attributes: Mapping[str, object] = field(default_factory=dict)
    shapes: tuple[Shape | None, ...] = ()  # of each input; None where absent; constants: their own
    constants: Mapping[int, Array] = field(default_factory=dict)  # input index -> value
    opset: int = 18

    @property
    def streams(self) -> tuple[int, ...]:
        """Give the indices of the inputs that are not constant."""
        return tuple(
            i for i, s in enumerate(self.shapes) if s is not None and i not in self.constants
        )


class Op:
    """An operator: import, role, shape, meaning, wiring. One subclass a file in `ann/ops`.

    Subclasses are frozen dataclasses. Arrays carry the batch on their first axis, shapes do not.
    """

    __slots__ = ()
    onnx: ClassVar[tuple[str, ...]]  # ONNX types that `from_onnx` takes
    role: ClassVar[Role]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> "Op | None":
        """Read `node`; None where another operator should take it. Raises ModelError."""
        raise NotImplementedError

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a chain of nodes; `shapes` is empty, `constants` keep their input's index."""
        raise NotImplementedError

    def shape(self, *inputs: Shape) -> Shape:
        """Give the output's shape."""
        raise NotImplementedError

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first: the operator's meaning."""
        raise NotImplementedError

    def wiring(self, index: int, *inputs: Shape) -> Synapse:
        """Give the linear part of what input `index` adds to the output (role linear)."""
        raise GraphError(type(self).__name__, f"is a {self.role} operator and has no wiring")

    def neuron(self, unit: Array) -> Neuron:
        """Give the neuron model whose rate 1 stands for `unit`, (channels, rows, columns)."""
        raise GraphError(type(self).__name__, f"is a {self.role} operator and has no neuron")
