"""Softmax, which orders the classes as its input does."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import integer, sample_axis, stream
from neurocomp.arrays import Array, Shape
from neurocomp.errors import ModelError


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Softmax(Op):
    """y = exp(x) / sum of exp(x) along one axis, or the logarithm of that."""

    onnx: ClassVar[tuple[str, ...]] = ("Softmax", "LogSoftmax")
    role: ClassVar[Role] = "final"

    axis: int = 0  # of a sample
    log: bool = False

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a Softmax; before operator set 13 it takes all axes from `axis` on as one."""
        shape = stream(node)
        old = node.opset < 13
        axis = sample_axis(node, integer(node, "axis", 1 if old else -1), len(shape))
        if old:
            wide = [i for i in range(axis, len(shape)) if shape[i] != 1]
            if len(wide) > 1:
                wrong = f"takes the {len(wide)} axes from {axis + 1} on as one"
                raise ModelError(node.name, wrong, "flatten before it, or use operator set 13")
            axis = wide[0] if wide else axis
        return cls(axis=axis, log=node.kind == "LogSoftmax")

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Softmax or LogSoftmax."""
        kind = "LogSoftmax" if self.log else "Softmax"
        return (OnnxNode(kind=kind, name="", attributes={"axis": self.axis + 1}),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the input's shape."""
        return inputs[0]

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        (x,) = inputs
        wide: Array = x.astype(np.float64)
        shifted = wide - wide.max(axis=self.axis + 1, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(axis=self.axis + 1, keepdims=True))
        y: Array = log if self.log else np.exp(log)
        return y.astype(x.dtype)
