"""Choose each population's scale, round to the chip's widths, and prove that nothing overflows.

The scale, state units per float unit, is the largest that keeps weights, threshold, constant drive
and the membrane's interval bounds within their widths. Where the chip has a threshold per neuron
each channel has a scale of its own, which its threshold absorbs; else the population has one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.arrays import Array, readonly
from neurocomp.errors import CapacityError, ModelError, UnsupportedError
from neurocomp.hw.target import Arithmetic, Target
from neurocomp.observe import Observe
from neurocomp.precision import Precision
from neurocomp.quantize.activity import MOST_SAMPLES, Rates, activity, few, source_rates
from neurocomp.quantize.fit import Task, refit
from neurocomp.quantize.layer import layer
from neurocomp.quantize.mirror import mirrored
from neurocomp.quantize.part import (
    ATTEMPTS,
    Part,
    bias_top,
    constant,
    exact_scale,
    exponents,
    lowered,
    per_channel,
    proved_length,
    reach,
    rounded,
)
from neurocomp.quantize.precision import measured
from neurocomp.quantize.rounding import Rounding, top
from neurocomp.snn.compose import post_channels
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import (
    Graded,
    IntegrateAndFire,
    MaxGate,
    MaxIntegrateAndFire,
    Poisson,
)
from neurocomp.snn.pairs import driving, other_half

MOST_PARTS = 16  # synapses by which one half of a pair gives its threshold to the other
LEAST_WEIGHT_BITS = 4  # below it a network is refused instead of emptied
FINE_THRESHOLD = 64  # units that a threshold has at least where the chip's exponents allow


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Quantized:
    """A network in a chip's numbers. Float targets keep the grid: the same network, scale 1."""

    network: Network
    reference: Network  # what it was made from
    scale: Mapping[str, Array]  # population -> (channels, 1, 1) state units per float unit
    precision: tuple[Precision, ...] = ()  # of each population that has numbers, in running order


def quantize(
    network: Network,
    target: Target,
    steps: int,
    *,
    rounding: Rounding = "nearest",
    fitted: Collection[str] | None = None,
    samples: Mapping[str, Array] | None = None,
    observe: Observe = lambda what, done, total: None,
) -> Quantized:
    """Round `network` to the widths of `target` for runs that read out `steps` steps.

    All roundings but the nearest need `samples`, input -> (samples, ...), to calibrate on, and are
    done to the populations `fitted`, or all: the others are rounded to the nearest. Raises
    CapacityError naming the population whose membrane needs more bits than there are.
    """
    ones = {p.name: readonly(np.ones((1, 1, 1))) for p in network.populations}
    if target.arithmetic is None:
        return Quantized(network=network, reference=network, scale=ones)
    graded = [p.name for p in network.populations if isinstance(p.neuron, Graded)]
    if graded:
        wrong = f"is graded, and messages are not rounded to the integers of {target.name}"
        raise UnsupportedError(graded[0], wrong, "compile with --linear pairs")
    if rounding != "nearest" and samples is None:
        raise ModelError("rounding", f"is {rounding}, it needs samples to calibrate on")
    length = network.run_length(steps)
    if fitted is None:
        fitted = ones.keys()
    parts = _parts(network, target, length, rounding, fitted, samples, observe)
    integer = _joined(network, parts)
    return Quantized(
        network=integer,
        reference=network,
        scale={name: part.scale for name, part in parts.items()},
        precision=measured(network, integer, parts, target, length, samples),
    )


def _parts(
    network: Network,
    target: Target,
    length: int,
    rounding: Rounding,
    fitted: Collection[str],
    samples: Mapping[str, Array] | None,
    observe: Observe,
) -> dict[str, Part]:
    """Round one population after the other, each to what those before it do on the chip."""
    chosen: Mapping[str, Array] = {}
    wanted: Rates = {}
    if samples is not None and rounding != "nearest":
        chosen = few(network, samples, MOST_SAMPLES)
        wanted = activity(network, chosen, length).rates
    parts: dict[str, Part] = {}
    for done, p in enumerate(network.populations):
        observe("quantize", done, len(network.populations))
        back = other_half(network, p.name)
        if back is not None and back.source in parts and target.arithmetic is not None:
            parts[p.name] = mirrored(network, p, parts[back.source], target.arithmetic)
            continue
        parts[p.name] = _quantize(network, p, target, length)
        if wanted and p.name in fitted:
            task = _task(network, p, target, length, wanted, parts, chosen)
            parts[p.name] = refit(task, parts[p.name], rounding) if task else parts[p.name]
    return parts


def _task(
    network: Network,
    population: Population,
    target: Target,
    length: int,
    wanted: Rates,
    parts: Mapping[str, Part],
    samples: Mapping[str, Array],
) -> Task | None:
    """Give what there is to fit; None where nothing regular leads into the population."""
    if target.arithmetic is None or isinstance(population.neuron, MaxGate | Poisson):
        return None
    given = source_rates(network, parts, population, samples, length)
    found = layer(network, population, wanted, given) if given else None
    if found is None:
        return None
    proved = proved_length(population, target.arithmetic, length)
    return Task(network, population, target.arithmetic, proved, _each(population, target), found)


