"""Runs that differ in one respect, and what each cost."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run: what it cost, and what there was to do."""

    cpu_s: float  # of all threads
    spikes: int
    operations: int  # synapses that a spike arrived at
    synapses: int  # of the network, times steps and samples: what a dense simulation adds up
    neurons: int  # as synapses


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Runs at several values of one quantity."""

    name: str
    values: tuple[float, ...]
    points: tuple[Point, ...]

    def power(self) -> float:
        """Give the power of the quantity that the cost grows with: 1 is linear."""
        cost = np.log([p.cpu_s for p in self.points])
        return float(np.polyfit(np.log(self.values), cost, 1)[0])
