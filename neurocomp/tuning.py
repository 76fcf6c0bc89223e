"""Search the options of a conversion: least cost, or least error, within what is allowed.

Every trial is one pass over the samples and gives all numbers of steps at once. Trials are plain
values, tried in a fixed order; those that are known already are not run again, so a search that
was interrupted goes on where it stopped. Cost is synaptic operations, steps, the chip's energy, or
the memory of the weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Literal

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import MaxPool
from neurocomp.arrays import Array
from neurocomp.compiler import Options, in_numbers, prepare
from neurocomp.engine.rates import FEW, measured
from neurocomp.errors import CapacityError, ModelError, UnsupportedError
from neurocomp.evaluation import measure
from neurocomp.frontend.onnx import run_model, to_model
from neurocomp.hw.narrow import narrow
from neurocomp.hw.target import Target
from neurocomp.mapping.arrange import Effort
from neurocomp.mapping.cost import Cost, cost
from neurocomp.mapping.lay import Wishes, lay
from neurocomp.mapping.support import refuse_unsupported
from neurocomp.observe import Observe
from neurocomp.readouts import classes
from neurocomp.snn.network import Network

PERCENTILES = (99.0, 99.9, 99.99, 100.0)
Ranges = Literal["percentile", "error"]
FITTED: tuple[tuple[Ranges, Literal["none", "bias"]], ...] = (  # to a number of steps
    ("error", "none"),
    ("percentile", "bias"),
    ("error", "bias"),
)
WIDTHS = (6, 5, 4, 3, 2)  # bits of a weight, besides those that the target has
NARROWED: tuple[tuple[Ranges, Literal["none", "bias"]], ...] = (  # what fewer bits are tried with
    ("percentile", "none"),
    ("error", "bias"),
)
POOLS: tuple[Literal["average", "drive", "relus"], ...] = ("drive", "average", "relus")

Currency = Literal["operations", "energy", "steps", "memory"]
UNITS: Mapping[Currency, str] = {
    "operations": "synaptic operations a sample",
    "energy": "microjoules a sample",
    "steps": "steps",
    "memory": "kilobytes of weights",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One trial after one number of steps."""

    trial: int  # its place in the order
    steps: int
    error: float  # share of the samples that are wrong
    operations: float  # synaptic, a mean over the samples
    energy: float | None  # microjoules a sample, of the events whose energy was published
    memory: float | None  # kilobytes of all weights, each once; None: the target's are no integers

    def cost(self, currency: Currency) -> float:
        """Give what the point costs. Raises ModelError where its energy is not known."""
        if currency == "operations":
            return self.operations
        if currency == "steps":
            return self.steps
        if currency == "memory":
            if self.memory is None:
                wrong = "of weights is the same for all, this target's are not whole numbers"
                raise ModelError("memory", wrong, "choose another target, or ask for operations")
            return self.memory
        if self.energy is None:
            raise ModelError(
                "energy", "of this target was not published", "ask for operations or steps"
            )
        return self.energy


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One set of options with what it gave; `refused` says why it could not be tried."""

    options: Options
    errors: tuple[float, ...]  # after each step
    operations: tuple[float, ...]
    energies: tuple[float, ...] = ()  # microjoules a sample; empty where none was published
    memory: float | None = None  # kilobytes of weights
    ann_error: float | None = None  # of the trained network, on the same samples
    refused: str = ""


def candidates(graph: Graph, steps: int, bits: int | None = None) -> tuple[Options, ...]:
    """Give the options to try, in order: the likeliest first.

    `bits` are those of a weight of the target; where it has some, fewer are tried, too.
    """
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
    narrow = [
        Options(steps=steps, ranges=ranges, correct=correct, max_pool=pool, weight_bits=width)
        for pool, width in product(pools, WIDTHS)
        for ranges, correct in NARROWED
        if bits is not None and width < bits
    ]
    return (*plain, *fitted, *narrow)


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
    trained: Array | None = None  # its classes
    for place, options in enumerate(chosen):
        if place in known:
            yield place, known[place]
        else:
            if trained is None:
                (outputs,) = run_model(to_model(graph), samples).values()
                trained = classes(outputs)
            wanted = trained if labels is None else labels
            ann_error = float((trained != wanted).mean())
            yield place, _trial(graph, target, calibration, samples, wanted, ann_error, options)
        observe("tune", place + 1, len(chosen))


def _trial(
    graph: Graph,
    target: Target,
    calibration: Array,
    samples: Array,
    wanted: Array,
    ann_error: float,
    options: Options,
) -> Trial:
    try:
        made = prepare(graph, calibration, options)
        chip = narrow(target, options.weight_bits)
        refuse_unsupported(made.network, chip)
        network = in_numbers(made.network, chip, calibration, options).network
        spent = _step_cost(made.network, chip, calibration, options.steps)
    except (UnsupportedError, CapacityError) as error:
        return Trial(options=options, errors=(), operations=(), refused=str(error))
    curve = measure(network, samples, wanted, options.steps)
    operations = tuple(curve.operations.tolist())
    return Trial(
        options=options,
        errors=tuple(1 - a for a in curve.accuracy.tolist()),
        operations=operations,
        energies=_energies(spent, operations) if spent else (),
        memory=_memory(network, chip),
        ann_error=ann_error,
    )


def _memory(network: Network, target: Target) -> float | None:
    """Give the kilobytes of all weights, a kernel's once; None where they are no integers."""
    if target.arithmetic is None:
        return None
    weights = sum(j.synapse.weight.size for j in network.projections)
    return weights * target.arithmetic.weight_bits / 8000