def _joined(network: Network, parts: Mapping[str, Part]) -> Network:
    return replace(
        network,
        populations=tuple(p.population for p in parts.values()),
        currents=tuple(c for p in parts.values() for c in p.currents),
        projections=tuple(j for p in parts.values() for j in (*p.projections, *p.resets)),
    )


def _each(population: Population, target: Target) -> bool:
    """Say whether every channel has a scale of its own, which its threshold absorbs."""
    firing = isinstance(population.neuron, IntegrateAndFire | MaxIntegrateAndFire)
    return target.threshold_per == "neuron" and firing


def _quantize(network: Network, population: Population, target: Target, length: int) -> Part:
    """Shrink the scale until the interval bounds of the rounded numbers fit the state."""
    if target.arithmetic is None or isinstance(population.neuron, MaxGate | Poisson):
        return _gate(network, population)
    widths = target.arithmetic
    each, into = _each(population, target), driving(network, population.name)
    pair = other_half(network, population.name) is not None
    scale = _start(network, population, widths, each)
    _check_threshold(population, scale, widths, target.name)
    shifts = exponents(into, exact_scale(population, scale, widths, pair=pair), widths)
    needed = 0
    for _ in range(ATTEMPTS):
        exact = exact_scale(population, scale, widths, pair=pair)
        part = rounded(network, population, widths, exact, shifts)
        most = reach(network, part, proved_length(population, widths, length), each)
        needed = needed or int(most.max()).bit_length() + 1
        if (most <= widths.state_limit).all() and (
            needed <= widths.state_bits or _precise(network, part, widths)
        ):
            return part
        scale, shifts = lowered(scale, shifts, most, widths)
    step = widths.proved_for == "step"
    raise CapacityError(
        population.name,
        f"its membrane needs {needed} bits {'in one step' if step else f'over {length} steps'}, "
        f"{target.name} has {widths.state_bits}, "
        f"and smaller weights would have under {LEAST_WEIGHT_BITS} bits",
        "raise --membrane-bits" if step else "compile for fewer steps",
    )


def _start(network: Network, population: Population, widths: Arithmetic, each: bool) -> Array:
    """Give the scale of the usual exponent, or of one at which the threshold is fine enough."""
    scale = _largest_scale(network, population, widths, each, widths.weight_exponent)
    neuron = population.neuron
    if not isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        return scale
    unit = 2**widths.threshold_exponent
    for exponent in range(widths.weight_exponent + 1, widths.weight_exponents[1] + 1):
        if (per_channel(neuron.v_threshold) * scale / unit).min() >= FINE_THRESHOLD:
            break
        scale = _largest_scale(network, population, widths, each, exponent)
    return scale


def _largest_scale(
    network: Network, population: Population, widths: Arithmetic, each: bool, exponent: int
) -> Array:
    """Give the scale, (channels, 1, 1), at which the first of the widths is used up."""
    weight = np.zeros(population.shape[0])
    for p in driving(network, population.name):
        np.maximum.at(
            weight,
            np.broadcast_to(post_channels(p.synapse), p.synapse.weight.shape),
            np.abs(p.synapse.weight),
        )
    most = constant(network, population)
    used = [
        (weight.reshape(-1, *(1,) * (most.ndim - 1)), top(widths.weight_bits) << exponent),
        (per_channel(most), bias_top(network, population, widths) << widths.bias_exponent_max),
    ]
    if isinstance(population.neuron, IntegrateAndFire | MaxIntegrateAndFire):
        limit = widths.threshold_limit
        if other_half(network, population.name) is not None:  # which synapses have to give
            limit = min(limit, MOST_PARTS * top(widths.weight_bits) << widths.weight_exponents[1])
        used.append((per_channel(population.neuron.v_threshold), limit))
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
    least = float((per_channel(population.neuron.v_threshold) * scale / unit).min())
    if least < 1:
        raise CapacityError(
            population.name,
            f"its threshold comes to {least:.2g} beside its largest weight or bias, "
            f"the least of {chip} is 1",
            "raise the percentile, or clip the largest weight",
        )


def _gate(network: Network, population: Population) -> Part:
    """Keep gates and input spikes as they are: they count, and have no numbers of their own."""
    zeros = readonly(np.broadcast_to(np.int64(0), population.shape))
    return Part(
        population=replace(population, v_init=zeros, bias=zeros),
        currents=tuple(c for c in network.currents if c.target == population.name),
        projections=network.into(population.name),
        scale=readonly(np.ones((1, 1, 1))),
    )


def _precise(network: Network, part: Part, widths: Arithmetic) -> bool:
    """Say whether the weights that the range proof shrank still have bits enough."""
    if not any(p.synapse.weight.any() for p in driving(network, part.population.name)):
        return True
    most = max(int(np.abs(p.synapse.weight).max(initial=0)) for p in part.projections)
    return most.bit_length() + 1 >= min(LEAST_WEIGHT_BITS, widths.weight_bits)
