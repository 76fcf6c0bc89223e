"""Convolution over one or two axes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import constant, integer, stream
from neurocomp.ann.ops.geometry import Geometry, read_geometry
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import GraphError, ModelError
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Conv(Op):
    """y = W ⋆ x + b: cross-correlation, one bias a channel."""

    onnx: ClassVar[tuple[str, ...]] = ("Conv",)
    role: ClassVar[Role] = "linear"

    weight: Array  # (channels out, channels in / groups, *kernel)
    bias: Array  # (channels out,)
    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0)  # begins, then ends
    dilations: tuple[int, ...] = (1, 1)
    groups: int = 1

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a Conv whose weights are constant."""
        shape, weight, bias = stream(node), constant(node, 1), constant(node, 2)
        if weight is None:
            raise ModelError(node.name, "has no weights", "repair the file")
        geometry = read_geometry(node, weight.shape[2:], shape)
        return cls(
            weight=readonly(weight),
            bias=readonly(np.zeros(len(weight), weight.dtype) if bias is None else bias),
            strides=geometry.strides,
            pads=geometry.pads,
            dilations=geometry.dilations,
            groups=integer(node, "group", 1),
        )

    @property
    def geometry(self) -> Geometry:
        """Give the windows' geometry."""
        return Geometry(
            kernel=self.weight.shape[2:],
            strides=self.strides,
            pads=self.pads,
            dilations=self.dilations,
        )

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Conv."""
        attributes = {**self.geometry.onnx(), "group": self.groups}
        constants = {1: self.weight, 2: self.bias}
        return (OnnxNode(kind="Conv", name="", attributes=attributes, constants=constants),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give (channels out, *windows). Raises GraphError where the channels do not fit."""
        if inputs[0][0] != self.weight.shape[1] * self.groups:
            wrong = f"has {inputs[0][0]} channels, the weights take"
            raise GraphError(f"shape {inputs[0]}", f"{wrong} {self.weight.shape[1] * self.groups}")
        return self.geometry.output(len(self.weight), inputs[0])

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        (x,) = inputs
        shape, dtype = self.shape(x.shape[1:]), np.result_type(x, self.weight)
        drive = self.wiring(0, x.shape[1:]).apply(x.reshape(len(x), *volume(x.shape[1:])))
        biased = drive + self.bias[:, None, None]
        return biased.reshape(len(x), *shape).astype(dtype)

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give the convolution without its bias."""
        strides, pads = self.geometry.planar(inputs[0])
        return synapses.Conv(
            weight=readonly(
                self.weight.reshape(*self.weight.shape[:2], *self.geometry.planar_kernel)
            ),
            pre_shape=volume(inputs[0]),
            strides=strides,
            pads=pads,
            dilations=self.geometry.planar_dilations,
            groups=self.groups,
        )
