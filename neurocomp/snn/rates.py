"""How often neurons spike: measured on samples, or assumed."""

from collections.abc import Mapping
from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Accumulator
from neurocomp.snn.oracle import simulate


def measured(network: Network, samples: Mapping[str, Array], steps: int) -> dict[str, float]:
    """Give each population's spikes a neuron and step, over `steps` steps of all samples."""
    count, length = len(next(iter(samples.values()))), network.run_length(steps)
    spikes = dict.fromkeys((p.name for p in network.populations), 0)
    for step in simulate(network, samples, length):
        for name, fired in step.spikes.items():
            spikes[name] += int(np.count_nonzero(fired))
    sizes = {p.name: prod(p.shape) for p in network.populations}
    return {name: n / (sizes[name] * count * length) for name, n in spikes.items()}


def assumed(network: Network, rate: float) -> dict[str, float]:
    """Give every population the same rate; one that never spikes has none."""
    silent = {p.name for p in network.populations if isinstance(p.neuron, Accumulator)}
    return {p.name: 0.0 if p.name in silent else rate for p in network.populations}
