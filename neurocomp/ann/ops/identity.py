"""Operators that change nothing in a trained network."""

from dataclasses import dataclass
from typing import ClassVar

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import constant, integer, stream
from neurocomp.arrays import Array, Shape
from neurocomp.errors import ModelError

FLOATS = (1, 10, 11, 16)  # TensorProto's FLOAT, FLOAT16, DOUBLE, BFLOAT16


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Identity(Op):
    """y = x."""

    onnx: ClassVar[tuple[str, ...]] = ("Identity", "Dropout", "Cast")
    role: ClassVar[Role] = "view"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read an Identity, a Dropout of inference, or a Cast between floats."""
        stream(node)
        if node.kind == "Cast" and integer(node, "to", 0) not in FLOATS:
            wrong = f"casts to type {integer(node, 'to', 0)}, which is not a float"
            raise ModelError(node.name, wrong, "export the float network")
        if node.kind == "Dropout":
            training = constant(node, 2)
            if training is not None and bool(training.ravel()[0]):
                raise ModelError(node.name, "drops values at random", "export with model.eval()")
        return cls()

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write an Identity."""
        return (OnnxNode(kind="Identity", name=""),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the input's shape."""
        return inputs[0]

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return inputs[0]
