"""Choose each population's scale, round to the chip's widths, and prove that nothing overflows.

The scale, state units per float unit, is the largest that keeps weights, threshold, constant drive
and the membrane's interval bounds within their widths. Where the chip has a threshold per neuron
each channel has a scale of its own, which its threshold absorbs; else the population has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np

from neurocomp.arrays import Array, readonly
from neurocomp.errors import CapacityError
from neurocomp.hw.target import Arithmetic, Target
from neurocomp.quantize.bounds import Bounds, bounds
from neurocomp.snn.compose import post_channels, with_weight
from neurocomp.snn.network import Current, Network, Population, Projection
from neurocomp.snn.neurons import IntegrateAndFire, MaxGate, MaxIntegrateAndFire, Poisson

LEAST_WEIGHT_BITS = 4  # below it a network is refused instead of emptied
ATTEMPTS = 40


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Quantized:
    """A network in a chip's numbers. Float targets keep the grid: the same network, scale 1."""

    network: Network
    reference: Network  # what it was made from
    scale: Mapping[str, Array]  # population -> (channels, 1, 1) state units per float unit


def quantize(network: Network, target: Target, steps: int) -> Quantized:
    """Round `network` to the widths of `target` for runs that read out `steps` steps.

    Raises CapacityError naming the population whose membrane needs more bits than there are.
    """
    ones = {p.name: readonly(np.ones((1, 1, 1))) for p in network.populations}
    if target.arithmetic is None:
        return Quantized(network=network, reference=network, scale=ones)
    length = network.run_length(steps)
    parts = [_quantize(network, p, target, length) for p in network.populations]
    integer = replace(
        network,
        populations=tuple(p.population for p in parts),
        currents=tuple(c for p in parts for c in p.currents),
        projections=tuple(j for p in parts for j in p.projections),
    )
    scale = {p.population.name: p.scale for p in parts}
    return Quantized(network=integer, reference=network, scale=scale)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Part:
    """One population with all that leads into it, in integers."""

    population: Population
    currents: tuple[Current, ...]
    projections: tuple[Projection, ...]
    scale: Array  # (channels, 1, 1)


def _quantize(network: Network, population: Population, target: Target, length: int) -> Part:
    """Shrink the scale until the interval bounds of the rounded numbers fit the state."""
    if target.arithmetic is None or isinstance(population.neuron, MaxGate | Poisson):
        return _gate(network, population)
    widths, limit = target.arithmetic, _top(target.arithmetic.state_bits - 1)
    found = bounds(network, population, length)
    firing = isinstance(population.neuron, IntegrateAndFire | MaxIntegrateAndFire)
    each = target.threshold_per == "neuron" and firing
    scale = _largest_scale(network, population, found, widths, each)
    _check_threshold(population, scale, widths, target.name)
    needed = 0
    for _ in range(ATTEMPTS):
        part = _rounded(network, population, found, widths, scale)
        proof = bounds(_within(network, part), part.population, length)
        reach = _per_scale(np.maximum(-proof.v_low, proof.v_high), each)
        needed = needed or int(reach.max()).bit_length() + 1
        if (reach <= limit).all() and (
            needed <= widths.state_bits or _precise(network, part, widths)
        ):
            return part
        scale = scale * np.minimum(1, limit / np.maximum(reach, 1)) * (1 - 2**-10)
    raise CapacityError(
        population.name,
        f"its membrane needs {needed} bits over {length} steps, {target.name} has "
        f"{widths.state_bits}, and smaller weights would have under {LEAST_WEIGHT_BITS} bits",
        "compile for fewer steps",
    )


def _largest_scale(
    network: Network, population: Population, found: Bounds, widths: Arithmetic, each: bool
) -> Array:
    """Give the scale, (channels, 1, 1), at which the first of the widths is used up."""
    weight = np.zeros(population.shape[0])
    for p in network.into(population.name):
        np.maximum.at(
            weight,
            np.broadcast_to(post_channels(p.synapse), p.synapse.weight.shape),
            np.abs(p.synapse.weight),
        )
    constant = np.maximum(np.abs(found.constant_low), np.abs(found.constant_high))
    used = [
        (_like(weight, found), _top(widths.weight_bits - 1) << widths.weight_exponent),
        (
            _per_channel(constant),
            _bias_top(network, population, widths) << widths.bias_exponent_max,
        ),
    ]
    if isinstance(population.neuron, IntegrateAndFire | MaxIntegrateAndFire):
        top = _top(widths.threshold_bits) << widths.threshold_exponent
        used.append((_per_channel(population.neuron.v_threshold), top))
    with np.errstate(divide="ignore"):
        scale = np.min([limit / np.asarray(u, dtype=np.float64) for u, limit in used], axis=0)
    finite = np.isfinite(scale)
    scale = np.where(finite, scale, scale[finite].min() if finite.any() else 1.0)
    return scale if each else np.full_like(scale, scale.min())


