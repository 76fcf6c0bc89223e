"""What must be true of a network, checked after every stage that makes one."""

from collections.abc import Mapping

import numpy as np

from neurocomp.arrays import Array, Shape, all_finite
from neurocomp.errors import GraphError
from neurocomp.snn.compose import drive_range
from neurocomp.snn.grid import EXACT_BITS
from neurocomp.snn.intervals import SPIKE, Interval, sent
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import (
    Accumulator,
    Graded,
    IntegrateAndFire,
    MaxGate,
    MaxIntegrateAndFire,
    Poisson,
    Recorded,
)
from neurocomp.snn.synapses import Pooled, Synapse, Window


def check(network: Network, steps: int) -> Network:
    """Give `network` back if it is well formed and its sums over `steps` steps are exact.

    Raises GraphError naming the population or projection otherwise.
    """
    names = [i.name for i in network.inputs] + [p.name for p in network.populations]
    if len(set(names)) != len(names):
        raise GraphError(max(names, key=names.count), "names two populations")
    last = network.index.get(network.readout)
    if last is None or not isinstance(last.neuron, Accumulator):
        raise GraphError(network.readout, "is the readout and not an accumulator of the network")
    for source in network.inputs:
        _check_input(source)
    for population in network.populations:
        _check_windows(network, population)
        _check_population(network, population)
        _check_source(network, population)
        _check_graded(network, population)
    for projection in network.projections:
        _check_projection(network, projection)
    for current in network.currents:
        _check_current(network, current)
    messages = sent(network)
    for population in network.populations:
        _check_exact(network, population, network.run_length(steps), messages)
    return network


def _check_input(source: Input) -> None:
    """Check the order of axes, and that rounding to the grid does not leave the range.

    Bounds are proved from the range.
    """
    if sorted(source.order) != [0, 1, 2]:
        raise GraphError(
            source.name, f"has its axes in the order {source.order}, not each of 0..2 once"
        )
    if any(end % source.grid for end in (source.low, source.high)):
        raise GraphError(
            source.name,
            f"has a range [{source.low:g}, {source.high:g}] that does not lie on its grid of "
            f"{source.grid:g}",
        )


def _check_population(network: Network, population: Population) -> None:
    arrays = {"v_init": population.v_init, "bias": population.bias}
    if isinstance(population.neuron, IntegrateAndFire | MaxIntegrateAndFire):
        arrays["v_threshold"] = population.neuron.v_threshold
    gate = isinstance(population.neuron, MaxGate)
    wanted = population.shape if gate else network.drive_shape(population)
    for what, array in arrays.items():
        if array.shape != wanted:
            raise GraphError(population.name, f"has shape {wanted}, its {what} has {array.shape}")
        if not all_finite(array):
            raise GraphError(population.name, f"has a {what} that is not finite")
        if (array.dtype.kind == "i") != network.integer:
            raise GraphError(population.name, f"has {what} of {array.dtype}, the network is mixed")
    _check_membrane(network, population, arrays)
    least = arrays["v_threshold"].min() if "v_threshold" in arrays else 1
    if least < 0 or (least == 0 and getattr(population.neuron, "reset", "") != "always"):
        raise GraphError(population.name, f"has a threshold of {least}")
    if population.start_step < 1:
        raise GraphError(population.name, f"starts at step {population.start_step}, the first is 1")


def _check_membrane(network: Network, population: Population, arrays: Mapping[str, Array]) -> None:
    """Check that a membrane of few bits holds the threshold and where it starts."""
    membrane = getattr(population.neuron, "membrane", None)
    if membrane is None:
        return
    if not network.integer:
        raise GraphError(population.name, f"has a membrane of {membrane.bits} bits and no integers")
    for what in ("v_init", "v_threshold"):
        most = int(np.abs(arrays.get(what, np.zeros(1))).max(initial=0))
        if most > membrane.limit:
            wrong = f"has a {what} of {most}, its membrane holds {membrane.limit}"
            raise GraphError(population.name, wrong)


def _check_windows(network: Network, population: Population) -> None:
    """Check that taps reach only neurons that have them, and these get nothing else."""
    into = network.into(population.name)
    current = [c for c in network.currents if c.target == population.name]
    synapses = network.arriving(population.name)
    windows = [s for s in synapses if isinstance(s, Window)]
    pooled = [s for s in synapses if isinstance(s, Pooled)]
    gate = isinstance(population.neuron, MaxGate)
    if gate and (len(into) != 1 or not windows or population.bias.any() or current):
        raise GraphError(population.name, "is a gate and needs one window and no bias")
    if windows and not gate:
        raise GraphError(population.name, "gets a pooling window and is not a gate")
    compartments = isinstance(population.neuron, MaxIntegrateAndFire)
    if compartments and (len(pooled) != len(synapses) or len({s.kernel for s in pooled}) != 1):
        raise GraphError(population.name, "pools drive and needs one window after every synapse")
    if pooled and not compartments:
        raise GraphError(population.name, "gets pooled drive and has no compartments")


def _check_source(network: Network, population: Population) -> None:
    """Check that spikes drawn at random have a probability, and nothing else."""
    if isinstance(population.neuron, Poisson):
        current = [c for c in network.currents if c.target == population.name]
        if len(current) != 1 or network.into(population.name) or current[0].quantum != 1:
            raise GraphError(population.name, "draws input spikes and needs one current in 2^-16")
    if isinstance(population.neuron, Recorded):
        if network.arriving(population.name):
            raise GraphError(population.name, "repeats recorded spikes and takes no input")
        kept = population.neuron.spikes.shape[2:]
        if kept != population.shape:
            raise GraphError(population.name, f"has shape {population.shape}, its spikes {kept}")


