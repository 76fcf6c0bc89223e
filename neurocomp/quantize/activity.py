"""What each population does on the calibration samples: in the float network, and on the chip."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np

from neurocomp import engine
from neurocomp.arrays import Array
from neurocomp.quantize.part import Part
from neurocomp.snn.network import Network, Population
from neurocomp.snn.pairs import driving
from neurocomp.snn.upstream import idle, upstream

MOST_SAMPLES = 1024  # that are calibrated on
MOST_RATES = 2**28  # of all neurons and samples: a gigabyte
LEAST_SAMPLES = 4

Rates = Mapping[str, Array]  # population -> float32 (samples, channels, rows, columns)


class Activity(NamedTuple):
    """What every population does in a run. Membranes are told of only where that was asked for."""

    rates: Rates  # spikes a step
    peaks: Mapping[str, int]  # greatest membrane before a reset
    overflowed: Mapping[str, float]  # share of the sums that membranes of few bits could not hold


def few(network: Network, samples: Mapping[str, Array], most: int) -> dict[str, Array]:
    """Give at most `most` of `samples`, evenly spaced, and no more than rates can be kept of."""
    neurons = sum(prod(p.shape) for p in network.populations)
    count = len(next(iter(samples.values())))
    kept = min(count, most, max(LEAST_SAMPLES, MOST_RATES // neurons))
    chosen = np.arange(kept) * count // kept
    return {name: values[chosen] for name, values in samples.items()}


def activity(
    network: Network, samples: Mapping[str, Array], length: int, peak: bool = False
) -> Activity:
    """Give what every population does in a run of `length` steps; membranes if `peak`."""
    keep = engine.Keep(operations=False, peak=peak)
    found: dict[str, list[Array]] = {p.name: [] for p in network.populations}
    peaks: dict[str, int] = {}
    past: dict[str, float] = {}
    count = len(next(iter(samples.values())))
    for part in engine.stream(network, samples, length, keep=keep):
        for p in network.populations:
            steps = np.float32(length - p.start_step + 1)
            found[p.name].append(part.counts[p.name].astype(np.float32) / steps)
        for name, most in part.peak.items():
            peaks[name] = max(peaks.get(name, 0), int(most.max()))
        for name, sums in part.overflows.items():
            p = network.population(name)
            each = count * p.v_init.size * (length - p.start_step + 1)
            past[name] = past.get(name, 0.0) + float(sums.sum()) / each
    return Activity({name: np.concatenate(parts) for name, parts in found.items()}, peaks, past)


def source_rates(
    network: Network,
    parts: Mapping[str, Part],
    population: Population,
    samples: Mapping[str, Array],
    length: int,
) -> Rates:
    """Give the rates of the sources of `population` where they are rounded as in `parts`."""
    needed = upstream(network, (p.source for p in driving(network, population.name)))
    if not needed:
        return {}
    silent = idle("\0", np.dtype(np.int64))
    chosen = [parts[p.name] for p in network.populations if p.name in needed]
    before = replace(
        network,
        populations=(*(p.population for p in chosen), silent),
        currents=tuple(c for p in chosen for c in p.currents),
        projections=tuple(j for p in chosen for j in (*p.projections, *p.resets)),
        readout=silent.name,
    )
    return activity(before, samples, length).rates
