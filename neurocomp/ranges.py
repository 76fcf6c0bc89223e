"""Rules that say what a firing rate of 1 stands for, from the activations that were measured."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neurocomp.arrays import Array

POINTS = 100  # of the grid that is searched for the least error
CELLS = 64  # of a range, at the edges of which neurons that share it may meet
BINS = 4096  # that activations are sorted into before


class Rule(Protocol):
    """A choice of the range of some activations."""

    def __call__(self, values: Array, /) -> float:
        """Give the range of `values`, (activations,); 0 where none is positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """The percentile of the activations that are not zero; 100 is the maximum.

    Source: Rueckauer et al. 2017, section 2.2.2.
    """

    percentile: float = 99.9

    def __call__(self, values: Array, /) -> float:
        """Give the range of `values`."""
        positive = values[values > 0]
        return float(np.percentile(positive, self.percentile)) if positive.size else 0.0


MAXIMUM = Percentile(percentile=100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastError:
    """The range at which rates over `steps` steps, clipped and rounded, err least.

    The mean squared error of range / T * clip(floor(T a / range + v_init), 0, T) against a, over a
    grid of ranges up to the maximum. Source: Li et al. 2021, SNN calibration, MMSE.
    """

    steps: int
    v_init: float = 0.5  # as a fraction of the threshold

    def __call__(self, values: Array, /) -> float:
        """Give the range of `values`."""
        positive = values[values > 0].astype(np.float64)
        if not positive.size:
            return 0.0
        top = float(positive.max())
        count, edges = np.histogram(positive, bins=BINS, range=(0, top))
        middle = (edges[:-1] + edges[1:]) / 2
        ranges = top * np.arange(1, POINTS + 1)[:, None] / POINTS
        spikes = np.clip(np.floor(self.steps * middle / ranges + self.v_init), 0, self.steps)
        error = (((ranges / self.steps) * spikes - middle) ** 2) @ count
        return float(ranges[np.argmin(error), 0])


def knees(values: Array, whole: float, pieces: int) -> Array:
    """Give where `pieces` neurons that share a range meet, (pieces - 1,), as shares of `whole`.

    A neuron whose share has width w counts in steps of w / T, and those below it are saturated: the
    mean squared error of rounding is that of w over the activations in each share. The least is
    found over a grid of edges, exactly; a channel that was silent is shared equally. `values` are
    (activations,).
    """
    positive = values[values > 0]
    if not positive.size:
        return np.arange(1, pieces) / pieces
    count, _ = np.histogram(positive, bins=CELLS, range=(0, max(whole, np.finfo(float).tiny)))
    below = np.concatenate([[0], np.cumsum(count)])
    edge = np.arange(CELLS + 1)
    width = edge[None, :] - edge[:, None]
    error = np.where(width > 0, (below[None, :] - below[:, None]) * width**2.0, np.inf)
    best, chosen = error[0], []
    for _ in range(pieces - 1):
        each = best[:, None] + error
        chosen.append(np.argmin(each, axis=0))
        best = each.min(axis=0)
    found = [CELLS]
    for before in reversed(chosen):
        found.append(int(before[found[-1]]))
    return np.array(found[:0:-1]) / CELLS
