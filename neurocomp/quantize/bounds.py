"""Interval bounds: how far a membrane can go for any input in the calibrated range."""

from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.intervals import constant_range, step_range
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import IntegrateAndFire, MaxGate, MaxIntegrateAndFire
from neurocomp.snn.pairs import driving, other_half


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Bounds:
    """Least and greatest values, (channels, rows, columns), that can occur in any step."""

    v_low: Array  # membrane, before or after the reset
    v_high: Array


def bounds(network: Network, population: Population, length: int) -> Bounds:
    """Bound `population` over a run of `length` steps; its sources may fire in any pattern.

    A threshold that is passed takes v_threshold off again, so upwards a membrane leaves
    [.., v_threshold) only by one step's drive, or by what exceeds the threshold in every step.
    """
    low, high = constant_range(network, population)
    if not isinstance(population.neuron, MaxGate):
        low, high = step_range((low, high), driving(network, population.name))
    active = length - population.start_step + 1
    if getattr(population.neuron, "reset", "") == "always":
        return Bounds(
            v_low=np.minimum(population.v_init, 0) + np.minimum(low, 0),
            v_high=np.maximum(population.v_init, 0) + np.maximum(high, 0),
        )
    if other_half(network, population.name) is not None:
        reach = _pair_reach(population, low, high, active)
        return Bounds(v_low=population.v_init - reach, v_high=population.v_init + reach)
    return Bounds(
        v_low=np.minimum(population.v_init, 0)
        + active * (np.minimum(low, 0) - _given_up(population)),
        v_high=_highest(population, high, active),
    )


def _pair_reach(population: Population, low: Array, high: Array, active: int) -> Array:
    """Bound how far the membranes of a pair go from v_init, the same for both halves.

    A spike of either half brings them back by the threshold.
    """
    threshold = getattr(population.neuron, "v_threshold", population.v_init)
    rest = np.maximum(threshold - population.v_init, 0)
    up, down = np.maximum(high, 0), np.maximum(-low, 0)
    kept = np.maximum(np.maximum(up, down) - threshold, 0)
    reach: Array = rest + np.maximum(up, down) + (active - 1) * kept
    return reach


def _given_up(population: Population) -> Array | int:
    """Give what a spike takes from a compartment that had not reached the threshold."""
    neuron = population.neuron
    return neuron.v_threshold if isinstance(neuron, MaxIntegrateAndFire) else 0


def _highest(population: Population, high: Array, active: int) -> Array:
    neuron = population.neuron
    if not isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        never: Array = population.v_init + active * np.maximum(high, 0)
        return never
    rest = np.maximum(population.v_init, neuron.v_threshold)
    zero = isinstance(neuron, IntegrateAndFire) and neuron.reset == "zero"
    kept = 0 * high if zero else np.maximum(high - neuron.v_threshold, 0)
    highest: Array = rest + np.maximum(high, 0) + (active - 1) * kept
    return highest