def _check_graded(network: Network, population: Population) -> None:
    """Check that a graded neuron's messages depend on earlier populations only."""
    if not isinstance(population.neuron, Graded):
        return
    if not np.log2(population.neuron.quantum).is_integer():
        raise GraphError(population.name, f"has a quantum of {population.neuron.quantum:g}")
    names = [p.name for p in network.populations]
    before = names[: names.index(population.name)]
    for p in network.into(population.name):
        if p.source not in before:
            raise GraphError(population.name, f"is graded and gets spikes of {p.source} after it")


def _check_pair(network: Network, projection: Projection, where: str) -> None:
    """Check that a half of a pair gives its own threshold to the other, one to one, both ways."""
    source, target = network.population(projection.source), network.population(projection.target)
    back = [p for p in network.into(source.name) if p.resets and p.source == target.name]
    plain = [isinstance(p.neuron, IntegrateAndFire) for p in (source, target)]
    if not all(plain) or not back or projection.delay_steps != 1:
        raise GraphError(where, "resets and is not one half of a pair of neurons")
    given = sum(
        (
            p.synapse.apply(np.ones((1, *source.shape)))[0] * 2**p.weight_exponent
            for p in network.into(target.name)
            if p.resets and p.source == source.name
        ),
        np.zeros(target.shape),
    )
    for half in (source, target):  # the same in both, or the drive would not be undone
        kept = getattr(half.neuron, "v_threshold", np.zeros(0))
        if not np.array_equal(given, kept):
            raise GraphError(where, "resets by something else than the threshold of the pair")


def _check_projection(network: Network, projection: Projection) -> None:
    where = f"{projection.source} -> {projection.target}"
    source, target = (network.index.get(n) for n in (projection.source, projection.target))
    if source is None or target is None:
        raise GraphError(where, "joins a population that is not in the network")
    _check_synapse(where, projection.synapse, source.shape, target.shape)
    if projection.delay_steps < 1:
        raise GraphError(where, f"has a delay of {projection.delay_steps} steps, the least is 1")
    if projection.resets:
        _check_pair(network, projection, where)
    weight = projection.synapse.weight
    if network.integer and (weight.dtype.kind != "i" or projection.weight_exponent < 0):
        wrong = f"{weight.dtype} x 2^{projection.weight_exponent}, the network is of integers"
        raise GraphError(where, f"has weights of {wrong}")


def _check_current(network: Network, current: Current) -> None:
    where = f"{current.source} -> {current.target}"
    source = next((i for i in network.inputs if i.name == current.source), None)
    target = network.index.get(current.target)
    if source is None or target is None:
        raise GraphError(where, "joins an input or population that is not in the network")
    _check_synapse(where, current.synapse, source.shape, target.shape)
    low, high = drive_range(current.synapse, source.low, source.high)
    step = _lowest_bit(current.synapse.weight) * source.grid
    _check_bits(where, np.maximum(-low, high) / step, "sums over samples need", "")


def _check_synapse(where: str, synapse: Synapse, pre: Shape, post: Shape) -> None:
    if (synapse.pre_shape, synapse.post_shape) != (pre, post):
        raise GraphError(
            where,
            f"joins shapes {pre} and {post}, "
            f"its synapse {synapse.pre_shape} and {synapse.post_shape}",
        )
    if not all_finite(synapse.weight):
        raise GraphError(where, "has weights that are not finite")


def _check_exact(
    network: Network, population: Population, length: int, messages: Mapping[str, Interval]
) -> None:
    """Check that no sum of the population can leave the integers that float64 holds."""
    numbers: list[Array] = [population.bias, population.v_init]
    if isinstance(population.neuron, IntegrateAndFire | MaxIntegrateAndFire):
        numbers.append(population.neuron.v_threshold)
    largest = np.abs(population.bias).astype(np.float64)
    for p in network.into(population.name):
        if isinstance(p.synapse, Window):
            return
        numbers.append(p.synapse.weight * 2**p.weight_exponent)
        low, high = drive_range(p.synapse, *messages.get(p.source, SPIKE))
        largest = largest + np.maximum(-low, high).reshape(largest.shape) * 2**p.weight_exponent
    for c in network.currents:
        if c.target == population.name:
            numbers.append(np.asarray(c.quantum))
            source = next(i for i in network.inputs if i.name == c.source)
            low, high = drive_range(c.synapse, source.low, source.high)
            most = np.maximum(-low, high).reshape(largest.shape)
            largest = largest + most * c.scale + c.quantum / 2  # it is rounded
    kept = 1 if isinstance(population.neuron, Graded) else length
    reach = largest * kept + np.abs(population.v_init)
    step = min(_lowest_bit(n) for n in numbers)
    _check_bits(population.name, reach / step, "sums need", f" over {length} steps")


def _check_bits(where: str, multiples: Array, what: str, over: str) -> None:
    bits = np.log2(max(float(multiples.max(initial=0)), 1))
    if bits >= EXACT_BITS:
        raise GraphError(
            where,
            f"{what} {int(bits) + 1} bits{over}, float64 is exact to {EXACT_BITS}",
            "snap its numbers to the grid, or run fewer steps",
        )


def _lowest_bit(values: Array) -> float:
    """Give the largest power of two that divides all of `values`."""
    mantissa, exponent = np.frexp(values[values != 0].astype(np.float64).ravel())
    if not mantissa.size:
        return 1.0
    whole = (mantissa * 2.0**53).astype(np.int64)
    lowest = whole & -whole
    return float(np.min(np.ldexp(lowest.astype(np.float64), exponent - 53)))
