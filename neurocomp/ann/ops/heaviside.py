"""The step function of binary networks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import constant, stream
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import ModelError
from neurocomp.snn.neurons import IntegrateAndFire, Neuron

FLOAT = 1  # of TensorProto


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Heaviside(Op):
    """y = 1 where x >= 0, else 0.

    A neuron without memory does the same in every step. Source: Rueckauer et al. 2017, BinaryNet.
    """

    onnx: ClassVar[tuple[str, ...]] = ("GreaterOrEqual",)
    role: ClassVar[Role] = "neuron"
    maximum: ClassVar[float] = 1.0

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a comparison with 0. Raises ModelError for another number."""
        stream(node)
        against = constant(node, 1)
        if against is None or np.any(against):
            wrong = "compares with something other than 0"
            raise ModelError(node.name, wrong, "compare the value, on the left, with 0")
        return cls()

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write the comparison, and the cast to numbers."""
        zero = {1: np.zeros((), np.float32)}
        return (
            OnnxNode(kind="GreaterOrEqual", name="", constants=zero),
            OnnxNode(kind="Cast", name="", attributes={"to": FLOAT}),
        )

    def shape(self, *inputs: Shape) -> Shape:
        """Give the input's shape."""
        return inputs[0]

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return (inputs[0] >= 0).astype(inputs[0].dtype)

    def neuron(self, unit: Array) -> Neuron:
        """Give neurons without memory, of threshold 0."""
        return IntegrateAndFire(v_threshold=readonly(np.zeros(unit.shape)), reset="always")
