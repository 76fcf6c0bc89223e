"""One population with all that leads into it, rounded at a given scale, and its proof."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np

from neurocomp.arrays import Array, readonly
from neurocomp.hw.target import Arithmetic
from neurocomp.quantize.bounds import bounds
from neurocomp.quantize.rounding import nearest, top
from neurocomp.snn.compose import post_channels, with_weight
from neurocomp.snn.intervals import constant_range
from neurocomp.snn.membrane import Membrane
from neurocomp.snn.network import Current, Network, Population, Projection
from neurocomp.snn.neurons import IntegrateAndFire, Integrating, MaxIntegrateAndFire, Neuron
from neurocomp.snn.pairs import driving
from neurocomp.snn.synapses import Synapse

ATTEMPTS = 40  # to find a scale that fits


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Part:
    """One population with all that leads into it, in integers."""

    population: Population
    currents: tuple[Current, ...]
    projections: tuple[Projection, ...]
    resets: tuple[Projection, ...] = ()  # by which the other half of a pair gives its threshold
    scale: Array  # (channels, 1, 1) state units per float unit; of taps, one more axis


def per_channel(values: Array) -> Array:
    """Give the greatest of each channel, with the axes of `values`."""
    inner = tuple(range(1, values.ndim))
    most: Array = values.astype(np.float64).max(axis=inner, keepdims=True)
    return most


def exact_scale(
    population: Population, scale: Array, widths: Arithmetic, *, pair: bool = False
) -> Array:
    """Give the scale, near `scale`, at which the threshold is exactly a number of the chip's.

    That of a `pair` is a sum of weights, too.
    """
    neuron = population.neuron
    if not isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        return scale
    if not neuron.v_threshold.any():
        return scale
    theta, unit = per_channel(neuron.v_threshold), 2 ** threshold_exponent(widths, pair=pair)
    mantissa = np.floor(theta * scale / unit)
    exact: Array = np.clip(mantissa, 1, widths.threshold_limit // unit) * unit / theta
    return exact


def threshold_exponent(widths: Arithmetic, *, pair: bool) -> int:
    """Give the exponent of what thresholds are multiples of."""
    return max(widths.threshold_exponent, widths.weight_exponents[0] if pair else 0)


def resets(
    network: Network, name: str, neuron: Neuron, widths: Arithmetic
) -> tuple[Projection, ...]:
    """Give the projections by which the other half of a pair resets `name`, of integer `neuron`."""
    into = (p for p in network.into(name) if p.resets)
    return tuple(made for p in into for made in _resetting(p, neuron, widths))


def _resetting(projection: Projection, neuron: Neuron, widths: Arithmetic) -> list[Projection]:
    """Give the synapses that add a pair's whole threshold: as many as the weights' width asks for.

    From the greatest exponent down, each takes what the ones before have left.
    """
    if not isinstance(neuron, IntegrateAndFire):
        return [projection]
    (low, high), most = widths.weight_exponents, top(widths.weight_bits)
    left, made = neuron.v_threshold.max(axis=(1, 2)), []
    while left.any():
        fitting = int(left.max()).bit_length() - most.bit_length()
        exponent = min(max(fitting, low), high)
        weight = np.minimum(left >> exponent, most)
        synapse = with_weight(projection.synapse, weight.astype(np.int32).reshape(-1, 1, 1, 1))
        made.append(replace(projection, synapse=synapse, weight_exponent=exponent))
        left = left - (weight << exponent)
    return made


def exponents(
    projections: Sequence[Projection], scale: Array, widths: Arithmetic
) -> tuple[int, ...]:
    """Give each projection the least exponent at which none of its weights is clipped."""
    low, high = widths.weight_exponents
    found = []
    for p in projections:
        most = np.abs(p.synapse.weight * scale.ravel()[post_channels(p.synapse)]).max(initial=0)
        used = most / (top(widths.weight_bits) + 0.5 - 1e-9)
        found.append(int(min(max(ceil(log2(used)), low), high)) if used > 0 else low)
    return tuple(found)


def units(synapse: Synapse, scale: Array, exponent: int) -> Array:
    """Give what one level of each weight is in the float network, broadcastable to the weights."""
    each: Array = 2.0**exponent / scale.ravel()[post_channels(synapse)]
    return each


def rounded(
    network: Network,
    population: Population,
    widths: Arithmetic,
    scale: Array,
    shifts: Sequence[int],
    weights: Sequence[Array] | None = None,
) -> Part:
    """Round everything of `population` at `scale`, which `exact_scale` gave.

    `shifts` are its projections' exponents, `weights` their levels; None: the nearest.
    """
    neuron = population.neuron
    unit = 2**widths.threshold_exponent
    if isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        unit = unit if neuron.v_threshold.any() else 1
        neuron = replace(neuron, v_threshold=_integers(neuron.v_threshold * scale / unit, unit))
    if widths.proved_for == "step" and widths.overflow and isinstance(neuron, Integrating):
        membrane = Membrane(bits=widths.state_bits, overflow=widths.overflow)
        neuron = replace(neuron, membrane=membrane)
    into = driving(network, population.name)
    quantum = _bias_quantum(network, population, widths, scale)
    levels = weights or [
        nearest(p.synapse.weight / units(p.synapse, scale, e), widths.weight_bits)
        for p, e in zip(into, shifts, strict=True)
    ]
    return Part(
        population=replace(
            population,
            neuron=neuron,
            v_init=_integers(population.v_init * scale, 1),
            bias=_integers(population.bias * scale / quantum, quantum),
        ),
        currents=tuple(
            replace(c, scale=readonly(scale * c.scale), quantum=float(quantum))
            for c in network.currents
            if c.target == population.name
        ),
        projections=tuple(
            replace(p, synapse=with_weight(p.synapse, q.astype(np.int32)), weight_exponent=e)
            for p, q, e in zip(into, levels, shifts, strict=True)
        ),
        resets=resets(network, population.name, neuron, widths),
        scale=readonly(scale),
    )


def bias_top(network: Network, population: Population, widths: Arithmetic) -> int:
    """Give the greatest mantissa that leaves room for the rounding of the bias and each current."""
    rounded_ones = 1 + sum(c.target == population.name for c in network.currents)
    return int(2 ** (widths.bias_bits - 1) - 1 - rounded_ones // 2)


def constant(network: Network, population: Population) -> Array:
    """Give the greatest magnitude of bias and currents, as the population's arrays."""
    low, high = constant_range(network, population)
    most: Array = np.maximum(np.abs(low), np.abs(high))
    return most


