"""How often neurons spike: measured on samples, or assumed."""

from collections.abc import Mapping
from math import prod

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Accumulator
from neurocomp.snn.oracle import simulate

Rates = Mapping[str, float | Array]  # spikes a step: of every neuron, or (channels, rows, columns)


def measured(network: Network, samples: Mapping[str, Array], steps: int) -> dict[str, Array]:
    """Give each neuron's spikes a step, over `steps` steps of all samples."""
    count, length = len(next(iter(samples.values()))), network.run_length(steps)
    spikes = {p.name: np.zeros(p.shape) for p in network.populations}
    for step in simulate(network, samples, length):
        for name, fired in step.spikes.items():
            spikes[name] += np.count_nonzero(fired, axis=0)
    return {name: each / (count * length) for name, each in spikes.items()}


def total(rate: float | Array, shape: Shape) -> float:
    """Sum the spikes a step of all neurons of a population of `shape`."""
    return float(rate) * prod(shape) if isinstance(rate, float | int) else float(rate.sum())


def assumed(network: Network, rate: float) -> dict[str, float]:
    """Give every population the same rate; one that never spikes has none."""
    silent = {p.name for p in network.populations if isinstance(p.neuron, Accumulator)}
    return {p.name: 0.0 if p.name in silent else rate for p in network.populations}
