"""Sums and differences of computed values: residual branches."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import GraphError, ModelError
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Sum(Op):
    """y = ± x0 ± x1 ..., all of one shape."""

    onnx: ClassVar[tuple[str, ...]] = ("Add", "Sub", "Sum")
    role: ClassVar[Role] = "linear"

    signs: tuple[int, ...] = (1, 1)  # 1 or -1 for each input; all 1, or (1, -1)

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a sum of computed values; one with a constant is left to `Affine`."""
        if node.kind in ("Add", "Sub") and len(node.streams) == 1:
            return None
        shapes = [node.shapes[i] for i in node.streams]
        if len(node.streams) != len(node.shapes) or any(s != shapes[0] for s in shapes):
            raise ModelError(
                node.name,
                f"adds shapes {', '.join(map(str, node.shapes))}, one shape can be placed",
                "bring the branches to one shape",
            )
        return cls(signs=(1, -1) if node.kind == "Sub" else (1,) * len(shapes))

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write an Add, a Sub or a Sum."""
        if self.signs == (1, 1):
            return (OnnxNode(kind="Add", name=""),)
        if self.signs == (1, -1):
            return (OnnxNode(kind="Sub", name=""),)
        if set(self.signs) != {1}:
            raise GraphError("Sum", f"signs {self.signs} are not one ONNX node", "use (1, -1)")
        return (OnnxNode(kind="Sum", name=""),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the common shape. Raises GraphError where there is none."""
        if len(inputs) != len(self.signs) or any(s != inputs[0] for s in inputs):
            raise GraphError("Sum", f"{len(self.signs)} equal shapes are needed, not {inputs}")
        return inputs[0]

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        total = inputs[0] * self.signs[0]
        for sign, x in zip(self.signs[1:], inputs[1:], strict=True):
            total = total + sign * x
        return total

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give one synapse an element, of the input's sign."""
        shape = volume(inputs[index])
        weight = np.full((shape[0], 1, 1, 1), self.signs[index], np.float32)
        return synapses.Conv(weight=readonly(weight), pre_shape=shape, groups=shape[0])
