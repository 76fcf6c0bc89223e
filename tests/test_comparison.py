"""Compiled right is ==, with the first difference named; precise enough is numbers."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurocomp import comparison
from neurocomp.arrays import Array
from neurocomp.comparison import Report, compare, to_json
from neurocomp.engine import Loaded, Result, load
from neurocomp.errors import BackendError, GraphError
from neurocomp.program import Program
from neurocomp.simulation import Outcome
from neurocomp.snn.oracle import record
from tests.ann.corpus import CORPUS
from tests.ann.net import samples
from tests.programs import STEPS, chips, outcome, program

NAME = "residual_before_relu"
X = samples(CORPUS[NAME](), 4, seed=5)


@pytest.fixture(scope="module")
def made() -> Program:
    return program(NAME)


@pytest.fixture(scope="module")
def right(made: Program) -> Outcome:
    return outcome(made, X)


def ann() -> Array:
    graph = CORPUS[NAME]()
    return graph.run(X)[graph.output]


def check(made: Program, outcomes: Mapping[str, Outcome], labels: Array | None = None) -> Report:
    return compare(made, X, outcomes, ann(), labels)


def flipped(right: Outcome, *places: tuple[str, tuple[int, ...]]) -> Outcome:
    """Give the outcome with single spikes turned over."""
    spikes = {name: fired.copy() for name, fired in right.spikes.items()}
    for name, at in places:
        spikes[name][at] = ~spikes[name][at]
    return replace(right, spikes=spikes)


def changed(right: Outcome, at: tuple[int, ...], by: float) -> Outcome:
    readout = right.readout.copy()
    readout[at] += by
    return replace(right, readout=readout)


def test_a_simulator_without_a_mistake_is_exact(made: Program, right: Outcome) -> None:
    report = check(made, {"one": right, "two": right})
    assert report.exact
    assert report.mismatches == 0
    for found in report.backends.values():
        assert found.first_difference is None
        assert set(found.by_population) == {p.name for p in made.network.populations}
        assert not any(found.by_population.values())


@pytest.mark.parametrize(
    ("population", "at"),
    [
        ("relu1", (0, 0, 0, 0, 0)),
        ("relu1", (3, 7, 2, 4, 3)),
        ("relu3", (2, STEPS, 1, 2, 0)),
    ],
)
def test_one_spike_more_or_less_is_one_mismatch(
    made: Program, right: Outcome, population: str, at: tuple[int, ...]
) -> None:
    report = check(made, {"wrong": flipped(right, (population, at)), "right": right})
    found = report.backends["wrong"]
    assert not report.exact
    assert report.mismatches == found.mismatches == found.by_population[population] == 1
    first = found.first_difference
    assert first is not None
    assert (first.sample, first.step, first.population) == (at[0], at[1] + 1, population)
    assert first.neuron == at[2:]
    spike = int(right.spikes[population][at])
    assert (first.expected, first.found) == (spike, 1 - spike)
    assert report.backends["right"].mismatches == 0
    words = f"sample {at[0]}, step {at[1] + 1}, {population}[{at[2]}, {at[3]}, {at[4]}]: "
    assert str(first) == f"{words}expected {spike}, found {1 - spike}"


@pytest.mark.parametrize(
    ("one", "other", "earliest"),
    [
        (("relu1", (1, 9, 0, 0, 0)), ("relu3", (1, 4, 2, 4, 4)), 1),  # by step
        (("relu1", (2, 2, 0, 0, 0)), ("relu1", (1, 8, 0, 0, 0)), 1),  # by sample first
        (("relu2", (1, 8, 0, 0, 0)), ("relu1", (1, 8, 2, 4, 4)), 1),  # by running order
        (("relu1", (1, 8, 1, 0, 0)), ("relu1", (1, 8, 0, 4, 4)), 1),  # by neuron
        (("relu1", (0, 8, 1, 0, 0)), ("relu1", (3, 2, 0, 4, 4)), 0),
    ],
)
def test_of_two_differences_the_earliest_is_named(
    made: Program,
    right: Outcome,
    one: tuple[str, tuple[int, ...]],
    other: tuple[str, tuple[int, ...]],
    earliest: int,
) -> None:
    found = check(made, {"b": flipped(right, one, other)}).backends["b"]
    assert found.mismatches == 2
    name, at = (one, other)[earliest]
    first = found.first_difference
    assert first is not None
    assert (first.population, first.sample, first.step) == (name, at[0], at[1] + 1)
    assert first.neuron == at[2:]


def test_the_readouts_membrane_counts(made: Program, right: Outcome) -> None:
    readout = made.network.readout
    found = check(made, {"b": changed(right, (1, 5, 2, 0, 0), -3)}).backends["b"]
    assert found.mismatches == found.by_population[readout] == 1
    first = found.first_difference
    assert first is not None
    value = right.readout[1, 5, 2, 0, 0]
    assert (first.population, first.expected, first.found) == (readout, value, value - 3)


@pytest.mark.parametrize("chunk", [1, 3])
def test_chunks_of_samples_change_nothing(
    made: Program, right: Outcome, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = flipped(right, ("relu1", (3, 1, 0, 0, 0)), ("relu2", (2, 9, 0, 1, 0)))
    whole = to_json(check(made, {"b": wrong}, np.arange(4) % 3))
    monkeypatch.setattr(comparison, "CHUNK", chunk)
    parts = to_json(check(made, {"b": wrong}, np.arange(4) % 3))
    for one, other in zip(whole.pop("populations"), parts.pop("populations"), strict=True):
        assert one.pop("rate_error") == pytest.approx(other.pop("rate_error"))
        assert one == other
    assert whole == parts


@pytest.mark.parametrize("shift", [0, -40])
def test_a_rerun_adds_both_membranes(made: Program, right: Outcome, shift: int) -> None:
    at = (2, 6, 1, 3, 2)
    wrong = flipped(right, ("relu2", at))
    asked = []

    def rerun(backend: str, sample: int) -> Outcome:
        asked.append((backend, sample))
        one = slice(sample, sample + 1)
        v = {name: each[one] + shift for name, each in right.v.items()}
        return Outcome(spikes={}, readout=right.readout[one], v=v)

    report = compare(made, X, {"b": wrong}, ann(), rerun=rerun)
    first = report.backends["b"].first_difference
    assert asked == [("b", 2)]
    assert first is not None
    assert first.v_expected == right.v["relu2"][at]
    assert first.v_found == right.v["relu2"][at] + shift
    assert str(first).endswith(f", v {first.v_expected} and {first.v_found}")


def test_nothing_is_rerun_when_all_is_right(made: Program, right: Outcome) -> None:
    def rerun(backend: str, sample: int) -> Outcome:
        raise AssertionError("it was rerun")

    assert compare(made, X, {"b": right}, ann(), rerun=rerun).exact


def test_without_a_backend_nothing_is_proved(made: Program) -> None:
    report = check(made, {})
    assert not report.exact
    assert report.mismatches == 0
    assert to_json(report)["exact"] is False


def test_accuracy_is_the_share_of_right_labels(made: Program, right: Outcome) -> None:
    classes = right.readout[:, -1].reshape(4, -1).argmax(axis=1)
    labels = classes.copy()
    labels[0] = (labels[0] + 1) % 3
    of_ann = ann().argmax(axis=1)
    report = check(made, {"b": right}, labels)
    assert report.backends["b"].accuracy == 0.75
    assert report.accuracy["integer"] == 0.75
    assert report.accuracy["ann"] == np.mean(of_ann == labels)
    assert report.agreement["integer"] == np.mean(of_ann == classes)
    assert set(report.accuracy) == {"ann", "float", "integer"}


def test_without_labels_there_is_no_accuracy(made: Program, right: Outcome) -> None:
    report = check(made, {"b": right})
    assert report.accuracy == {}
    assert report.backends["b"].accuracy is None
    assert set(report.agreement) == {"float", "integer"}


def test_a_backends_accuracy_is_its_own(made: Program, right: Outcome) -> None:
    classes = right.readout[:, -1].reshape(4, -1).argmax(axis=1)
    readout = right.readout.copy()
    readout[2, -1] = 0
    readout[2, -1, (classes[2] + 1) % 3] = 1
    report = check(made, {"b": replace(right, readout=readout)}, classes)
    assert report.backends["b"].accuracy == 0.75
    assert report.accuracy["integer"] == 1


def test_the_numbers_of_populations_are_those_of_the_runs(made: Program, right: Outcome) -> None:
    report = check(made, {})
    length = made.network.run_length(STEPS)
    exact = record(made.network, {"x": X}, length).spikes
    wanted = record(made.reference, {"x": X}, length).spikes
    for found in report.populations[:-1]:
        start = made.network.population(found.name).start_step - 1
        counted = [s[found.name][:, start : start + STEPS].sum(axis=1) for s in (exact, wanted)]
        error = np.abs(counted[0].astype(float) - counted[1]).mean() / STEPS
        assert found.spikes == exact[found.name].sum()
        assert found.rate_error == pytest.approx(error)
        assert found.neurons == exact[found.name][0, 0].size
        assert found.state_limit == 2**23 - 1
        assert 0 < found.peak <= found.state_limit


def test_a_float_program_equals_its_reference() -> None:
    made = program(NAME, "ideal")
    report = check(made, {"b": outcome(made, X)})
    assert report.exact
    assert all(p.rate_error == 0 and p.state_limit is None for p in report.populations)
    assert report.agreement["float"] == report.agreement["integer"]


def test_gates_are_compared_too() -> None:
    made = program("max_pool_after_relu", "ideal")
    x = samples(CORPUS["max_pool_after_relu"](), 2)
    right = outcome(made, x)
    wrong = flipped(right, ("maxpool1", (1, 3, 0, 1, 1)))
    answers = np.zeros((2, 3))
    assert compare(made, x, {"b": right}, answers).exact
    report = compare(made, x, {"b": wrong}, answers, rerun=lambda backend, sample: right)
    first = report.backends["b"].first_difference
    assert first is not None
    assert (first.population, first.v_found) == ("maxpool1", None)


@pytest.mark.parametrize("name", CORPUS)
def test_the_engine_and_the_oracle_give_one_report(name: str) -> None:
    for chip in chips(name):
        made = program(name, chip)
        x = samples(CORPUS[name](), 3)
        given = outcome(made, x)
        at = (2, STEPS - 1, 0, 0, 0)
        first = made.network.populations[0].name
        wrong = flipped(given, (first, at)) if first in given.spikes else changed(given, at, 1)
        of_ann = np.zeros((3, 2))
        both = [
            to_json(compare(made, x, {"b": given, "c": wrong}, of_ann, reference=reference))
            for reference in ("engine", "oracle")
        ]
        assert [b.pop("reference").partition(",")[0] for b in both] == ["engine", "oracle"]
        assert both[0] == both[1]
        assert [b["mismatches"] for b in both[0]["backends"].values()] == [0, 1]


def test_the_oracle_has_the_last_word(
    made: Program, right: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrongly(*given: Any, **options: Any) -> Loaded:
        loaded = load(*given, **options)

        def run(inputs: Any) -> Result:
            found = loaded.run(inputs)
            if "relu1" in found.rasters:
                found.rasters["relu1"][1, 4, 0] ^= 1
            return found

        return replace(loaded, run=run)

    monkeypatch.setattr(comparison, "load", wrongly)
    words = r"relu1: sample 1, step 5, neuron \[0, 0, 0\]: the engine gives \d, the oracle \d"
    with pytest.raises(GraphError, match=words):
        check(made, {"b": right})


def test_spikes_of_another_type_are_compared_by_value(made: Program, right: Outcome) -> None:
    spikes = {name: fired.astype(np.uint8) for name, fired in right.spikes.items()}
    assert check(made, {"b": replace(right, spikes=spikes)}).exact
    spikes["relu1"] = spikes["relu1"] * 2
    twice = int(right.spikes["relu1"].sum())
    assert check(made, {"b": replace(right, spikes=spikes)}).mismatches == twice > 0


def test_progress_is_told(made: Program) -> None:
    told: list[tuple[str, int, int]] = []
    compare(made, X, {}, ann(), observe=lambda *each: told.append(each))
    assert told == [("compare", 4, 4)]


@pytest.mark.parametrize("part", ["samples", "steps", "population", "readout"])
def test_an_outcome_of_something_else_is_refused(made: Program, right: Outcome, part: str) -> None:
    spikes, readout = dict(right.spikes), right.readout
    match part:
        case "samples":
            spikes["relu1"] = spikes["relu1"][:3]
            words = f"gave shape (3, {right.readout.shape[1]}, 3, 5, 5) for relu1, not (4, "
        case "steps":
            spikes["relu1"] = spikes["relu1"][:, :5]
            words = "gave shape (4, 5, 3, 5, 5) for relu1, not (4, "
        case "population":
            del spikes["relu1"]
            words = "gave nothing for relu1, not (4, "
        case _:
            readout = readout.reshape(4, -1)
            words = f"gave shape {readout.shape} for linear1, not (4, "
    with pytest.raises(BackendError, match=f"^b: {re.escape(words)}"):
        check(made, {"b": replace(right, spikes=spikes, readout=readout)})


def test_the_report_is_json(made: Program, right: Outcome) -> None:
    wrong = flipped(right, ("relu1", (3, 1, 0, 0, 0)))
    found = json.loads(json.dumps(to_json(check(made, {"b": wrong}, np.zeros(4, int)))))
    assert found["exact"] is False
    assert (found["samples"], found["steps"]) == (4, STEPS)
    assert found["backends"]["b"]["mismatches"] == 1
    assert found["backends"]["b"]["populations"]["relu1"] == 1
    assert found["backends"]["b"]["first_difference"].startswith("sample 3, step 2, relu1[0, 0, 0]")
    names = ["name", "neurons", "spikes", "rate_error", "peak", "state_limit"]
    assert [list(p) for p in found["populations"]] == [names] * 4
