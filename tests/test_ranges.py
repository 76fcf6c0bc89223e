"""Ranges: the percentile of what is not zero, and the least error by trying every range."""

from itertools import combinations

import numpy as np
import pytest

from neurocomp.ranges import CELLS, LeastError, Percentile, knees


def activations(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.maximum(0, random.normal(0, 1, 20_000)) * random.exponential(1, 20_000)


def test_a_percentile_leaves_zeros_out() -> None:
    values = np.array([0.0] * 100 + [1, 2, 3, 4])
    assert Percentile(percentile=100)(values) == 4
    assert Percentile(percentile=50)(values) == 2.5
    assert Percentile()(np.zeros(5)) == 0


def error(values: np.ndarray, top: float, steps: int, v_init: float) -> float:
    """Give the mean squared error, neuron by neuron, of integrating each value."""
    v, count = np.full(len(values), v_init), np.zeros(len(values))
    for _ in range(steps):
        v += values / top
        fired = v >= 1
        count += fired
        v -= fired
    return float(((count / steps * top - values) ** 2).mean())


@pytest.mark.parametrize(("steps", "v_init"), [(2, 0.5), (4, 0.5), (8, 0.0), (64, 0.5)])
def test_no_range_errs_less_than_the_chosen(steps: int, v_init: float) -> None:
    values = activations()
    found = LeastError(steps=steps, v_init=v_init)(values)
    least = error(values, found, steps, v_init)
    others = [error(values, x * values.max(), steps, v_init) for x in np.arange(0.05, 1.01, 0.05)]
    assert least <= min(others) * 1.02


def test_fewer_steps_want_a_smaller_range() -> None:
    found = [LeastError(steps=t)(activations()) for t in (2, 8, 64)]
    assert found[0] < found[1] < found[2] <= activations().max()


def test_nothing_positive_has_no_range() -> None:
    assert LeastError(steps=4)(np.zeros(9)) == 0


def rounding(values: np.ndarray, edges: np.ndarray) -> float:
    """Give the mean squared error of rounding, up to a factor: the widths that activations are in.

    Histogrammed as the choice is, so that the least is the least of the same sums.
    """
    count, _ = np.histogram(values[values > 0], bins=CELLS, range=(0, edges[-1]))
    place = np.searchsorted(edges, (np.arange(CELLS) + 0.5) / CELLS * edges[-1])
    return float(count @ np.diff(edges)[place - 1] ** 2)


@pytest.mark.parametrize("pieces", [2, 3])
@pytest.mark.parametrize("headroom", [0.5, 1.0, 2.0])
def test_no_knees_round_better_than_the_chosen(pieces: int, headroom: float) -> None:
    values = activations(1)
    whole = headroom * float(values.max())
    found = knees(values, whole, pieces)
    assert found.shape == (pieces - 1,)
    assert (np.diff([0, *found, 1]) > 0).all()
    least = rounding(values, np.array([0, *found, 1]) * whole)
    each = [
        rounding(values, np.array([0, *(np.array(inner) / CELLS), 1]) * whole)
        for inner in combinations(range(1, CELLS), pieces - 1)
    ]
    assert least == pytest.approx(min(each), rel=1e-9)


def test_a_silent_channel_is_shared_equally() -> None:
    assert knees(np.zeros(9), 3.0, 4).tolist() == [0.25, 0.5, 0.75]