def _step_cost(network: Network, target: Target, samples: Array, steps: int) -> Cost | None:
    """Give what a step costs on the chip's cores; None where nobody published an energy.

    Raises UnsupportedError and CapacityError where the chip cannot hold the network.
    """
    if not target.energy_pj or target.mesh is None:
        return None
    rates = measured(network, {i.name: samples[:FEW] for i in network.inputs}, steps)
    return cost(lay(network, target, rates, Wishes(effort=Effort(moves=0))))


def _energies(spent: Cost, operations: Sequence[float]) -> tuple[float, ...]:
    """Give microjoules after each step: neurons cost by the step, all else by the operation."""
    picojoules = {event: pj for event, pj in spent.energy_pj.items() if pj is not None}
    neurons = picojoules.pop("neuron", 0.0)
    each = sum(picojoules.values()) / spent.synapses if spent.synapses else 0.0
    return tuple(1e-6 * (t * neurons + n * each) for t, n in enumerate(operations, start=1))


def points(trials: Mapping[int, Trial]) -> tuple[Point, ...]:
    """Give every number of steps of every trial."""
    return tuple(
        Point(
            trial=place,
            steps=t + 1,
            error=error,
            operations=trial.operations[t],
            energy=trial.energies[t] if trial.energies else None,
            memory=trial.memory,
        )
        for place, trial in sorted(trials.items())
        for t, error in enumerate(trial.errors)
    )


def front(trials: Mapping[int, Trial], currency: Currency = "operations") -> tuple[Point, ...]:
    """Give the points that no other beats in both error and cost, cheapest first.

    Raises ModelError where the cost is energy and the target's was not published.
    """
    kept: list[Point] = []
    for point in sorted(points(trials), key=lambda p: (p.cost(currency), p.error, p.trial)):
        if not kept or point.error < kept[-1].error:
            kept.append(point)
    return tuple(kept)


def best(
    found: Sequence[Point],
    currency: Currency = "operations",
    *,
    error: float | None = None,
    budget: float | None = None,
) -> Point:
    """Give the cheapest point of at most `error`, or the best of at most the `budget`.

    `found` is the front of `currency`. Raises ModelError where none is good enough.
    """
    if not found:
        raise ModelError(
            "tune", "found nothing that the target can hold", "see why it was not tried"
        )
    good = [p for p in found if error is None or p.error <= error + 1e-12]
    if not good:
        least = min(p.error for p in found)
        wrong = f"is {error:.2%}, the least that was found is {least:.2%}"
        raise ModelError("error", wrong, "allow more, or more steps")
    within = [p for p in good if budget is None or p.cost(currency) <= budget]
    if not within:
        least = min(p.cost(currency) for p in good)
        wrong = f"of {budget:,.6g} {UNITS[currency]} is asked for, {least:,.6g} is the least found"
        raise ModelError("budget", wrong, "allow more")
    return within[-1] if error is None else within[0]


def config(trials: Mapping[int, Trial], point: Point) -> dict[str, Any]:
    """Give the options of a point, as `compile --config` reads them."""
    return asdict(replace(trials[point.trial].options, steps=point.steps))
