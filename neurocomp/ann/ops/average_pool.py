"""Average pooling."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import integer, integers, stream
from neurocomp.ann.ops.geometry import Geometry, read_geometry
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume, whole
from neurocomp.snn.windows import Axis


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AveragePool(Op):
    """y = the mean over each window; padding counts as zeros, or not at all."""

    onnx: ClassVar[tuple[str, ...]] = ("AveragePool",)
    role: ClassVar[Role] = "linear"

    kernel: tuple[int, ...]
    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0)  # begins, then ends
    dilations: tuple[int, ...] = (1, 1)
    ceil: bool = False
    count_pads: bool = False

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read an AveragePool."""
        geometry = read_geometry(node, integers(node, "kernel_shape", ()), stream(node))
        return cls(
            kernel=geometry.kernel,
            strides=geometry.strides,
            pads=geometry.pads,
            dilations=geometry.dilations,
            ceil=geometry.ceil,
            count_pads=bool(integer(node, "count_include_pad", 0)),
        )

    @property
    def geometry(self) -> Geometry:
        """Give the windows' geometry."""
        return Geometry(
            kernel=self.kernel,
            strides=self.strides,
            pads=self.pads,
            dilations=self.dilations,
            ceil=self.ceil,
        )

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write an AveragePool; dilations only where there are any, older sets have none."""
        attributes = self.geometry.onnx()
        if set(self.dilations) == {1}:
            del attributes["dilations"]
        modes = {"ceil_mode": int(self.ceil), "count_include_pad": int(self.count_pads)}
        return (OnnxNode(kind="AveragePool", name="", attributes={**attributes, **modes}),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give (channels, *windows)."""
        return self.geometry.output(inputs[0][0], inputs[0])

    def counts(self, shape: Shape) -> Array:
        """Count the elements that each window's sum is divided by, (rows, columns)."""
        windows = self.geometry.windows(shape)
        pads = (0, *self.pads[:1], 0, *self.pads[1:]) if len(self.kernel) == 1 else self.pads
        rows = self._counted(windows.rows, pads[0], pads[2])
        return np.outer(rows, self._counted(windows.columns, pads[1], pads[3]))

    def _counted(self, axis: Axis, before: int, after: int) -> Array:
        low, high = (-before, axis.size + after) if self.count_pads else (0, axis.size)
        positions = axis.positions((0, axis.count))
        counted: Array = ((positions >= low) & (positions < high)).sum(axis=1)
        return counted

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        (x,) = inputs
        shape = self.shape(x.shape[1:])
        flat = x.reshape(len(x), *volume(x.shape[1:])).astype(np.float64)
        sums = self.geometry.windows(x.shape[1:]).view(flat).sum(axis=(-2, -1))
        means: Array = sums / self.counts(x.shape[1:])
        return means.reshape(len(x), *shape).astype(x.dtype)

    def window(self, shape: Shape) -> synapses.Window:
        """Give the windows that are averaged."""
        strides, pads = self.geometry.planar(shape)
        return synapses.Window(
            pre_shape=volume(shape),
            kernel=self.geometry.planar_kernel,
            strides=strides,
            pads=pads,
            dilations=self.geometry.planar_dilations,
        )

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give a depthwise convolution; single synapses where windows average unequal counts."""
        shape, counts = volume(inputs[0]), self.counts(inputs[0])
        window = self.window(inputs[0])
        if np.all(counts == counts[0, 0]):
            weight = np.full((shape[0], 1, *window.kernel), 1 / counts[0, 0])
            return synapses.Conv(
                weight=readonly(weight),
                pre_shape=shape,
                strides=window.strides,
                pads=window.pads,
                dilations=window.dilations,
                groups=shape[0],
            )
        edges = window.edges(whole(window.post_shape))
        return synapses.Sparse(
            weight=readonly(1 / counts.ravel()[edges.post % prod(counts.shape)]),
            pre=readonly(edges.pre),
            post=readonly(edges.post),
            pre_shape=shape,
            post_shape=window.post_shape,
        )
