"""Concatenation of branches."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import integer, sample_axis
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import GraphError, ModelError
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Concat(Op):
    """y = the inputs after one another along one axis."""

    onnx: ClassVar[tuple[str, ...]] = ("Concat",)
    role: ClassVar[Role] = "linear"

    axis: int = 0  # of a sample: 0 is the channels

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a Concat of computed values."""
        shapes = [node.shapes[i] for i in node.streams]
        if len(node.streams) != len(node.shapes) or shapes[0] is None:
            raise ModelError(
                node.name,
                f"{len(node.constants)} of {len(node.shapes)} inputs are constants",
                "concatenate computed values only",
            )
        return cls(axis=sample_axis(node, integer(node, "axis", 1), len(shapes[0])))

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Concat."""
        return (OnnxNode(kind="Concat", name="", attributes={"axis": self.axis + 1}),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the shape with the axis summed. Raises GraphError where another axis differs."""
        rest = {(*s[: self.axis], *s[self.axis + 1 :]) for s in inputs}
        if len(rest) != 1:
            raise GraphError("Concat", f"shapes {inputs} differ in more than axis {self.axis}")
        total = sum(s[self.axis] for s in inputs)
        return (*inputs[0][: self.axis], total, *inputs[0][self.axis + 1 :])

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return np.concatenate(inputs, axis=self.axis + 1)

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give one synapse an element of input `index`, to its place in the output."""
        shape = self.shape(*inputs)
        start = sum(s[self.axis] for s in inputs[:index])
        places = np.arange(prod(shape)).reshape(shape)
        taken = range(start, start + inputs[index][self.axis])
        post = np.take(places, taken, axis=self.axis).ravel()
        return synapses.Sparse(
            weight=readonly(np.ones(len(post), np.float32)),
            pre=readonly(np.arange(len(post))),
            post=readonly(post),
            pre_shape=volume(inputs[index]),
            post_shape=volume(shape),
        )
