"""A place where a linear value gets neurons of its own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.snn.neurons import Graded, IntegrateAndFire, Neuron

QUANTUM = 2.0**-10  # of a graded message, as a share of what the value's unit stands for


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Relay(Op):
    """y = x, sent on by neurons: a pair of on and off neurons, or one graded neuron.

    No model holds it: a pass puts it where composing the linear operators around it costs more.
    """

    onnx: ClassVar[tuple[str, ...]] = ()
    role: ClassVar[Role] = "neuron"

    graded: bool

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Op | None:
        """Read nothing."""
        return None

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write an Identity."""
        return (OnnxNode(kind="Identity", name=""),)

    def shape(self, *inputs: Shape) -> Shape:
        """Give the input's shape."""
        return inputs[0]

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return inputs[0]

    def neuron(self, unit: Array) -> Neuron:
        """Give graded neurons, or those of one half of a pair, of threshold 1."""
        if self.graded:
            return Graded(quantum=QUANTUM)
        return IntegrateAndFire(v_threshold=readonly(np.ones(unit.shape)))
