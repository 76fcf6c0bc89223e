"""A population's numbers as integers: multiples of one power of two, which float grids are too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine.forms import Distinct
from neurocomp.errors import UnsupportedError
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import IntegrateAndFire, MaxGate, MaxIntegrateAndFire
from neurocomp.snn.synapses import Dense, Sparse

WEIGHT_BITS = 29  # four of them add up in 32 bits
STATE_BITS = 62
EXACT_BITS = 53  # of the oracle's float64
PART = 2**18  # numbers that are worked on at once


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scaled:
    """Integers times 2^exponent; the exponent is the greatest possible, None where all are 0."""

    values: Array
    exponent: int | None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Numbers:
    """One population in multiples of 2^exponent."""

    exponent: int
    threshold: Array  # int64 (channels, rows, columns); what nothing reaches for an accumulator
    v_init: Array  # int64 (channels, rows, columns)
    bias: Array  # int64 (channels, rows, columns)
    shifts: tuple[int, ...]  # the drive of each projection into it is weights << shift
    wide: bool  # a membrane needs more than 32 bits


def numbers(
    network: Network, population: Population, found: Sequence[Distinct], length: int
) -> tuple[Numbers, tuple[Array, ...]]:
    """Give the population's numbers as integers that cannot overflow in `length` steps.

    `found` are the synapses into it; their weights come back as integers, shaped as they are.
    Raises UnsupportedError where they need more bits than the kernel has.
    """
    into = network.into(population.name)
    weights = [scaled(d.weight, WEIGHT_BITS, population.name) for d in found]
    neuron = population.neuron
    arrays = [population.v_init, population.bias]
    if isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        arrays.append(neuron.v_threshold)
    state = [scaled(a, STATE_BITS, population.name) for a in arrays]
    quanta = [
        scaled(np.array([c.quantum]), STATE_BITS, population.name)
        for c in network.currents
        if c.target == population.name
    ]
    exponents = [s.exponent for s in state + quanta if s.exponent is not None]
    exponents += [
        w.exponent + p.weight_exponent
        for w, p in zip(weights, into, strict=True)
        if w.exponent is not None
    ]
    exponent = min(exponents, default=0)
    shifts = tuple(
        0 if w.exponent is None else w.exponent + p.weight_exponent - exponent
        for w, p in zip(weights, into, strict=True)
    )
    v_init, bias, *threshold = (_shifted(s, exponent, population.name) for s in state)
    made = Numbers(
        exponent=exponent,
        threshold=threshold[0] if threshold else np.full(population.shape, 2**STATE_BITS),
        v_init=v_init,
        bias=bias,
        shifts=shifts,
        wide=True,
    )
    whole = tuple(w.values for w in weights)
    if isinstance(neuron, MaxGate):
        return made, whole
    return _sized(network, population, made, found, whole, length), whole


def scaled(values: Array, bits: int, where: str) -> Scaled:
    """Give `values` as integers times a power of two. Raises UnsupportedError over `bits`.

    Works through parts of `values`, so that a large array needs no copies but its integers.
    """
    if not values.size or not (most := _most(values)):
        return Scaled(values=np.zeros(values.shape, dtype=np.int8), exponent=None)
    exponent = _lowest(values)
    most = np.ldexp(most, -exponent)
    if not most < 2.0**bits:
        raise UnsupportedError(
            where, f"has numbers of {int(np.log2(most)) + 1} bits, the kernel takes {bits}"
        )
    kind = next(k for k in (np.int8, np.int16, np.int32, np.int64) if most <= np.iinfo(k).max)
    whole = np.empty(values.shape, dtype=kind)
    for to, part in zip(_parts(whole), _parts(values), strict=True):
        to[...] = part >> exponent if part.dtype.kind in "iu" else _multiples(part, exponent)
    return Scaled(values=whole, exponent=exponent)


def _parts(values: Array) -> Iterator[Array]:
    """Give views of `values` along its first axis that fit a cache."""
    step = max(1, PART // max(1, values[0].size))
    return (values[i : i + step] for i in range(0, len(values), step))


def _most(values: Array) -> float:
    """Give the greatest magnitude."""
    return max(max(float(part.max()), -float(part.min())) for part in _parts(values))


def _lowest(values: Array) -> int:
    """Give the exponent of the greatest power of two that divides all of `values`, not all 0."""
    if values.dtype.kind in "iu":
        every = 0
        for part in _parts(values):
            every |= int(np.bitwise_or.reduce(part, axis=None))
        return (every & -every).bit_length() - 1
    exponent = None
    for part in _parts(values):
        if exponent is not None:
            multiples = _multiples(part, exponent)
            if np.array_equal(multiples, np.rint(multiples)):
                continue
        found = _lowest_bit(part)
        if found is not None:
            exponent = found if exponent is None else min(exponent, found)
    return exponent or 0


def _multiples(part: Array, exponent: int) -> Array:
    """Give `part` in multiples of 2^`exponent`, float64."""
    if abs(exponent) < 1000:  # far from the ends of the range a product is as exact, and faster
        return np.multiply(part, 2.0**-exponent, dtype=np.float64)
    multiples: Array = np.ldexp(part.astype(np.float64), -exponent)
    return multiples


def _lowest_bit(part: Array) -> int | None:
    """Give the exponent of the lowest bit that is set in any of `part`; None where all are 0."""
    mantissa, exponent = np.frexp(part[part != 0].astype(np.float64).ravel())
    if not mantissa.size:
        return None
    whole = (mantissa * 2.0**53).astype(np.int64)
    _, lowest = np.frexp((whole & -whole).astype(np.float64))
    return int((lowest - 1 + exponent - 53).min())


def _shifted(s: Scaled, exponent: int, where: str) -> Array:
    """Give `s` in multiples of 2^`exponent`, int64."""
    values = s.values.astype(np.int64)
    up = 0 if s.exponent is None else s.exponent - exponent
    if up + int(np.abs(values).max(initial=0)).bit_length() > STATE_BITS:
        raise UnsupportedError(where, f"has numbers over {STATE_BITS} bits of one grid")
    return values << up


def _sized(
    network: Network,
    population: Population,
    n: Numbers,
    found: Sequence[Distinct],
    weights: Sequence[Array],
    length: int,
) -> Numbers:
    """Prove from the sums of the weights that nothing overflows, and in how many bits."""
    plus, minus = n.bias.astype(np.float64).clip(min=0), (-n.bias.astype(np.float64)).clip(min=0)
    for d, weight, shift in zip(found, weights, n.shifts, strict=True):
        low, high = _sums(d, weight, n.bias.ndim)
        plus, minus = plus + high * 2.0**shift, minus + low * 2.0**shift
    for c in network.currents:
        if c.target == population.name:
            most = _most_current(network, c.source, c.synapse.weight, c.scale, population)
            plus, minus = plus + most * 2.0**-n.exponent, minus + most * 2.0**-n.exponent
    reach = _reach(population, n, plus, minus, length)
    most = np.max([*reach, np.max(plus + minus)])
    if most >= 2.0**EXACT_BITS:
        raise UnsupportedError(population.name, f"has sums over {EXACT_BITS} bits")
    fits = most < 2.0**31 - 2
    top = 2**31 - 1 if fits else 2**STATE_BITS
    return replace(n, threshold=np.minimum(n.threshold, top), wide=not fits)


def _sums(found: Distinct, weight: Array, axes: int) -> tuple[Array, Array]:
    """Give the sums of all negative and positive weights, broadcastable to the target's shape."""
    synapse, shape = found.synapse, found.synapse.post_shape
    if isinstance(synapse, Sparse):
        size = int(np.prod(shape))
        low = np.bincount(synapse.post, -np.minimum(weight, 0).astype(np.float64), size)
        high = np.bincount(synapse.post, np.maximum(weight, 0).astype(np.float64), size)
        return low.reshape(shape), high.reshape(shape)
    each = [part.reshape(len(part), -1) for part in _parts(weight)]
    total = np.concatenate([rows.sum(axis=1, dtype=np.int64) for rows in each])
    magnitude = np.concatenate([np.abs(r, dtype=np.int64).sum(axis=1) for r in each])
    low, high = ((magnitude + sign * total) * (0.5 * prod(found.pool)) for sign in (-1, 1))
    if isinstance(synapse, Dense):
        return low.reshape(shape), high.reshape(shape)
    return low.reshape(-1, *(1,) * (axes - 1)), high.reshape(-1, *(1,) * (axes - 1))


