"""Two questions that are never mixed: compiled right, and precise enough?

Compiled right: every spike of every neuron of a backend equals the integer network's, and every
membrane of the readout. Precise enough: rates against the float network, classes against the ANN.
Numbers. The engine runs both networks; the oracle, which is what they mean, has the last word on
a difference, and runs them where it is asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine import Engine, Keep, Loaded, Result, load, packed, spikes
from neurocomp.errors import BackendError, GraphError
from neurocomp.observe import Observe
from neurocomp.program import Program
from neurocomp.readouts import classes
from neurocomp.simulation import Outcome
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import NoMembrane
from neurocomp.snn.oracle import simulate

CHUNK = 64  # samples at once, at most
BUDGET_BYTES = 2**28  # of one network's run
ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1)  # in a byte

Rerun = Callable[[str, int], Outcome]  # backend and sample -> that sample again, with membranes
Reference = Literal["engine", "oracle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first place where a backend differs from the network."""

    sample: int
    step: int  # from 1
    population: str
    neuron: tuple[int, int, int]  # channel, row, column
    expected: int | float  # spike, or the readout's membrane
    found: int | float
    v_expected: float | None  # membrane after the step
    v_found: float | None

    def __str__(self) -> str:
        """Write the place and both values."""
        place = f"sample {self.sample}, step {self.step}, {self.population}{list(self.neuron)}"
        v = f", v {self.v_expected} and {self.v_found}" if self.v_expected is not None else ""
        return f"{place}: expected {self.expected}, found {self.found}{v}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendCheck:
    """Compiled right? What one backend did against the compiled network."""

    mismatches: int
    by_population: Mapping[str, int]
    first_difference: Difference | None
    accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationCheck:
    """Precise enough? One population of the compiled network against the float network."""

    name: str
    neurons: int
    spikes: int
    rate_error: float  # mean absolute difference of the rates
    peak: float  # greatest membrane, in state units
    state_limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answers to both questions."""

    samples: int
    steps: int
    populations: tuple[PopulationCheck, ...]
    backends: Mapping[str, BackendCheck]
    accuracy: Mapping[str, float]  # "ann", "float", "integer": with labels only
    agreement: Mapping[str, float]  # "float", "integer": share of samples of the ANN's class
    not_run: Mapping[str, str]  # backend -> why its simulator is missing
    reference: str  # what gave the spikes that backends are compared with

    @property
    def exact(self) -> bool:
        """Say whether every backend that ran gave every spike; one must have run."""
        return bool(self.backends) and not any(b.mismatches for b in self.backends.values())

    @property
    def mismatches(self) -> int:
        """Count the differing values of all backends."""
        return sum(b.mismatches for b in self.backends.values())


@dataclass(slots=True)
class _Tally:
    """Sums over the chunks of samples."""

    spikes: dict[str, int]
    error: dict[str, float]
    peak: dict[str, float]
    classes: dict[str, list[Array]]
    mismatches: dict[str, dict[str, int]]
    first: dict[str, Difference]


def compare(
    program: Program,
    samples: Array,
    outcomes: Mapping[str, Outcome],
    ann: Array,
    labels: Array | None = None,
    *,
    not_run: Mapping[str, str] | None = None,
    rerun: Rerun | None = None,
    reference: Reference = "engine",
    observe: Observe = lambda what, done, total: None,
) -> Report:
    """Check what `outcomes`, backend -> spikes, gave for `samples` against `program`.

    `ann` is the network's own output, (samples, classes); `labels`, (samples,), are optional;
    `not_run` says why a backend is not among the outcomes.
    `rerun` fetches the membranes of a sample that differs. Raises BackendError where an outcome
    is not of these samples, steps and populations, GraphError where engine and oracle differ.
    """
    for name, outcome in outcomes.items():
        _check_outcome(program, len(samples), name, outcome)
    names = [p.name for p in program.network.populations]
    tally = _Tally(
        spikes=dict.fromkeys(names, 0),
        error=dict.fromkeys(names, 0.0),
        peak=dict.fromkeys(names, 0.0),
        classes={"float": [], "integer": []},
        mismatches={b: dict.fromkeys(names, 0) for b in outcomes},
        first={},
    )
    exact, wanted = _load(program, program.network, reference), None
    if program.reference is not program.network:
        wanted = _load(program, program.reference, reference)
    most = min(CHUNK, exact.chunk, wanted.chunk if wanted else CHUNK)
    for start in range(0, len(samples), most):
        chunk = slice(start, min(start + most, len(samples)))
        inputs = {program.network.inputs[0].name: samples[chunk]}
        found = exact.run(inputs)
        _note(program, found, wanted.run(inputs) if wanted else found, tally)
        for name, outcome in outcomes.items():
            _compare(program.network, found, chunk, name, outcome, tally)
        observe("compare", chunk.stop, len(samples))
    first = {b: _explained(program, samples, d, b, rerun) for b, d in tally.first.items()}
    made = _report(program, samples, outcomes, ann, labels, tally, first)
    return replace(made, not_run=dict(not_run or {}), reference=_named(exact.engine))


def _load(program: Program, network: Network, reference: Reference) -> Loaded:
    """Make a network ready; rates are those of as many steps as the readout has."""
    last = network.population(network.readout).start_step
    keep = Keep(
        operations=False,
        peak=network is program.network,
        rasters=tuple(p.name for p in network.populations) if network is program.network else (),
        uncounted={p.name: max(0, last - p.start_step) for p in network.populations},
    )
    level = "generic" if reference == "oracle" else None
    length = network.run_length(program.steps)
    return load(network, length, keep, budget_bytes=BUDGET_BYTES, level=level)


def _named(engine: Engine) -> str:
    return f"engine, {engine.level}" if engine.level else "oracle"


def _check_outcome(program: Program, samples: int, name: str, outcome: Outcome) -> None:
    network = program.network
    length = network.run_length(program.steps)
    for p in network.populations:
        readout = p.name == network.readout
        found = outcome.readout if readout else outcome.spikes.get(p.name)
        wanted = (samples, length, *p.shape)
        if found is None or found.shape != wanted:
            gave = "nothing" if found is None else f"shape {found.shape}"
            raise BackendError(name, f"gave {gave} for {p.name}, not {wanted}", "compile again")


def _note(program: Program, found: Result, wanted: Result, tally: _Tally) -> None:
    """Add what one chunk says of the integer network, beside the float one."""
    for p in program.network.populations:
        if p.name in found.rasters:
            tally.spikes[p.name] += int(ONES[found.rasters[p.name]].sum())
        elif p.name in found.messages:
            tally.spikes[p.name] += int(np.count_nonzero(found.messages[p.name]))
        if not isinstance(p.neuron, NoMembrane):
            top = float(max(np.abs(p.v_init).max(), found.peak[p.name].max()))
            tally.peak[p.name] = max(tally.peak[p.name], top)
        difference = np.abs(found.counts[p.name] - wanted.counts[p.name])
        tally.error[p.name] += float(difference.sum()) / program.steps
    for kind, run in (("integer", found), ("float", wanted)):
        tally.classes[kind].append(classes(run.readout[:, -1]))


def _same(run: Result, name: str, found: Array) -> bool:
    """Say whether packed spikes are equal, which is a quick look; other types are looked at."""
    bits = run.rasters.get(name)
    return bits is not None and found.dtype == bool and np.array_equal(packed(found), bits)


def _spikes(run: Result, name: str, shape: tuple[int, ...]) -> Array:
    """Give every spike of a population; an accumulator has none."""
    kept = name in run.rasters or name in run.messages
    return spikes(run, name) if kept else np.zeros(shape, dtype=bool)


def _compare(
    network: Network, run: Result, chunk: slice, name: str, outcome: Outcome, tally: _Tally
) -> None:
    """Count the values of one chunk that differ, and note the first."""
    for p in network.populations:
        readout = p.name == network.readout
        found = (outcome.readout if readout else outcome.spikes[p.name])[chunk]
        if not readout and _same(run, p.name, found):
            continue
        expected = run.readout if readout else _spikes(run, p.name, found.shape)
        wrong = found != expected
        count = int(np.count_nonzero(wrong))
        if not count:
            continue
        tally.mismatches[name][p.name] += count
        at = tuple(int(i) for i in np.unravel_index(np.argmax(wrong), wrong.shape))
        earlier = tally.first.get(name)
        here = (chunk.start + at[0], at[1] + 1)
        if earlier is None or here < (earlier.sample, earlier.step):
            tally.first[name] = Difference(
                sample=here[0],
                step=here[1],
                population=p.name,
                neuron=(at[2], at[3], at[4]),
                expected=expected[at].item() if readout else int(expected[at]),
                found=found[at].item() if readout else int(found[at]),
                v_expected=None,
                v_found=None,
            )


def _explained(
    program: Program, samples: Array, first: Difference, backend: str, rerun: Rerun | None
) -> Difference:
    """Let the oracle confirm the first difference of a backend, and add both membranes to it.

    Raises GraphError where the oracle says something else than the engine.
    """
    network, name = program.network, first.population
    inputs = {network.inputs[0].name: samples[first.sample : first.sample + 1]}
    *_, step = simulate(network, inputs, first.step)
    readout = name == network.readout
    meant = (step.v if readout else step.spikes)[name][0][first.neuron].item()
    if meant != first.expected:
        place = f"sample {first.sample}, step {first.step}, neuron {list(first.neuron)}"
        wrong = f"{place}: the engine gives {first.expected}, the oracle {meant + 0}"
        raise GraphError(name, wrong, "a bug of neurocomp: verify with --reference oracle")
    if rerun is None or isinstance(network.population(name).neuron, NoMembrane):
        return first
    found = rerun(backend, first.sample)
    v_found = (found.readout if readout else found.v[name])[0, first.step - 1]
    v_expected = step.v[name][0][first.neuron].item()
    return replace(first, v_expected=v_expected, v_found=v_found[first.neuron].item())


def _report(
    program: Program,
    samples: Array,
    outcomes: Mapping[str, Outcome],
    ann: Array,
    labels: Array | None,
    tally: _Tally,
    first: Mapping[str, Difference],
) -> Report:
    network, widths = program.network, program.target.arithmetic
    limit = widths.state_limit if widths else None
    given = {"ann": classes(ann)} | {k: np.concatenate(c) for k, c in tally.classes.items()}
    read = {name: classes(o.readout[:, -1]) for name, o in outcomes.items()}
    return Report(
        samples=len(samples),
        steps=program.steps,
        populations=tuple(
            PopulationCheck(
                name=p.name,
                neurons=int(np.prod(p.shape)),
                spikes=tally.spikes[p.name],
                rate_error=tally.error[p.name] / (len(samples) * float(np.prod(p.shape))),
                peak=tally.peak[p.name],
                state_limit=None if isinstance(p.neuron, NoMembrane) else limit,
            )
            for p in network.populations
        ),
        backends={
            name: BackendCheck(
                mismatches=sum(tally.mismatches[name].values()),
                by_population=tally.mismatches[name],
                first_difference=first.get(name),
                accuracy=_accuracy(read[name], labels),
            )
            for name in outcomes
        },
        accuracy={k: float(np.mean(c == labels)) for k, c in given.items() if labels is not None},
        agreement={k: float(np.mean(given[k] == given["ann"])) for k in ("float", "integer")},
        not_run={},
        reference="",
    )


def _accuracy(classes: Array, labels: Array | None) -> float | None:
    return None if labels is None else float(np.mean(classes == labels))


def to_json(report: Report) -> dict[str, Any]:
    """Give the report as JSON values: what `neurocomp verify --json` prints."""
    return {
        "exact": report.exact,
        "samples": report.samples,
        "steps": report.steps,
        "accuracy": dict(report.accuracy),
        "agreement": dict(report.agreement),
        "not_run": dict(report.not_run),
        "reference": report.reference,
        "backends": {name: _backend_json(report, b) for name, b in report.backends.items()},
        "populations": [
            {
                "name": p.name,
                "neurons": p.neurons,
                "spikes": p.spikes,
                "rate_error": p.rate_error,
                "peak": p.peak,
                "state_limit": p.state_limit,
            }
            for p in report.populations
        ],
    }


def _backend_json(report: Report, check: BackendCheck) -> dict[str, Any]:
    return {
        "mismatches": check.mismatches,
        "samples": report.samples,
        "steps": report.steps,
        "populations": dict(check.by_population),
        "first_difference": str(check.first_difference) if check.first_difference else None,
        "accuracy": check.accuracy,
    }
