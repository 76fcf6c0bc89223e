"""How often neurons spike. `engine.rates` measures it."""

from collections.abc import Mapping
from math import prod

from neurocomp.arrays import Array, Shape
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Accumulator

Rates = Mapping[str, float | Array]  # spikes a step: of every neuron, or (channels, rows, columns)


def total(rate: float | Array, shape: Shape) -> float:
    """Sum the spikes a step of all neurons of a population of `shape`."""
    return float(rate) * prod(shape) if isinstance(rate, float | int) else float(rate.sum())


def assumed(network: Network, rate: float) -> dict[str, float]:
    """Give every population the same rate; one that never spikes has none."""
    silent = {p.name for p in network.populations if isinstance(p.neuron, Accumulator)}
    return {p.name: 0.0 if p.name in silent else rate for p in network.populations}
