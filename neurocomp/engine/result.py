"""What a run keeps, and what it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.boxes import Box
from neurocomp.snn.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What to keep besides the readout; populations are named, memory follows."""

    counts: bool = True  # of spikes, of every population
    operations: bool = True  # synaptic operations, of every population and step
    peak: bool = False  # the greatest membrane before a reset, of every population
    rasters: tuple[str, ...] = ()  # populations whose every spike is kept
    membranes: tuple[str, ...] = ()  # populations whose one membrane is kept at every step
    uncounted: Mapping[str, int] = field(default_factory=dict)
    """Population -> last steps whose spikes `counts` leaves out: too late for the readout."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Result:
    """A run of some samples. What was not kept is absent."""

    network: Network
    readout: Array  # (samples, steps, channels, rows, columns), the membrane after each step
    counts: Mapping[str, Array]  # int32 (samples, channels, rows, columns)
    operations: Mapping[str, Array]  # int64 (samples, steps), synapses that a spike arrived at
    peak: Mapping[str, Array]  # (samples,), greatest magnitude of the membrane before a reset
    rasters: Mapping[str, Array]  # uint8 (samples, steps, neurons / 8); see `spikes`
    membranes: Mapping[str, Array]  # (samples, steps, channels, rows, columns)
    messages: Mapping[str, Array] = field(default_factory=dict)
    """Of graded populations whose every spike is kept: int64, as membranes."""
    overflows: Mapping[str, Array] = field(default_factory=dict)
    """Of membranes of few bits, with the peaks: (samples,), sums that they could not hold."""


def spikes(result: Result, population: str) -> Array:
    """Give the kept spikes of a population, bool (samples, steps, channels, rows, columns).

    Those of a graded one are whole numbers.
    """
    if population in result.messages:
        return result.messages[population]
    rows, shape = result.rasters[population], result.network.population(population).shape
    flat = np.unpackbits(rows, axis=-1, count=int(np.prod(shape)), bitorder="little")
    unpacked: Array = flat.reshape(*rows.shape[:2], *shape).astype(bool)
    return unpacked


def spikes_in(result: Result, population: str, box: Box) -> Array:
    """Give the kept spikes of the neurons in `box`, without unpacking those of all the others."""
    if population in result.messages:
        return result.messages[population][:, :, *box.slices]
    at = box.indices(result.network.population(population).shape)
    bits = result.rasters[population]
    fired: Array = (bits[..., at >> 3] >> (at & 7).astype(np.uint8)) & 1
    return fired.reshape(*bits.shape[:2], *box.shape).astype(bool)


def packed(fired: Array) -> Array:
    """Give spikes, (samples, steps, channels, rows, columns), as bits, 8 neurons a byte."""
    flat = fired.reshape(*fired.shape[:2], -1).astype(bool, copy=False)
    bits: Array = np.packbits(flat, axis=-1, bitorder="little")
    return bits


def joined(parts: Sequence[Result]) -> Result:
    """Give the results of several chunks of samples as one."""

    def each(field: str) -> dict[str, Array]:
        first: Mapping[str, Array] = getattr(parts[0], field)
        return {name: np.concatenate([getattr(p, field)[name] for p in parts]) for name in first}

    return Result(
        network=parts[0].network,
        readout=np.concatenate([p.readout for p in parts]),
        counts=each("counts"),
        operations=each("operations"),
        peak=each("peak"),
        rasters=each("rasters"),
        membranes=each("membranes"),
        messages=each("messages"),
        overflows=each("overflows"),
    )
