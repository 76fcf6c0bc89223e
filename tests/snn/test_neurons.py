"""Each neuron model against a closed form that does not read its text."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.arrays import Array
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate, Neuron, Reset

quick = settings(max_examples=150, deadline=None)
units = st.sampled_from((1, 2.0**-10))
drives, thresholds = st.integers(0, 40), st.integers(1, 40)


def fire(reset: Reset, threshold: float) -> IntegrateAndFire:
    return IntegrateAndFire(v_threshold=np.full((1, 1, 1), threshold), reset=reset)


def run(neuron: Neuron, drive: Array, v_init: float = 0) -> tuple[Array, Array]:
    """Give spikes and membrane after each step, (steps,), of one neuron under `drive`, (steps,)."""
    v, spikes, membranes = np.full((1, 1, 1, 1), v_init), [], []
    for each in drive:
        v, fired = neuron.step(v, np.full((1, 1, 1, 1), each))
        spikes.append(int(fired.item()))
        membranes.append(v.item())
    return np.array(spikes), np.array(membranes)


def constant(drive: float, steps: int) -> Array:
    return np.full(steps, drive)


@quick
@given(drives, thresholds, st.integers(0, 60), st.integers(0, 39), units)
def test_a_rate_is_drive_over_threshold(d: int, th: int, steps: int, v: int, unit: float) -> None:
    d, v = min(d, th), min(v, th - 1)
    spikes, _ = run(fire("subtract", th * unit), constant(d * unit, steps), v * unit)
    assert spikes.sum() == floor(Fraction(v + steps * d, th))


@quick
@given(drives, thresholds, st.integers(1, 60), st.integers(0, 39), units)
def test_every_prefix_has_that_rate(d: int, th: int, steps: int, v: int, unit: float) -> None:
    d, v = min(d, th), min(v, th - 1)
    spikes, _ = run(fire("subtract", th * unit), constant(d * unit, steps), v * unit)
    wanted = [floor(Fraction(v + t * d, th)) for t in range(1, steps + 1)]
    assert np.cumsum(spikes).tolist() == wanted


@pytest.mark.parametrize(("threshold", "drive"), [(1.0, 1.0), (0.5, 1.0), (3, 4), (7, 7)])
def test_a_neuron_fires_at_most_once_a_step(threshold: float, drive: float) -> None:
    spikes, v = run(fire("subtract", threshold), constant(drive, 9))
    assert spikes.tolist() == [1] * 9
    assert v[-1] == 9 * (drive - threshold)  # what was too much is kept


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize(("threshold", "drive"), [(8, 2), (1.0, 0.25), (4 * 2.0**-10, 2.0**-10)])
def test_equality_spikes(reset: Reset, threshold: float, drive: float) -> None:
    spikes, _ = run(fire(reset, threshold), constant(drive, 8))
    assert spikes.tolist() == [0, 0, 0, 1, 0, 0, 0, 1]


@quick
@given(st.lists(st.integers(-20, 40), min_size=1, max_size=40), thresholds, st.integers(-9, 9))
def test_subtraction_loses_nothing(drive: list[int], threshold: int, v_init: int) -> None:
    spikes, v = run(fire("subtract", threshold), np.array(drive), v_init)
    charge = v_init + np.cumsum(drive)
    assert np.array_equal(np.cumsum(spikes) * threshold, charge - v)


@quick
@given(st.lists(st.integers(-20, 40), min_size=1, max_size=40), thresholds)
def test_a_spike_is_reaching_the_threshold(drive: list[int], threshold: int) -> None:
    for reset in ("subtract", "zero"):
        spikes, v = run(fire(reset, threshold), np.array(drive))
        before = np.concatenate([[0], v[:-1]]) + drive
        assert np.array_equal(spikes == 1, before >= threshold)


@quick
@given(st.integers(1, 40), thresholds, st.integers(1, 80), units)
def test_reset_to_zero_fires_every_so_many_steps(d: int, th: int, steps: int, unit: float) -> None:
    spikes, _ = run(fire("zero", th * unit), constant(d * unit, steps))
    every = ceil(Fraction(th, d))
    assert np.flatnonzero(spikes).tolist() == list(range(every - 1, steps, every))


@quick
@given(st.integers(1, 40), thresholds, st.integers(1, 80))
def test_reset_to_zero_obeys_equation_5a(drive: int, threshold: int, steps: int) -> None:
    d, th, t = Fraction(drive), Fraction(threshold), Fraction(steps)
    spikes, v = run(fire("zero", threshold), constant(drive, steps))
    every = ceil(th / d)
    epsilon = every * d - th
    activation = d / th
    rate = activation * th / (th + epsilon) - Fraction(int(v[-1])) / (t * (th + epsilon))
    assert Fraction(int(spikes.sum()), steps) == rate


@quick
@given(st.integers(-40, 40), st.integers(1, 60), st.integers(-9, 9), units)
def test_an_accumulator_adds_and_never_fires(d: int, steps: int, v: int, unit: float) -> None:
    spikes, membrane = run(Accumulator(), constant(d * unit, steps), v * unit)
    assert not spikes.any()
    assert membrane.tolist() == [(v + t * d) * unit for t in range(1, steps + 1)]


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_a_negative_drive_silences_and_is_remembered(reset: Reset) -> None:
    spikes, v = run(fire(reset, 1), np.array([-1] * 5 + [1] * 6))
    assert spikes.tolist() == [0] * 10 + [1]
    assert v[4] == -5


def winners(taps: Array) -> list[int]:
    """Give what one window's gate passes on, (steps,), of `taps`, (steps, taps): a tally a tap."""
    tally, passed = [0] * taps.shape[1], []
    for row in taps.tolist():
        for i, fired in enumerate(row):
            tally[i] += fired
        passed.append(row[tally.index(max(tally))])
    return passed


@quick
@given(st.integers(1, 6), st.integers(1, 25), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_a_gate_passes_on_its_most_active_tap(taps: int, steps: int, seed: int, p: float) -> None:
    spikes = np.random.default_rng(seed).random((steps, 2, 1, 2, 2, taps)) < p
    gate, counts = MaxGate(), np.zeros((2, 1, 2, 2, taps), dtype=np.int64)
    passed = []
    for step in spikes:
        counts, fired = gate.step(counts, step)
        passed.append(fired)
    assert np.array_equal(counts, spikes.sum(axis=0))
    for sample, y, x in np.ndindex(2, 2, 2):
        of_window = [int(fired[sample, 0, y, x]) for fired in passed]
        assert of_window == winners(spikes[:, sample, 0, y, x].astype(int))


@pytest.mark.parametrize(
    ("taps", "passed"),
    [
        ([[0, 1], [1, 0]], [1, 1]),  # after the second step both have one: the first wins
        ([[0, 1], [0, 1], [1, 0], [1, 0]], [1, 1, 0, 1]),
        ([[0, 0], [0, 0]], [0, 0]),
        ([[0, 1], [1, 1], [0, 1]], [1, 1, 1]),
        ([[1, 0], [0, 1]], [1, 0]),  # a tie, and the first did not fire in this step
    ],
)
def test_of_equal_taps_the_first_wins(taps: list[list[int]], passed: list[int]) -> None:
    gate, counts, found = MaxGate(), np.zeros((1, 1, 1, 1, 2), dtype=np.int64), []
    for step in taps:
        counts, fired = gate.step(counts, np.array(step, dtype=bool).reshape(1, 1, 1, 1, 2))
        found.append(int(fired.item()))
    assert found == passed
