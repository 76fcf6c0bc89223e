"""Another shape for the same elements in the same order."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import constant, integer, sample_axis, settled, stream
from neurocomp.arrays import Array, Shape
from neurocomp.errors import GraphError, ModelError


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reshape(Op):
    """y = x in another shape, in row-major order."""

    onnx: ClassVar[tuple[str, ...]] = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
    role: ClassVar[Role] = "view"

    target: tuple[int, ...]  # of a sample

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a change of shape that leaves the batch first. Raises ModelError for another."""
        readers = {"Flatten": _flatten, "Reshape": _reshape, "Squeeze": _squeeze}
        return cls(target=readers.get(node.kind, _unsqueeze)(node, stream(node)))

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Reshape that copies the batch."""
        shape = np.array([0, *self.target], np.int64)
        return (OnnxNode(kind="Reshape", name="", constants={1: shape}),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the target. Raises GraphError where it has another number of elements."""
        if prod(inputs[0]) != prod(self.target):
            wrong = f"has {prod(inputs[0])} elements, {self.target} has {prod(self.target)}"
            raise GraphError(f"shape {inputs[0]}", wrong)
        return self.target

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return inputs[0].reshape(len(inputs[0]), *self.target)


def _flatten(node: OnnxNode, shape: Shape) -> Shape:
    axis = integer(node, "axis", 1)
    whole = axis + len(shape) + 1 if axis < 0 else axis
    if whole != 1:
        wrong = f"flattens at axis {axis}, which mixes samples with features"
        raise ModelError(node.name, wrong, "flatten at axis 1")
    return (prod(shape),)


def _reshape(node: OnnxNode, shape: Shape) -> Shape:
    given = constant(node, 1)
    if given is None:
        raise ModelError(node.name, "has no shape", "repair the file")
    target = [int(n) for n in given.ravel()]
    copies = not integer(node, "allowzero", 0)
    for i, n in enumerate(target[1:], 1):
        if n == 0 and copies and i <= len(shape):
            target[i] = shape[i - 1]
    rest = target[1:]
    if -1 in rest and target[0] != -1:
        known = prod(n for n in rest if n != -1)
        rest[rest.index(-1)] = prod(shape) // known if known else 0
    if prod(rest) != prod(shape):
        raise ModelError(
            node.name,
            f"shape {tuple(target)} mixes samples: {prod(rest)} elements a row, "
            f"a sample has {prod(shape)}",
            "keep the batch as the first axis",
        )
    return tuple(rest)


def _squeeze(node: OnnxNode, shape: Shape) -> Shape:
    given = settled(node, 1, "axes")
    if given is None:
        return tuple(n for n in shape if n != 1)
    axes = [sample_axis(node, a, len(shape)) for a in given]
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def _unsqueeze(node: OnnxNode, shape: Shape) -> Shape:
    given = settled(node, 1, "axes") or ()
    rank = len(shape) + len(given)
    axes = {sample_axis(node, a, rank) for a in given}
    rest = iter(shape)
    return tuple(1 if i in axes else next(rest) for i in range(rank))
