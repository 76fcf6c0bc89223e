"""Max pooling."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import integers, stream
from neurocomp.ann.ops.geometry import Geometry, read_geometry
from neurocomp.arrays import Array, Shape
from neurocomp.snn import synapses
from neurocomp.snn.boxes import volume
from neurocomp.snn.neurons import MaxGate, Neuron
from neurocomp.snn.windows import Axis, Windows


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MaxPool(Op):
    """y = the largest of each window; padding never wins."""

    onnx: ClassVar[tuple[str, ...]] = ("MaxPool",)
    role: ClassVar[Role] = "neuron"

    kernel: tuple[int, ...]
    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0)  # begins, then ends
    dilations: tuple[int, ...] = (1, 1)
    ceil: bool = False

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a MaxPool."""
        geometry = read_geometry(node, integers(node, "kernel_shape", ()), stream(node))
        return cls(
            kernel=geometry.kernel,
            strides=geometry.strides,
            pads=geometry.pads,
            dilations=geometry.dilations,
            ceil=geometry.ceil,
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
        """Write a MaxPool."""
        attributes = {**self.geometry.onnx(), "ceil_mode": int(self.ceil)}
        return (OnnxNode(kind="MaxPool", name="", attributes=attributes),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give (channels, *windows)."""
        return self.geometry.output(inputs[0][0], inputs[0])

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        (x,) = inputs
        shape, planes = self.shape(x.shape[1:]), x.reshape(len(x), *volume(x.shape[1:]))
        windows = self.geometry.windows(x.shape[1:])
        rows, columns = windows.rows, windows.columns
        margins = ((rows.before, rows.after), (columns.before, columns.after))
        padded = np.pad(planes, ((0, 0), (0, 0), *margins), constant_values=-np.inf)
        largest: Array = Windows(_bare(rows), _bare(columns)).view(padded).max(axis=(-2, -1))
        return largest.reshape(len(x), *shape)

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give the windows whose taps a gate compares."""
        strides, pads = self.geometry.planar(inputs[0])
        return synapses.Window(
            pre_shape=volume(inputs[0]),
            kernel=self.geometry.planar_kernel,
            strides=strides,
            pads=pads,
            dilations=self.geometry.planar_dilations,
        )

    def neuron(self, unit: Array) -> Neuron:
        """Give gates that pass on the most active tap."""
        return MaxGate()


def _bare(axis: Axis) -> Axis:
    """Give the same windows over an axis whose padding is there already."""
    size = axis.size + axis.before + axis.after
    return Axis(size, axis.kernel, axis.stride, 0, 0, axis.dilation)
