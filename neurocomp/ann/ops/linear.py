"""A fully connected layer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import constant, integer, number, stream
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import GraphError, ModelError
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Linear(Op):
    """y = W x + b, of features."""

    onnx: ClassVar[tuple[str, ...]] = ("Gemm", "MatMul")
    role: ClassVar[Role] = "linear"

    weight: Array  # (out, in)
    bias: Array  # (out,)

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a Gemm, or a MatMul by a constant on the right."""
        shape, weight = stream(node), constant(node, 1)
        if weight is None or weight.ndim != 2 or len(shape) != 1:
            raise ModelError(
                node.name,
                f"multiplies values of shape {shape} by weights of shape "
                f"{None if weight is None else weight.shape}, features by a matrix can be placed",
                "flatten the value before it",
            )
        if node.kind == "MatMul":
            return cls(
                weight=readonly(weight.T), bias=readonly(np.zeros(weight.shape[1], weight.dtype))
            )
        return cls._from_gemm(node, weight)

    @classmethod
    def _from_gemm(cls, node: OnnxNode, weight: Array) -> Op:
        if integer(node, "transA", 0):
            raise ModelError(node.name, "transA mixes the samples of a batch", "set transA to 0")
        matrix = weight if integer(node, "transB", 0) else weight.T
        alpha, beta = number(node, "alpha", 1.0), number(node, "beta", 1.0)
        shift = constant(node, 2)
        bias = np.zeros(1, weight.dtype) if shift is None else shift
        if bias.ndim > 1 and bias.shape[0] != 1:
            raise ModelError(
                node.name, f"adds another bias to each of {bias.shape[0]} samples", "use one bias"
            )
        flat = np.broadcast_to(bias.reshape(-1), (len(matrix),))
        return cls(
            weight=readonly(matrix if alpha == 1 else (matrix * alpha).astype(weight.dtype)),
            bias=readonly(flat if beta == 1 else (flat * beta).astype(weight.dtype)),
        )

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Gemm."""
        constants = {1: self.weight, 2: self.bias}
        return (OnnxNode(kind="Gemm", name="", attributes={"transB": 1}, constants=constants),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give (out,). Raises GraphError where the features do not fit."""
        if inputs[0] != self.weight.shape[1:]:
            wrong = f"is not the {self.weight.shape[1:]} that the weights take"
            raise GraphError(f"shape {inputs[0]}", wrong, "flatten the value before it")
        return (len(self.weight),)

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        (x,) = inputs
        drive = x.astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias
        return drive.astype(np.result_type(x, self.weight))

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give the matrix without its bias."""
        return synapses.Dense(
            weight=self.weight, pre_shape=volume(inputs[0]), post_shape=(len(self.weight), 1, 1)
        )
