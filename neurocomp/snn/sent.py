"""What populations send: spikes are 0 or 1, the messages of graded neurons lie in an interval."""

from collections.abc import Mapping

import numpy as np

from neurocomp.snn.compose import drive_range
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import Graded

Interval = tuple[float, float]
SPIKE: Interval = (0.0, 1.0)


def sent(network: Network) -> Mapping[str, Interval]:
    """Give the least and greatest that a neuron of each population can send in a step."""
    found: dict[str, Interval] = {}
    for p in network.populations:
        found[p.name] = _messages(network, p, found) if isinstance(p.neuron, Graded) else SPIKE
    return found


def _messages(network: Network, population: Population, before: Mapping[str, Interval]) -> Interval:
    """Bound the messages of graded neurons, whose sources stand before them."""
    low = high = population.bias.astype(np.float64)
    for p in network.into(population.name):
        least, most = drive_range(p.synapse, *before.get(p.source, SPIKE))
        low = low + least.reshape(low.shape) * 2**p.weight_exponent
        high = high + most.reshape(high.shape) * 2**p.weight_exponent
    for c in network.currents:
        if c.target == population.name:
            source = next(i for i in network.inputs if i.name == c.source)
            least, most = drive_range(c.synapse, source.low, source.high)
            low = low + least.reshape(low.shape) * c.scale - c.quantum / 2  # it is rounded
            high = high + most.reshape(high.shape) * c.scale + c.quantum / 2
    quantum = population.neuron.quantum if isinstance(population.neuron, Graded) else 1.0
    ends = np.minimum(low.min(initial=0), 0), np.maximum(high.max(initial=0), 0)
    return float(np.floor(ends[0] / quantum)), float(np.ceil(ends[1] / quantum))
