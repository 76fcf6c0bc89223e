"""A rectifier and max pooling in one, which a neuron can do on its accumulated drive."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurocomp.ann.op import OnnxNode, Op, Role
from neurocomp.ann.ops.clip import Clip
from neurocomp.ann.ops.max_pool import MaxPool
from neurocomp.ann.ops.relu import Relu
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.snn import synapses
from neurocomp.snn.neurons import MaxIntegrateAndFire, Neuron


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MaxRelu(Op):
    """y = max over the window of relu(x), clipped where the rectifier clips.

    No file holds it: a pass makes it of the two.
    """

    onnx: ClassVar[tuple[str, ...]] = ()
    role: ClassVar[Role] = "neuron"

    rectifier: Relu | Clip
    pool: MaxPool

    @property
    def maximum(self) -> float | Array:
        """Give the ceiling; infinite where there is none."""
        return self.rectifier.maximum if isinstance(self.rectifier, Clip) else np.inf

    def to_onnx(self) -> tuple[OnnxNode, ...]:
        """Write both."""
        return (*self.rectifier.to_onnx(), *self.pool.to_onnx())

    def shape(self, *inputs: Shape) -> Shape:
        """Give (channels, *windows)."""
        return self.pool.shape(*inputs)

    def run(self, *inputs: Array) -> Array:
        """Compute the output, batch first."""
        return self.pool.run(self.rectifier.run(*inputs))

    def wiring(self, index: int, *inputs: Shape) -> synapses.Synapse:
        """Give the windows over the drive."""
        return self.pool.wiring(index, *inputs)

    def neuron(self, unit: Array) -> Neuron:
        """Give neurons of threshold 1 with a compartment for each tap."""
        return MaxIntegrateAndFire(v_threshold=readonly(np.ones(unit.shape)))
