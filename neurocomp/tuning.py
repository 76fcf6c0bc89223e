"""Search the options of a conversion: fewest operations, or least error, within what is allowed.

Every trial is one pass over the samples and gives all numbers of steps at once. Trials are plain
values, tried in a fixed order; those that are known already are not run again, so a search that
was interrupted goes on where it stopped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Literal

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import MaxPool
from neurocomp.arrays import Array
from neurocomp.compiler import Options, prepare
from neurocomp.errors import CapacityError, ModelError, UnsupportedError
from neurocomp.evaluation import evaluate
from neurocomp.hw.target import Target
from neurocomp.mapping.support import refuse_unsupported
from neurocomp.quantize import quantize

PERCENTILES = (99.0, 99.9, 99.99, 100.0)
Ranges = Literal["percentile", "error"]
FITTED: tuple[tuple[Ranges, Literal["none", "bias"]], ...] = (  # to a number of steps
    ("error", "none"),
    ("percentile", "bias"),
    ("error", "bias"),
)
POOLS: tuple[Literal["average", "drive", "relus"], ...] = ("drive", "average", "relus")

Observe = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One trial after one number of steps."""

    trial: int  # its place in the order
    steps: int
    error: float  # share of the samples that are wrong
    operations: float  # synaptic, a mean over the samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One set of options with what it gave; `refused` says why it could not be tried."""

    options: Options
    errors: tuple[float, ...]  # after each step
    operations: tuple[float, ...]
    refused: str = ""


def candidates(graph: Graph, steps: int) -> tuple[Options, ...]:
    """Give the options to try, in order: the likeliest first."""
    pools = POOLS if any(isinstance(n.op, MaxPool) for n in graph.nodes) else POOLS[1:2]
    lengths = sorted({max(1, steps // 4), max(1, steps // 2), steps})
    plain = [
        Options(steps=steps, percentile=p, max_pool=pool) for pool, p in product(pools, PERCENTILES)
    ]
    fitted = [
        Options(steps=t, ranges=ranges, correct=correct, max_pool=pool)
        for pool, t in product(pools, lengths)
        for ranges, correct in FITTED
    ]
    return (*plain, *fitted)


def tune(
    graph: Graph,
    target: Target,
    calibration: Array,
    samples: Array,
    labels: Array | None,
    chosen: Sequence[Options],
    known: Mapping[int, Trial],
    observe: Observe = lambda what, done, total: None,
) -> Iterator[tuple[int, Trial]]:
    """Give every trial with its place, those of `known` as they are."""
    for place, options in enumerate(chosen):
        if place in known:
            yield place, known[place]
        else:
            yield place, _trial(graph, target, calibration, samples, labels, options)
        observe("tune", place + 1, len(chosen))


def _trial(
    graph: Graph,
    target: Target,
    calibration: Array,
    samples: Array,
    labels: Array | None,
    options: Options,
) -> Trial:
    try:
        made = prepare(graph, calibration, options)
        refuse_unsupported(made.network, target)
        network = quantize(made.network, target, options.steps).network
    except (UnsupportedError, CapacityError) as error:
        return Trial(options=options, errors=(), operations=(), refused=str(error))
    found = evaluate(network, made.graph, samples, labels, options.steps)
    return Trial(
        options=options,
        errors=tuple(1 - a for a in found.curve.accuracy.tolist()),
        operations=tuple(found.curve.operations.tolist()),
    )


def front(trials: Mapping[int, Trial]) -> tuple[Point, ...]:
    """Give the points that no other beats in both error and operations, cheapest first."""
    points = [
        Point(trial=place, steps=t + 1, error=error, operations=operations)
        for place, trial in sorted(trials.items())
        for t, (error, operations) in enumerate(zip(trial.errors, trial.operations, strict=True))
    ]
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.operations, p.error, p.trial)):
        if not kept or point.error < kept[-1].error:
            kept.append(point)
    return tuple(kept)


def best(
    points: Sequence[Point], *, error: float | None = None, operations: float | None = None
) -> Point:
    """Give the cheapest point of at most `error`, or the best of at most `operations`.

    `points` are a front. Raises ModelError where none is good enough.
    """
    if error is not None:
        good = [p for p in points if p.error <= error + 1e-12]
        if good:
            return good[0]
        least = min((p.error for p in points), default=1.0)
        wrong = f"is {error:.2%}, the least that was found is {least:.2%}"
        raise ModelError("error", wrong, "allow more, or more steps")
    within = [p for p in points if operations is None or p.operations <= operations]
    if within:
        return within[-1]
    fewest = min((p.operations for p in points), default=0.0)
    wrong = f"are {operations:,.0f}, the fewest that were found {fewest:,.0f}"
    raise ModelError("operations", wrong, "allow more")


def config(trials: Mapping[int, Trial], point: Point) -> dict[str, Any]:
    """Give the options of a point, as `compile --config` reads them."""
    return asdict(replace(trials[point.trial].options, steps=point.steps))
