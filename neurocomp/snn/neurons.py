"""The closed set of neuron models, each with its equations.

A model is a pure function of one step: state and drive in, state and spikes out. Spikes are 0 or 1,
those of graded neurons whole numbers. Arrays carry the samples on their first axis; the state of a
population is (samples, channels, rows, columns), for a gate with one more axis for its taps.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.estimates import Average, Estimate
from neurocomp.snn.membrane import Membrane, held
from neurocomp.snn.random import BITS, draws

Reset = Literal["subtract", "zero", "always"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class IntegrateAndFire:
    """v += drive; a spike where v >= v_threshold; then v -= v_threshold, or v = 0.

    Reset "always" puts v to 0 after every step, fired or not: a neuron without memory, as those of
    binary networks, whose threshold may be 0. Source: Rueckauer et al. 2017, equations 2 to 4.
    """

    v_threshold: Array  # (channels, rows, columns)
    reset: Reset = "subtract"
    membrane: Membrane | None = None  # None: no sum leaves it

    def step(self, v: Array, drive: Array) -> tuple[Array, Array]:
        """Advance `v` by one step of `drive`; give the new v and the spikes as 0 and 1."""
        v = held(v + drive, self.membrane)
        fired = v >= self.v_threshold
        if self.reset == "subtract":
            return np.where(fired, v - self.v_threshold, v), fired
        return np.where(fired | (self.reset == "always"), np.zeros_like(v), v), fired


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Accumulator:
    """v += drive, and never a spike: the readout, whose class is the argmax of v.

    Source: Rueckauer et al. 2017, the softmax layer that reads the membrane.
    """

    membrane: Membrane | None = None  # None: no sum leaves it

    def step(self, v: Array, drive: Array) -> tuple[Array, Array]:
        """Advance `v` by one step of `drive`; no neuron fires."""
        v = held(v + drive, self.membrane)
        return v, np.zeros(v.shape, dtype=bool)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MaxGate:
    """Spiking max pooling: pass on the spikes of the tap whose rate is estimated highest.

    The estimate counts this step's spikes, too; of equal taps the first wins.
    Source: Rueckauer et al. 2017, section 2.2.6.
    """

    estimate: Estimate = field(default_factory=Average)

    def step(self, state: Array, taps: Array) -> tuple[Array, Array]:
        """Advance the estimate by `taps`, (samples, channels, rows, columns, taps)."""
        state, rates = self.estimate.update(state, taps)
        winner = np.argmax(rates, axis=-1)[..., None]
        return state, np.take_along_axis(taps, winner, axis=-1)[..., 0] > 0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MaxIntegrateAndFire:
    """Max pooling of accumulated drive: a neuron whose fullest compartment counts.

    Each tap of the window is a compartment: v += drive. The neuron fires where the greatest v has
    reached the threshold, and then every compartment gives it up: v -= v_threshold. So the rate is
    that of the pooled pre-activation, whatever its taps' spikes would have been; what a tap of
    padding adds is nothing, as for a ReLU.
    """

    v_threshold: Array  # (channels, rows, columns, taps), the same for all taps of a neuron
    membrane: Membrane | None = None  # of each tap; None: no sum leaves it

    def step(self, v: Array, drive: Array) -> tuple[Array, Array]:
        """Advance `v` by `drive`, both (samples, channels, rows, columns, taps)."""
        v = held(v + drive, self.membrane)
        fired: Array = np.any(v >= self.v_threshold, axis=-1)
        return held(np.where(fired[..., None], v - self.v_threshold, v), self.membrane), fired


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Poisson:
    """Input spikes at random: each step one with the probability drive / 2^16. v counts the steps.

    Source: Rueckauer et al. 2017, section 2.2.4. The host draws them, see `random.py`.
    """

    seed: int

    def step(self, v: Array, drive: Array) -> tuple[Array, Array]:
        """Advance the count `v`; give the spikes of one step."""
        v = v + 1
        return v, draws(self.seed, drive, int(v.flat[0])) < drive


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Recorded:
    """Spikes recorded from a population that is not simulated again. v counts the steps."""

    spikes: Array  # bool (samples, steps, channels, rows, columns)

    def step(self, v: Array, drive: Array) -> tuple[Array, Array]:
        """Advance the count `v`; give the spikes of one step."""
        fired: Array = self.spikes[:, int(v.flat[0])]
        return v + 1, fired


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Graded:
    """v = drive, and every step the message floor(v / quantum + 1/2), a whole number, 0 included.

    No memory and no threshold: what it gets it passes on in the same step, rounded to multiples of
    `quantum`, a power of two. Messages may be negative; weights out of it are per unit of one.
    """

    quantum: float

    def step(self, v: Array, drive: Array) -> tuple[Array, Array]:
        """Replace `v` by one step's drive; give it and the messages, int64."""
        return drive, np.floor(drive / self.quantum + 0.5).astype(np.int64)


FULL = 2**BITS  # the drive of a Poisson neuron that fires in every step

Given = Poisson | Recorded  # whose spikes the host sends
Neuron = IntegrateAndFire | Accumulator | MaxGate | MaxIntegrateAndFire | Given | Graded
Integrating = IntegrateAndFire | Accumulator | MaxIntegrateAndFire  # with sums that are kept
NoMembrane = MaxGate | MaxIntegrateAndFire | Given  # whose state is not one membrane a neuron
