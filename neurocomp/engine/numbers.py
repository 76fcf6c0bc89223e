"""A population's numbers as integers: multiples of one power of two, which float grids are too."""

from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import UnsupportedError
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.neurons import IntegrateAndFire, MaxGate

WEIGHT_BITS = 29  # four of them add up in 32 bits
STATE_BITS = 62
EXACT_BITS = 53  # of the oracle's float64


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
    weights: tuple[Array, ...]  # of each projection into it, shaped as its synapse's
    shifts: tuple[int, ...]  # the drive is weights << shift
    wide: bool  # a membrane needs more than 32 bits


def numbers(network: Network, population: Population, length: int) -> Numbers:
    """Give the population's numbers as integers that cannot overflow in `length` steps.

    Raises UnsupportedError where they need more bits than the kernel has.
    """
    into = network.into(population.name)
    weights = [scaled(p.synapse.weight, WEIGHT_BITS, population.name) for p in into]
    neuron = population.neuron
    fires = isinstance(neuron, IntegrateAndFire)
    arrays = [population.v_init, population.bias]
    arrays += [neuron.v_threshold] if isinstance(neuron, IntegrateAndFire) else []
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
    found = Numbers(
        exponent=exponent,
        threshold=threshold[0] if fires else np.full(population.shape, 2**STATE_BITS),
        v_init=v_init,
        bias=bias,
        weights=tuple(w.values for w in weights),
        shifts=shifts,
        wide=True,
    )
    if isinstance(neuron, MaxGate):
        return found
    return _sized(network, population, found, length)


def scaled(values: Array, bits: int, where: str) -> Scaled:
    """Give `values` as integers times a power of two. Raises UnsupportedError over `bits`."""
    if not values.size:
        return Scaled(values=values.astype(np.int64), exponent=None)
    if values.dtype.kind in "iub":
        every = int(np.bitwise_or.reduce(values, axis=None))
        exponent = (every & -every).bit_length() - 1
        whole = values >> exponent if exponent > 0 else values
    else:
        exponent = _lowest(values)
        whole = np.ldexp(values.astype(np.float64), -exponent)
    most = max(abs(float(whole.max())), abs(float(whole.min())))
    if most == 0:
        return Scaled(values=np.zeros(values.shape, dtype=np.int8), exponent=None)
    if not most < 2.0**bits:
        raise UnsupportedError(
            where, f"has numbers of {int(np.log2(most)) + 1} bits, the kernel takes {bits}"
        )
    kind = next(k for k in (np.int8, np.int16, np.int32, np.int64) if most <= np.iinfo(k).max)
    return Scaled(values=np.asarray(whole).astype(kind), exponent=exponent)


def _lowest(values: Array) -> int:
    """Give the exponent of the greatest power of two that divides all of `values`."""
    mantissa, exponent = np.frexp(values[values != 0].astype(np.float64).ravel())
    if not mantissa.size:
        return 0
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


def _sized(network: Network, population: Population, n: Numbers, length: int) -> Numbers:
    """Prove from the sums of the weights that nothing overflows, and in how many bits."""
    plus, minus = n.bias.astype(np.float64).clip(min=0), (-n.bias.astype(np.float64)).clip(min=0)
    for p, weight, shift in zip(network.into(population.name), n.weights, n.shifts, strict=True):
        low, high = _sums(p, weight)
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
    return Numbers(
        exponent=n.exponent,
        threshold=np.minimum(n.threshold, top),
        v_init=n.v_init,
        bias=n.bias,
        weights=n.weights,
        shifts=n.shifts,
        wide=not fits,
    )


def _sums(projection: Projection, weight: Array) -> tuple[Array, Array]:
    """Give the sums of all negative and positive weights, broadcastable to the target's shape."""
    synapse = projection.synapse
    shape = synapse.post_shape
    if weight.ndim == 1 and hasattr(synapse, "post"):
        size = int(np.prod(shape))
        low = np.bincount(synapse.post, -np.minimum(weight, 0).astype(np.float64), size)
        high = np.bincount(synapse.post, np.maximum(weight, 0).astype(np.float64), size)
        return low.reshape(shape), high.reshape(shape)
    flat = weight.reshape(len(weight), -1)
    total = flat.sum(axis=1, dtype=np.int64).astype(np.float64)
    magnitude = np.array([np.abs(row.astype(np.int64)).sum() for row in flat], dtype=np.float64)
    low, high = (magnitude - total) / 2, (magnitude + total) / 2
    if weight.ndim == 4:
        return low.reshape(-1, 1, 1), high.reshape(-1, 1, 1)
    return low.reshape(shape), high.reshape(shape)


def _most_current(
    network: Network, source: str, weight: Array, scale: Array, population: Population
) -> Array:
    """Bound the magnitude of a current, with room for its rounding."""
    found = next(i for i in network.inputs if i.name == source)
    top = max(abs(found.low), abs(found.high)) + found.grid
    if weight.ndim == 4:
        sums = np.abs(weight).sum(axis=(1, 2, 3)).reshape(-1, 1, 1)
    elif weight.ndim == 2:
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
    low = float(np.max(np.maximum(-first, 0) + length * minus))
    if not isinstance(neuron, IntegrateAndFire):
        return float(np.max(np.maximum(first, 0) + length * plus)), low
    threshold = n.threshold.astype(np.float64)
    rest = np.maximum(np.maximum(first, threshold), 0)
    grows = np.maximum(0, plus - threshold) if neuron.reset == "subtract" else 0 * plus
    return float(np.max(rest + plus + length * grows)), low
