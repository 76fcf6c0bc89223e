"""Run a network on many samples, in chunks that keep memory within a budget."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array, all_finite
from neurocomp.engine import generic, native
from neurocomp.engine.plan import Plan, plan
from neurocomp.engine.result import Keep, Result, joined
from neurocomp.errors import ModelError, UnsupportedError
from neurocomp.observe import Observe
from neurocomp.snn.network import Network

MOST_TILE = 256  # steps that a population runs before the next one does
MOST_CHUNK = 512  # samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Which engine runs, and what is lost where it is not the best one."""

    name: str  # "native" or "generic"
    level: str  # of vector instructions; "" for generic
    lost: str  # "" where nothing is


def active() -> Engine:
    """Say which engine this installation has."""
    levels = native.levels()
    if not levels:
        lost = (
            "speed, 30 to 130 times: the kernel is not compiled "
            "(install a C++17 compiler, then install neurocomp again)"
        )
        return Engine(name="generic", level="", lost=lost)
    return Engine(name="native", level=levels[0], lost="")


def simulate(
    network: Network,
    samples: Mapping[str, Array],
    length: int,
    *,
    keep: Keep | None = None,
    threads: int | None = None,
    budget_bytes: int = 2**30,
    level: str | None = None,
    observe: Observe = lambda what, done, total: None,
) -> Result:
    """Run `samples`, name of an input -> (samples, ...), for `length` steps each.

    The same spikes as the oracle's. `level` names a build of the kernel, or "generic"; the best
    one is the default. Raises ModelError where the samples do not fit the network.
    """
    return joined(
        list(
            stream(
                network,
                samples,
                length,
                keep=keep,
                threads=threads,
                budget_bytes=budget_bytes,
                level=level,
                observe=observe,
            )
        )
    )


def stream(
    network: Network,
    samples: Mapping[str, Array],
    length: int,
    *,
    keep: Keep | None = None,
    threads: int | None = None,
    budget_bytes: int = 2**30,
    level: str | None = None,
    observe: Observe = lambda what, done, total: None,
) -> Iterator[Result]:
    """Run as `simulate` does and give one chunk of samples after the other."""
    count = check(network, samples)
    loaded = load(network, length, keep, threads=threads, budget_bytes=budget_bytes, level=level)
    for start in range(0, count, loaded.chunk):
        observe("simulate", start, count)
        part = {name: array[start : start + loaded.chunk] for name, array in samples.items()}
        yield loaded.run(part)
    observe("simulate", count, count)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Loaded:
    """A network that is ready to run for some number of steps, as often as wanted."""

    engine: Engine  # that runs it: the generic one where the kernel lacks something it needs
    chunk: int  # samples that keep a run within the budget
    run: Callable[[Mapping[str, Array]], Result]  # on name of an input -> (samples, ...)


def load(
    network: Network,
    length: int,
    keep: Keep | None = None,
    *,
    threads: int | None = None,
    budget_bytes: int = 2**30,
    level: str | None = None,
) -> Loaded:
    """Make `network` ready for runs of `length` steps; see `simulate` for the rest.

    Raises ModelError or UnsupportedError where what is asked for is not there.
    """
    chosen, best = keep or Keep(), level or active().level or "generic"
    _check_wishes(network, length, chosen)
    if best != "generic" and best not in native.levels():
        known = ", ".join((*native.levels(), "generic"))
        raise UnsupportedError(best, "is no build for this processor", f"one of: {known}")
    planned = None if best == "generic" else _plan(network, length)
    if planned is None:
        return _load_generic(network, length, chosen, budget_bytes)
    kernel = native.load(planned)
    workers = threads or len(os.sched_getaffinity(0))
    tile, workers, chunk = _portions(planned, length, chosen, workers, budget_bytes)

    def run(samples: Mapping[str, Array]) -> Result:
        check(network, samples)
        return native.run(kernel, dict(samples), length, chosen, workers, tile, best)

    return Loaded(engine=Engine(name="native", level=best, lost=""), chunk=chunk, run=run)


def _plan(network: Network, length: int) -> Plan | None:
    """Plan for the kernel, or give None where its numbers or forms do not suffice."""
    try:
        return plan(network, length)
    except UnsupportedError:
        return None


def _load_generic(network: Network, length: int, keep: Keep, budget_bytes: int) -> Loaded:
    neurons = sum(int(np.prod(p.shape)) for p in network.populations)
    taps = max((p.synapse.weight.size for p in network.projections), default=1)
    chunk = max(1, min(MOST_CHUNK, budget_bytes // (64 * neurons + 8 * taps)))

    def run(samples: Mapping[str, Array]) -> Result:
        check(network, samples)
        return generic.run(network, samples, length, keep)

    lost = "speed: the kernel has no form of this network" if native.levels() else active().lost
    return Loaded(engine=Engine(name="generic", level="", lost=lost), chunk=chunk, run=run)


def _portions(
    planned: Plan, length: int, keep: Keep, threads: int, budget_bytes: int
) -> tuple[int, int, int]:
    """Choose the steps of a tile, the threads, and the samples of a chunk for the budget."""
    tile = min(length, MOST_TILE)
    worker, each = native.bytes_needed(planned, length, tile, keep)
    while tile > 16 and worker > budget_bytes // 2:
        tile //= 2
        worker, each = native.bytes_needed(planned, length, tile, keep)
    left = max(1, budget_bytes - worker)
    together = max(1, min(threads, budget_bytes // 2 // max(worker, 1)))
    chunk = max(1, min(MOST_CHUNK, left // 2 // max(each, 1)))
    return tile, threads, chunk if together == threads else 1  # one sample: all threads on it


def _check_wishes(network: Network, length: int, keep: Keep) -> None:
    if length < 1:
        raise ModelError("length", f"is {length} steps, at least 1 is needed")
    for name in (*keep.rasters, *keep.membranes, *keep.uncounted):
        if name not in network.index:
            raise ModelError(name, "is to be kept and is not a population")


def check(network: Network, samples: Mapping[str, Array]) -> int:
    """Count the samples. Raises ModelError where they do not fit the network."""
    for i in network.inputs:
        if i.name not in samples:
            raise ModelError(i.name, "is an input without samples", "give one array an input")
        array = samples[i.name]
        if array.ndim < 1 or array.dtype.kind not in "biuf" or not all_finite(array):
            raise ModelError(i.name, f"has samples of {array.dtype} that are not all finite")
        if array[:1].size != np.prod(i.shape) and len(array):
            raise ModelError(i.name, f"has shape {i.shape}, its samples {array.shape[1:]}")
    if not samples or len({len(a) for a in samples.values()}) != 1:
        raise ModelError("samples", f"are {[len(a) for a in samples.values()]} an input")
    count = len(next(iter(samples.values())))
    if not count:
        raise ModelError("samples", "are 0, at least 1 is needed")
    return count
