"""How a max-pooling gate estimates the rate of each of its taps. All are exact in integers.

An estimate's state has the axes (samples, channels, rows, columns, taps), and maybe one more.
Source: Rueckauer et al. 2017, section 2.2.6, which names the three.
"""

from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """Online average: the spikes so far, of which all taps have had the same time."""

    def rest(self, shape: Shape) -> Array:
        """Give the state before the first step, for taps of `shape`."""
        return np.zeros(shape, dtype=np.int64)

    def update(self, state: Array, taps: Array) -> tuple[Array, Array]:
        """Take in one step's spikes, (..., taps); give the new state and the estimates."""
        counts = state + taps
        return counts, counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """Exponentially weighted average: R = (1 - 2^-shift) R + x, in units of 2^-16.

    What the shift drops is dropped in every simulator; a tap that always fires comes to 2^shift.
    (The authors' toolbox computes 1.005 R + 0.995 x, which grows without end.)
    """

    shift: int = 3

    def rest(self, shape: Shape) -> Array:
        """Give the state before the first step, for taps of `shape`."""
        return np.zeros(shape, dtype=np.int64)

    def update(self, state: Array, taps: Array) -> tuple[Array, Array]:
        """Take in one step's spikes, (..., taps); give the new state and the estimates."""
        rates = state - (state >> self.shift) + (taps.astype(np.int64) << 16)
        return rates, rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Fir:
    """Finite impulse response: the weighted spikes of the last steps, the newest first."""

    weights: tuple[int, ...] = (8, 7, 6, 5, 4, 3, 2, 1)

    def rest(self, shape: Shape) -> Array:
        """Give the state before the first step, for taps of `shape`; its last axis: the steps."""
        return np.zeros((*shape, len(self.weights)), dtype=np.int64)

    def update(self, state: Array, taps: Array) -> tuple[Array, Array]:
        """Take in one step's spikes, (..., taps); give the new state and the estimates."""
        newest = taps.astype(np.int64)[..., None]
        kept = np.concatenate([newest, state[..., :-1]], axis=-1)
        return kept, kept @ np.array(self.weights)


Estimate = Average | Exponential | Fir
