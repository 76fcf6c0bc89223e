"""Permutation of axes."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import integers, stream
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import ModelError
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Transpose(Op):
    """y = x with the axes of a sample in another order."""

    onnx: ClassVar[tuple[str, ...]] = ("Transpose",)
    role: ClassVar[Role] = "linear"

    order: tuple[int, ...]  # axis i of the output is axis order[i] of the input; without the batch

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a Transpose. Raises ModelError where the batch moves."""
        rank = len(stream(node)) + 1
        order = integers(node, "perm", tuple(reversed(range(rank))))
        if order[0] != 0:
            wrong = f"perm {order} moves the batch from axis 0 to axis {order.index(0)}"
            raise ModelError(node.name, wrong, "keep the batch first")
        return cls(order=tuple(a - 1 for a in order[1:]))

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Transpose."""
        perm = (0, *(a + 1 for a in self.order))
        return (OnnxNode(kind="Transpose", name="", attributes={"perm": perm}),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the permuted shape."""
        return tuple(inputs[0][a] for a in self.order)

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return inputs[0].transpose(0, *(a + 1 for a in self.order))

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give one synapse an element, to its new place."""
        (shape,) = inputs
        pre = np.arange(prod(shape)).reshape(shape).transpose(self.order).ravel()
        return synapses.Sparse(
            weight=readonly(np.ones(len(pre), np.float32)),
            pre=readonly(pre),
            post=readonly(np.arange(len(pre))),
            pre_shape=volume(shape),
            post_shape=volume(self.shape(shape)),
        )
