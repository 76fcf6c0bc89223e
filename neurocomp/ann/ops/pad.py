"""Padding with zeros."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import constant, number, sample_axis, settled, stream, text
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import ModelError
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pad(Op):
    """y = x with zeros before and after each axis of a sample."""

    onnx: ClassVar[tuple[str, ...]] = ("Pad",)
    role: ClassVar[Role] = "linear"

    before: tuple[int, ...]  # zeros before each axis of a sample
    after: tuple[int, ...]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a Pad. Raises ModelError unless it adds zeros, and to samples only."""
        shape, mode = stream(node), text(node, "mode", "constant")
        pads, filled = settled(node, 1, "pads"), constant(node, 2)
        value = number(node, "value", 0.0) if filled is None else float(filled.ravel()[0])
        if pads is None or mode != "constant" or value != 0:
            wrong = f"pads with mode {mode!r} and value {value:g}, zeros can be placed"
            raise ModelError(node.name, wrong, "pad with zeros")
        begins, ends = _spread(node, pads, len(shape))
        if begins[0] or ends[0] or min(*begins, *ends) < 0:
            wrong = f"pads {pads} change the batch or cut values off"
            raise ModelError(node.name, wrong, "pad samples by 0 or more")
        return cls(before=begins[1:], after=ends[1:])

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Pad, with its pads as an input."""
        pads = np.array([0, *self.before, 0, *self.after], np.int64)
        return (OnnxNode(kind="Pad", name="", constants={1: pads}),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the padded shape."""
        sizes = zip(self.before, inputs[0], self.after, strict=True)
        return tuple(map(sum, sizes))

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return np.pad(inputs[0], ((0, 0), *zip(self.before, self.after, strict=True)))

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give a padded 1 x 1 convolution; single synapses where channels are added."""
        (shape,) = inputs
        pre = volume(shape)
        if self.before[0] == self.after[0] == 0:
            top, left = (0, 0, *self.before[1:])[-2:]
            bottom, right = (0, 0, *self.after[1:])[-2:]
            weight = readonly(np.ones((pre[0], 1, 1, 1), np.float32))
            pads = (top, left, bottom, right)
            return synapses.Conv(weight=weight, pre_shape=pre, pads=pads, groups=pre[0])
        after = self.shape(shape)
        inner = tuple(slice(b, b + n) for b, n in zip(self.before, shape, strict=True))
        post = np.arange(prod(after)).reshape(after)[inner].ravel()
        return synapses.Sparse(
            weight=readonly(np.ones(len(post), np.float32)),
            pre=readonly(np.arange(len(post))),
            post=readonly(post),
            pre_shape=pre,
            post_shape=volume(after),
        )


def _spread(
    node: OnnxNode, pads: tuple[int, ...], rank: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give begins and ends for the batch and all `rank` axes; an `axes` input names fewer."""
    named = settled(node, 3, "axes")
    axes = range(rank + 1)
    if named is not None:
        axes_of = [0 if a in (0, -rank - 1) else sample_axis(node, a, rank) + 1 for a in named]
    begins, ends = [0] * (rank + 1), [0] * (rank + 1)
    half = len(pads) // 2
    for place, axis in enumerate(axes if named is None else axes_of):
        begins[axis], ends[axis] = pads[place], pads[place + half]
    return tuple(begins), tuple(ends)
