"""The closed set of neuron models, each with its equations.

A model is a pure function of one step: state and drive in, state and spikes out. Arrays carry the
samples on their first axis; the state of a population is (samples, channels, rows, columns), for a
gate with one more axis for its taps.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurocomp.arrays import Array

Reset = Literal["subtract", "zero"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class IntegrateAndFire:
    """v += drive; a spike where v >= v_threshold; then v -= v_threshold, or v = 0.

    Source: Rueckauer et al. 2017, equations 2 to 4.
    """

    v_threshold: Array  # (channels, rows, columns)
    reset: Reset = "subtract"

    def step(self, v: Array, drive: Array) -> tuple[Array, Array]:
        """Advance `v` by one step of `drive`; give the new v and the spikes as 0 and 1."""
        v = v + drive
        fired = v >= self.v_threshold
        rest = v - self.v_threshold if self.reset == "subtract" else np.zeros_like(v)
        return np.where(fired, rest, v), fired


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Accumulator:
    """v += drive, and never a spike: the readout, whose class is the argmax of v.

    Source: Rueckauer et al. 2017, the softmax layer that reads the membrane.
    """

    def step(self, v: Array, drive: Array) -> tuple[Array, Array]:
        """Advance `v` by one step of `drive`; no neuron fires."""
        v = v + drive
        return v, np.zeros(v.shape, dtype=bool)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MaxGate:
    """Spiking max pooling: pass on the spikes of the tap that has fired most so far.

    The state counts each tap's spikes, this step's included; of equal taps the first wins.
    Source: Rueckauer et al. 2017, section 2.2.6, gate by the online average of the rate.
    """

    def step(self, counts: Array, taps: Array) -> tuple[Array, Array]:
        """Advance `counts` by `taps`, both (samples, channels, rows, columns, taps)."""
        counts = counts + taps
        winner = np.argmax(counts, axis=-1)[..., None]
        return counts, np.take_along_axis(taps, winner, axis=-1)[..., 0] > 0


Neuron = IntegrateAndFire | Accumulator | MaxGate