def _bias_quantum(
    network: Network, population: Population, widths: Arithmetic, scale: Array
) -> int:
    """Give 2^exponent, the least at which the population's constant drive fits the mantissa."""
    most = float((constant(network, population) * scale).max())
    largest = bias_top(network, population, widths)
    exponent = max(0, ceil(log2(most / largest))) if most > largest else 0
    return int(2 ** min(exponent, widths.bias_exponent_max))


def proved_length(population: Population, widths: Arithmetic, length: int) -> int:
    """Give the length of the run in which no membrane may leave its bits.

    That is `length`, or ends with the first step of `population`.
    """
    return population.start_step if widths.proved_for == "step" else length


def reach(network: Network, part: Part, length: int, each: bool) -> Array:
    """Bound each channel's membrane, shaped as the scale; all channels together unless `each`."""
    within = replace(
        network,
        populations=(part.population,),
        currents=part.currents,
        projections=(*part.projections, *part.resets),
    )
    proof = bounds(within, part.population, length)
    most = per_channel(np.maximum(-proof.v_low, proof.v_high))
    return most if each else np.full_like(most, most.max())


def lowered(
    scale: Array, shifts: Sequence[int], most: Array, widths: Arithmetic
) -> tuple[Array, tuple[int, ...]]:
    """Give a smaller scale where membranes came to `most`, and exponents that keep the levels.

    Where no exponent can fall any more the levels do.
    """
    limit, low = widths.state_limit, widths.weight_exponents[0]
    fall = ceil(log2(max(float(most.max()), 1) / limit))
    if fall > 0 and all(e - fall >= low for e in shifts) and shifts:
        return scale / 2**fall, tuple(e - fall for e in shifts)
    less = scale * np.minimum(1, limit / np.maximum(most, 1)) * (1 - 2**-10)
    return less, tuple(max(e - max(fall, 0), low) for e in shifts)


def fits_bias(network: Network, population: Population, part: Part, widths: Arithmetic) -> bool:
    """Say whether the constant drive of `population`, float, fits the bias at the part's scale."""
    most = float((constant(network, population) * part.scale).max())
    return most <= bias_top(network, population, widths) << widths.bias_exponent_max


def _integers(values: Array, unit: int) -> Array:
    return readonly(np.rint(values).astype(np.int64) * unit)
