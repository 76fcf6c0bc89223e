"""The rectifier with a ceiling: ReLU6."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.attributes import constant, number
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import ModelError
from neurocomp.snn.neurons import IntegrateAndFire, Neuron

LIMITLESS = 3.4e38  # exporters write the largest float32 where there is no limit


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Clip(Op):
    """y = min(maximum, max(0, x)).

    A neuron cannot fire more than once a step, so a unit of at most `maximum` is the ceiling. No
    file holds a ceiling for each channel: a pass makes it where neurons share a range.
    """

    onnx: ClassVar[tuple[str, ...]] = ("Clip",)
    role: ClassVar[Role] = "neuron"

    maximum: float | Array  # one for all, or one a channel that broadcasts to the sample

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read a Clip with minimum 0. Raises ModelError for other limits."""
        low, high = limits(node)
        if low != 0 or high <= 0:
            raise ModelError(
                node.name,
                f"clips to [{low:g}, {high:g}], a neuron clips to 0 and a positive maximum",
                "use ReLU or ReLU6",
            )
        return None if high == np.inf else cls(maximum=high)

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write a Clip, with its limits as inputs; of a limit a channel a Relu, then a Min."""
        if np.ndim(self.maximum):
            ceiling = {1: np.asarray(self.maximum, np.float32)}
            return OnnxNode(kind="Relu", name=""), OnnxNode(kind="Min", name="", constants=ceiling)
        constants = {1: np.asarray(0, np.float32), 2: np.asarray(self.maximum, np.float32)}
        return (OnnxNode(kind="Clip", name="", constants=constants),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the input's shape."""
        return inputs[0]

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        (x,) = inputs
        y: Array = np.minimum(np.maximum(x, 0), np.asarray(self.maximum, x.dtype))
        return y

    def neuron(self, unit: Array) -> Neuron:
        """Give integrate-and-fire neurons of threshold 1."""
        return IntegrateAndFire(v_threshold=readonly(np.ones(unit.shape)))


def limits(node: OnnxNode) -> tuple[float, float]:
    """Give the limits of a Clip: attributes before operator set 11, inputs since; else infinite."""
    low, high = constant(node, 1), constant(node, 2)
    least = number(node, "min", -np.inf) if low is None else float(low.reshape(()))
    most = number(node, "max", np.inf) if high is None else float(high.reshape(()))
    return (least if least > -LIMITLESS else -np.inf), (most if most < LIMITLESS else np.inf)
