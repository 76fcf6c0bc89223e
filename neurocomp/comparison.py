"""Two questions that are never mixed: compiled right, and precise enough?

Compiled right: every spike of every neuron of a backend equals the integer oracle's, and every
membrane of the readout. Precise enough: rates against the float network, classes against the ANN.
Numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import BackendError
from neurocomp.program import Program
from neurocomp.simulation import Outcome
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import NoMembrane
from neurocomp.snn.oracle import Step, simulate

CHUNK = 64  # samples that the oracle holds at once

Observe = Callable[[str, int, int], None]
Rerun = Callable[[str, int], Outcome]  # backend and sample -> that sample again, with membranes


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first place where a backend differs from the oracle."""

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
    """Compiled right? What one backend did against the oracle of the compiled network."""

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
    observe: Observe = lambda what, done, total: None,
) -> Report:
    """Check what `outcomes`, backend -> spikes, gave for `samples` against `program`.

    `ann` is the network's own output, (samples, classes); `labels`, (samples,), are optional;
    `not_run` says why a backend is not among the outcomes.
    `rerun` fetches the membranes of a sample that differs. Raises BackendError where an outcome
    is not of these samples, steps and populations.
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
    for start in range(0, len(samples), CHUNK):
        chunk = slice(start, min(start + CHUNK, len(samples)))
        _check_chunk(program, samples[chunk], chunk, outcomes, tally)
        observe("oracle", chunk.stop, len(samples))
    first = {b: _with_membranes(program, samples, d, b, rerun) for b, d in tally.first.items()}
    found = _report(program, samples, outcomes, ann, labels, tally, first)
    return replace(found, not_run=dict(not_run or {}))


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


def _check_chunk(
    program: Program, samples: Array, chunk: slice, outcomes: Mapping[str, Outcome], tally: _Tally
) -> None:
    """Run both oracles side by side over one chunk, step by step."""
    network, reference, steps = program.network, program.reference, program.steps
    length = network.run_length(steps)
    inputs = {network.inputs[0].name: samples}
    rates = {p.name: np.zeros((len(samples), *p.shape)) for p in network.populations}
    exact, wanted = simulate(network, inputs, length), simulate(reference, inputs, length)
    for step, float_step in zip(exact, wanted, strict=True):
        for p in network.populations:
            fired = step.spikes[p.name]
            tally.spikes[p.name] += int(fired.sum())
            if not isinstance(p.neuron, NoMembrane):
                top = float(np.abs(step.peak[p.name]).max(initial=0))
                tally.peak[p.name] = max(tally.peak[p.name], top)
            if p.start_step <= step.t < p.start_step + steps:
                rates[p.name] += fired.astype(float) - float_step.spikes[p.name]
        for name, outcome in outcomes.items():
            _compare(network, step, chunk, name, outcome, tally)
    for name, difference in rates.items():
        tally.error[name] += float(np.abs(difference).sum()) / steps
    for kind, last in (("integer", step), ("float", float_step)):
        tally.classes[kind].append(_classes(last.v[network.readout]))


def _compare(
    network: Network, step: Step, chunk: slice, name: str, outcome: Outcome, tally: _Tally
) -> None:
    """Count the values of one step that differ, and note the first."""
    for p in network.populations:
        readout = p.name == network.readout
        expected = step.v[p.name] if readout else step.spikes[p.name]
        whole = outcome.readout if readout else outcome.spikes[p.name]
        found = whole[chunk, step.t - 1]
        wrong = found != expected
        count = int(wrong.sum())
        if not count:
            continue
        tally.mismatches[name][p.name] += count
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        earlier = tally.first.get(name)
        here = (chunk.start + at[0], step.t)
        if earlier is None or here < (earlier.sample, earlier.step):
            tally.first[name] = Difference(
                sample=here[0],
                step=step.t,
                population=p.name,
                neuron=(at[1], at[2], at[3]),
                expected=expected[at].item() if readout else int(expected[at]),
                found=found[at].item() if readout else int(found[at]),
                v_expected=None,
                v_found=None,
            )


def _with_membranes(
    program: Program, samples: Array, first: Difference, backend: str, rerun: Rerun | None
) -> Difference:
    """Add both membranes to the first difference of a backend."""
    if rerun is None or isinstance(program.network.population(first.population).neuron, NoMembrane):
        return first
    found = rerun(backend, first.sample)
    network = program.network
    inputs = {network.inputs[0].name: samples[first.sample : first.sample + 1]}
    *_, step = simulate(network, inputs, first.step)
    if first.population == network.readout:
        v_found = found.readout[0, first.step - 1]
    else:
        v_found = found.v[first.population][0, first.step - 1]
    return Difference(
        sample=first.sample,
        step=first.step,
        population=first.population,
        neuron=first.neuron,
        expected=first.expected,
        found=first.found,
        v_expected=step.v[first.population][0][first.neuron].item(),
        v_found=v_found[first.neuron].item(),
    )


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
    limit = 2 ** (widths.state_bits - 1) - 1 if widths else None
    classes = {"ann": _classes(ann)} | {k: np.concatenate(c) for k, c in tally.classes.items()}
    read = {name: _classes(o.readout[:, -1]) for name, o in outcomes.items()}
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
        accuracy={k: float(np.mean(c == labels)) for k, c in classes.items() if labels is not None},
        agreement={k: float(np.mean(classes[k] == classes["ann"])) for k in ("float", "integer")},
        not_run={},
    )


def _classes(outputs: Array) -> Array:
    classes: Array = np.argmax(outputs.reshape(len(outputs), -1), axis=1)
    return classes


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
