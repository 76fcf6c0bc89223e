"""Scale and shift by constants: batch normalisation, and arithmetic with constants."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import constant, integer, number, stream
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import GraphError, ModelError
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Affine(Op):
    """y = scale x + shift, element by element.

    Both have as many axes as a sample: (channels, 1, 1) is one number a channel, (1, 1, 1) one.
    """

    onnx: ClassVar[tuple[str, ...]] = (
        "BatchNormalization",
        "Mul",
        "Add",
        "Sub",
        "Div",
        "Neg",
        "Where",
    )
    role: ClassVar[Role] = "linear"

    scale: Array  # broadcasts to the sample's shape
    shift: Array  # broadcasts to the sample's shape

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a batch normalisation, or arithmetic of a value and a constant.

        Sums of two values are left to `Sum`. Raises ModelError for products of two.
        """
        if node.kind == "BatchNormalization":
            return cls._from_normalization(node)
        one = np.ones((1,) * len(_stream(node)), np.float32)
        if node.kind == "Where":
            return cls._from_choice(node, one)
        if node.kind == "Neg":
            return cls(scale=readonly(-one), shift=readonly(0 * one))
        if len(node.streams) == 2:
            if node.kind in ("Add", "Sub"):
                return None
            raise ModelError(
                node.name,
                f"{node.kind} of two computed values is not linear",
                "use a network without gates or attention",
            )
        return cls._from_arithmetic(node, one)

    @classmethod
    def _from_arithmetic(cls, node: OnnxNode, one: Array) -> Op:
        reverse = 0 in node.constants
        given = constant(node, 0 if reverse else 1)
        if given is None:
            raise ModelError(node.name, "has one operand, two are needed", "repair the file")
        value = _aligned(node, given, _stream(node))
        match node.kind:
            case "Add":
                scale, shift = one, value
            case "Sub":
                scale, shift = (-one, value) if reverse else (one, -value)
            case "Mul":
                scale, shift = value, 0 * one
            case _:
                if reverse or not np.all(value):
                    wrong = "divides by a computed value" if reverse else "divides by 0"
                    raise ModelError(node.name, wrong, "divide by constants other than 0")
                scale, shift = 1 / value, 0 * one
        return cls(scale=readonly(scale), shift=readonly(shift))

    @classmethod
    def _from_choice(cls, node: OnnxNode, one: Array) -> Op:
        """Read a choice between two constants by a value that is 0 or 1."""
        high, low = constant(node, 1), constant(node, 2)
        if high is None or low is None or 0 in node.constants:
            wrong = "chooses between computed values"
            raise ModelError(node.name, wrong, "use a network without gates or attention")
        shape = _stream(node)
        above, below = (_aligned(node, each, shape) for each in (high, low))
        return cls(scale=readonly((above - below) * one), shift=readonly(below * one))

    @classmethod
    def _from_normalization(cls, node: OnnxNode) -> Op:
        if integer(node, "training_mode", 0):
            raise ModelError(node.name, "is in training mode", "export with model.eval()")
        if integer(node, "spatial", 1) == 0:
            raise ModelError(
                node.name, "spatial=0 normalises every position apart", "use spatial=1"
            )
        shape, parts = stream(node), [constant(node, i) for i in range(1, 5)]
        gamma, beta, mean, variance = (np.asarray(p, np.float64) for p in parts)
        if gamma.ndim != 1:
            raise ModelError(node.name, "lacks scale, bias, mean or variance", "repair the file")
        scale = gamma / np.sqrt(variance + number(node, "epsilon", 1e-5))
        ones = (1,) * (len(shape) - 1)
        return cls(
            scale=readonly(scale.reshape(-1, *ones).astype(np.float32)),
            shift=readonly((beta - mean * scale).reshape(-1, *ones).astype(np.float32)),
        )

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Mul, then an Add; what does nothing is left out, but one node stays."""
        mul = OnnxNode(kind="Mul", name="", constants={1: self.scale})
        add = OnnxNode(kind="Add", name="", constants={1: self.shift})
        if np.all(self.scale == 1):
            return (add,)
        return (mul, add) if np.any(self.shift) else (mul,)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the input's shape. Raises GraphError where a constant does not fit it."""
        (shape,) = inputs
        for given in (self.scale.shape, self.shift.shape):
            fits = len(given) == len(shape)
            if not fits or any(a not in (1, b) for a, b in zip(given, shape, strict=True)):
                raise GraphError(f"shape {shape}", f"a constant of shape {given} does not fit it")
        return shape

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        (x,) = inputs
        y: Array = x * self.scale + self.shift
        return y

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give the scale: one synapse an element."""
        shape = volume(inputs[0])
        if self.scale.size in (1, shape[0]) and self.scale.shape[0] == self.scale.size:
            weight = np.broadcast_to(self.scale.reshape(-1), shape[:1]).reshape(-1, 1, 1, 1)
            return synapses.Conv(weight=readonly(weight), pre_shape=shape, groups=shape[0])
        each = readonly(np.arange(prod(shape)))
        flat = np.broadcast_to(self.scale, inputs[0]).reshape(-1)
        return synapses.Sparse(
            weight=readonly(flat), pre=each, post=each, pre_shape=shape, post_shape=shape
        )


def _stream(node: OnnxNode) -> Shape:
    """Give the shape of the operand that the network computes."""
    for index in node.streams:
        shape = node.shapes[index]
        if shape is not None:
            return shape
    raise ModelError(node.name, "computes a constant", "fold the constants of the model")


def _aligned(node: OnnxNode, value: Array, shape: Shape) -> Array:
    """Give a constant as many axes as a sample has. Raises ModelError where that fails."""
    axes = len(shape)
    whole = value.reshape((1,) * max(0, axes - value.ndim) + value.shape)
    inner = whole.reshape(whole.shape[1:]) if whole.ndim == axes + 1 and len(whole) == 1 else whole
    if inner.ndim == axes and all(a in (1, b) for a, b in zip(inner.shape, shape, strict=True)):
        return inner
    raise ModelError(
        node.name,
        f"a constant of shape {value.shape} does not fit a sample of shape {shape}",
        "use a constant that broadcasts to one sample",
    )
