"""Means over whole axes."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import integer, sample_axis, settled, stream
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import ModelError
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GlobalAveragePool(Op):
    """y = the mean over whole axes of a sample, by default all positions of each channel."""

    onnx: ClassVar[tuple[str, ...]] = ("GlobalAveragePool", "ReduceMean")
    role: ClassVar[Role] = "linear"

    axes: tuple[int, ...] = (1, 2)  # of a sample, ascending
    keep_axes: bool = True  # with length 1

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a GlobalAveragePool or a ReduceMean that leaves the batch alone."""
        rank = len(stream(node))
        if node.kind == "GlobalAveragePool":
            return cls(axes=tuple(range(1, rank)))
        given = settled(node, 1, "axes")
        if not given:
            if given is not None and integer(node, "noop_with_empty_axes", 0):
                raise ModelError(node.name, "averages over no axis", "remove the node")
            raise ModelError(node.name, "averages over all axes, the batch too", "name the axes")
        axes = sorted({sample_axis(node, a, rank) for a in given})
        return cls(axes=tuple(axes), keep_axes=bool(integer(node, "keepdims", 1)))

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a ReduceMean, with its axes as an input."""
        axes = np.array([a + 1 for a in self.axes], np.int64)
        attributes = {"keepdims": int(self.keep_axes)}
        constants = {1: axes}
        return (OnnxNode(kind="ReduceMean", name="", attributes=attributes, constants=constants),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the shape with the averaged axes 1, or gone."""
        if self.keep_axes:
            return tuple(1 if i in self.axes else n for i, n in enumerate(inputs[0]))
        return tuple(n for i, n in enumerate(inputs[0]) if i not in self.axes)

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        (x,) = inputs
        axes = tuple(a + 1 for a in self.axes)
        mean: Array = x.mean(axis=axes, keepdims=True, dtype=np.float64)
        return mean.astype(x.dtype).reshape(len(x), *self.shape(x.shape[1:]))

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give one depthwise window over all positions; single synapses for other axes."""
        (shape,) = inputs
        pre, share = volume(shape), 1 / prod(shape[a] for a in self.axes)
        if self.axes == tuple(range(1, len(shape))):
            weight = np.full((pre[0], 1, *pre[1:]), share)
            return synapses.Conv(weight=readonly(weight), pre_shape=pre, groups=pre[0])
        kept = tuple(1 if i in self.axes else n for i, n in enumerate(shape))
        post = np.broadcast_to(np.arange(prod(kept)).reshape(kept), shape).ravel()
        order = np.argsort(post, kind="stable")
        return synapses.Sparse(
            weight=readonly(np.full(len(post), share)),
            pre=readonly(order),
            post=readonly(post[order]),
            pre_shape=pre,
            post_shape=volume(self.shape(shape)),
        )