def _check_threshold(population: Population, scale: Array, widths: Arithmetic, chip: str) -> None:
    """Refuse a threshold so much smaller than a weight or the bias that it would round to none."""
    if not isinstance(population.neuron, IntegrateAndFire | MaxIntegrateAndFire):
        return
    if not population.neuron.v_threshold.any():  # of neurons without memory
        return
    unit = 2**widths.threshold_exponent
    least = float((_per_channel(population.neuron.v_threshold) * scale / unit).min())
    if least < 1:
        raise CapacityError(
            population.name,
            f"its threshold comes to {least:.2g} beside its largest weight or bias, "
            f"the least of {chip} is 1",
            "raise the percentile, or clip the largest weight",
        )


def _rounded(
    network: Network, population: Population, found: Bounds, widths: Arithmetic, scale: Array
) -> Part:
    """Round everything of the population at `scale`, which its threshold makes exact."""
    neuron = population.neuron
    if isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire) and neuron.v_threshold.any():
        unit = 2**widths.threshold_exponent
        mantissa = np.maximum(1, np.floor(_per_channel(neuron.v_threshold) * scale / unit))
        scale = mantissa * unit / _per_channel(neuron.v_threshold)
        neuron = replace(neuron, v_threshold=_integers(neuron.v_threshold * scale / unit, unit))
    elif isinstance(neuron, IntegrateAndFire):
        neuron = replace(neuron, v_threshold=_integers(neuron.v_threshold, 1))
    quantum = _bias_quantum(found, _bias_top(network, population, widths), widths, scale)
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
        projections=tuple(_projection(p, scale, widths) for p in network.into(population.name)),
        scale=readonly(scale),
    )


def _projection(projection: Projection, scale: Array, widths: Arithmetic) -> Projection:
    synapse = projection.synapse
    per_weight = scale.ravel()[post_channels(synapse)] / 2**widths.weight_exponent
    top = _top(widths.weight_bits - 1)
    weight = np.clip(np.rint(synapse.weight * per_weight), -top, top).astype(np.int32)
    return replace(
        projection,
        synapse=with_weight(synapse, weight),
        weight_exponent=widths.weight_exponent,
    )


def _bias_top(network: Network, population: Population, widths: Arithmetic) -> int:
    """Give the greatest mantissa that leaves room for the rounding of the bias and each current."""
    rounded = 1 + sum(c.target == population.name for c in network.currents)
    return _top(widths.bias_bits - 1) - rounded // 2


def _bias_quantum(found: Bounds, top: int, widths: Arithmetic, scale: Array) -> int:
    """Give 2^exponent, the least at which the population's constant drive fits the mantissa."""
    most = float(
        (np.maximum(np.abs(found.constant_low), np.abs(found.constant_high)) * scale).max()
    )
    exponent = max(0, ceil(log2(most / top))) if most > top else 0
    return int(2 ** min(exponent, widths.bias_exponent_max))


def _gate(network: Network, population: Population) -> Part:
    """Keep gates and input spikes as they are: they count, and have no numbers of their own."""
    zeros = readonly(np.broadcast_to(np.int64(0), population.shape))
    return Part(
        population=replace(population, v_init=zeros, bias=zeros),
        currents=tuple(c for c in network.currents if c.target == population.name),
        projections=network.into(population.name),
        scale=readonly(np.ones((1, 1, 1))),
    )


def _within(network: Network, part: Part) -> Network:
    return replace(
        network,
        populations=(part.population,),
        currents=part.currents,
        projections=part.projections,
    )


def _precise(network: Network, part: Part, widths: Arithmetic) -> bool:
    """Say whether the weights that the range proof shrank still have bits enough."""
    if not any(p.synapse.weight.any() for p in network.into(part.population.name)):
        return True
    most = max(int(np.abs(p.synapse.weight).max(initial=0)) for p in part.projections)
    return most.bit_length() + 1 >= min(LEAST_WEIGHT_BITS, widths.weight_bits)


def _top(bits: int) -> int:
    return int(2**bits - 1)


def _integers(values: Array, unit: int) -> Array:
    return readonly(np.rint(values).astype(np.int64) * unit)


def _like(values: Array, found: Bounds) -> Array:
    """Give `values`, (channels,), as many axes as the population's arrays have."""
    return values.reshape(-1, *(1,) * (found.constant_low.ndim - 1))


def _per_channel(values: Array) -> Array:
    inner = tuple(range(1, values.ndim))
    most: Array = values.astype(np.float64).max(axis=inner, keepdims=True)
    return most


def _per_scale(values: Array, each: bool) -> Array:
    most = _per_channel(values)
    return most if each else np.full_like(most, most.max())