def _most_current(
    network: Network, source: str, weight: Array, scale: Array, population: Population
) -> Array:
    """Bound the magnitude of a current, with room for its rounding."""
    found = next(i for i in network.inputs if i.name == source)
    top = max(abs(found.low), abs(found.high)) + found.grid
    ones = (1,) * (population.bias.ndim - 1)
    if weight.ndim == 4:
        sums = np.abs(weight).sum(axis=(1, 2, 3)).reshape(-1, *ones)
    elif weight.ndim == 2 and weight.shape[0] == population.bias.size:
        sums = np.abs(weight).sum(axis=1).reshape(population.shape)
    else:
        sums = np.abs(weight).sum()
    quantum = max(c.quantum for c in network.currents if c.target == population.name)
    most: Array = sums * top * np.abs(scale) * 1.001 + quantum
    return most


def _reach(
    population: Population, n: Numbers, plus: Array, minus: Array, length: int
) -> tuple[float, float]:
    """Bound the membrane's magnitude from above and below in `length` steps."""
    neuron, first = population.neuron, n.v_init.astype(np.float64)
    low = np.maximum(-first, 0) + length * minus
    if not isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        return float(np.max(np.maximum(first, 0) + length * plus)), float(np.max(low))
    threshold = n.threshold.astype(np.float64)
    if isinstance(neuron, MaxIntegrateAndFire):
        low = low + length * threshold  # given up where another tap has reached it
    rest = np.maximum(np.maximum(first, threshold), 0)
    zeroed = isinstance(neuron, IntegrateAndFire) and neuron.reset != "subtract"
    grows = 0 * plus if zeroed else np.maximum(0, plus - threshold)
    return float(np.max(rest + plus + length * grows)), float(np.max(low))
