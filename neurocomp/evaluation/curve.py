"""Accuracy and cost after every step, of one pass."""

from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array
from neurocomp.readouts import EarlyExit, Readout
from neurocomp.snn.network import Network

Z = 1.96  # of a normal distribution's 95 %


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Curve:
    """What the readout gives after T = 1, 2... steps; operations are means over the samples."""

    classes: Array  # (samples, steps)
    right: Array  # (steps,) samples whose class is the wanted one
    samples: int
    operations: Array  # (steps,) synaptic operations so far, borders counted
    operations_without_borders: Array  # (steps,) as the authors' toolbox counts
    neuron_updates: int  # in each step

    @property
    def accuracy(self) -> Array:
        """Give the share of samples that are right, (steps,)."""
        return self.right / self.samples


def read(trace: Array, spent: Array, wanted: Array, readout: Readout, updates: int) -> Curve:
    """Give the curve that `readout` gives of a run; an early exit stops paying, too.

    `trace` is (samples, steps, classes), `spent` (2, samples, steps), `wanted` (samples,).
    """
    classes = readout(trace)
    if isinstance(readout, EarlyExit):
        done = np.minimum(np.arange(trace.shape[1]), readout.stops(trace)[:, None] - 1)
        spent = np.take_along_axis(spent, done[None], axis=2)
    total = spent.mean(axis=1)
    return Curve(
        classes=classes,
        right=(classes == wanted[:, None]).sum(axis=0),
        samples=len(trace),
        operations=total[0],
        operations_without_borders=total[1],
        neuron_updates=updates,
    )


def interval(right: float, samples: int) -> tuple[float, float]:
    """Give the 95 % confidence interval of a share (Wilson 1927)."""
    share, z2 = right / samples, Z**2 / samples
    middle = (share + z2 / 2) / (1 + z2)
    half = Z * np.sqrt(share * (1 - share) / samples + z2 / (4 * samples)) / (1 + z2)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def distances(network: Network) -> dict[str, int]:
    """Give the fewest steps from a spike of each population to the readout.

    A spike that cannot arrive any more costs nothing that counts, and changes nothing.
    """
    found = {network.readout: 0}
    for p in reversed(network.populations):
        ways = [
            found[j.target] + j.delay_steps
            for j in network.projections
            if j.source == p.name and j.target in found
        ]
        if ways and p.name not in found:
            found[p.name] = min(ways)
    return found
