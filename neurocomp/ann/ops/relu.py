"""The rectifier."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.clip import limits
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.snn.neurons import IntegrateAndFire, Neuron


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Relu(Op):
    """y = max(0, x)."""

    onnx: ClassVar[tuple[str, ...]] = ("Relu", "Clip")
    role: ClassVar[Role] = "neuron"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a Relu, or a Clip that has no maximum."""
        if node.kind == "Clip" and limits(node) != (0.0, np.inf):
            return None
        return cls()

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Relu."""
        return (OnnxNode(kind="Relu", name=""),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the input's shape."""
        return inputs[0]

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return np.maximum(inputs[0], 0)

    def neuron(self, unit: Array) -> Neuron:
        """Give integrate-and-fire neurons of threshold 1."""
        return IntegrateAndFire(v_threshold=readonly(np.ones(unit.shape)))
