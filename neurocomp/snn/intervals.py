"""Intervals that hold whatever the sample: constant drive, one step's drive, and what is sent."""

from collections.abc import Iterable, Mapping

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.compose import drive_range
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.neurons import Graded

Interval = tuple[float, float]
SPIKE: Interval = (0.0, 1.0)


def constant_range(network: Network, population: Population) -> tuple[Array, Array]:
    """Give the least and greatest constant drive, bias and currents, shaped as the bias."""
    low = high = population.bias.astype(np.float64)
    for c in network.currents:
        if c.target == population.name:
            source = next(i for i in network.inputs if i.name == c.source)
            least, most = drive_range(c.synapse, source.low, source.high)
            half = c.quantum / 2  # it is rounded
            low = low + least.reshape(low.shape) * c.scale - half
            high = high + most.reshape(high.shape) * c.scale + half
    return low, high


def step_range(
    constant: tuple[Array, Array],
    projections: Iterable[Projection],
    messages: Mapping[str, Interval] | None = None,
) -> tuple[Array, Array]:
    """Give the least and greatest drive of a step: what is `constant`, and what `projections` add.

    `messages` says what sources send that do not spike, as `sent` gives it.
    """
    low, high = constant
    for p in projections:
        least, most = drive_range(p.synapse, *(messages or {}).get(p.source, SPIKE))
        low = low + least.reshape(low.shape) * 2**p.weight_exponent
        high = high + most.reshape(high.shape) * 2**p.weight_exponent
    return low, high


def sent(network: Network) -> Mapping[str, Interval]:
    """Give the least and greatest that a neuron of each population can send in a step."""
    found: dict[str, Interval] = {}
    for p in network.populations:
        found[p.name] = SPIKE
        if isinstance(p.neuron, Graded):
            found[p.name] = _messages(network, p, p.neuron.quantum, found)
    return found


def _messages(
    network: Network, population: Population, quantum: float, before: Mapping[str, Interval]
) -> Interval:
    """Bound the messages of graded neurons, whose sources stand before them."""
    constant = constant_range(network, population)
    low, high = step_range(constant, network.into(population.name), before)
    least, most = np.minimum(low.min(initial=0), 0), np.maximum(high.max(initial=0), 0)
    return float(np.floor(least / quantum)), float(np.ceil(most / quantum))
