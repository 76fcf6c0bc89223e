"""Readouts: what each reads of membranes that are known."""

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.readouts import (
    ClockedSoftmax,
    EarlyExit,
    Membrane,
    Readout,
    SoftmaxSpikes,
    softmax,
)


def steady(*drive: float, steps: int = 30, samples: int = 400) -> Array:
    """Give membranes, (samples, steps, classes), that each step adds `drive` to."""
    t = np.arange(1, steps + 1)[:, None]
    return np.broadcast_to(t * np.array(drive), (samples, steps, len(drive)))


def test_the_membrane_is_read_by_its_argmax() -> None:
    v = np.array([[[1.0, 2], [3, 2], [3, 4]]])
    assert Membrane()(v).tolist() == [[1, 0, 1]]


def test_a_delayed_readout_leaves_out_what_came_before() -> None:
    v = np.array([[[9.0, 0], [10, 3], [11, 5], [12, 7]]])
    assert Membrane(first=2)(v).tolist() == [[0, 1, 1, 1]]
    assert Membrane()(v).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("readout", [SoftmaxSpikes(seed=1), ClockedSoftmax(seed=1)])
def test_random_readouts_are_repeatable_and_find_the_largest_drive(readout: Readout) -> None:
    v = steady(0.1, 0.6, 0.3)
    classes = readout(v)
    assert (classes == readout(v)).all()
    assert (classes[:, -1] == 1).mean() > 0.98
    assert (classes[:, 0] == 1).mean() < 0.7  # before the clock ticks, or on the first chance


def test_softmax_spikes_come_as_often_as_softmax_says() -> None:
    v = np.broadcast_to(np.array([0.0, 1.0]), (1, 20_000, 2))
    drawn = np.random.Generator(np.random.PCG64(3)).random(v.shape) < softmax(v)
    share = np.e / (1 + np.e)
    assert drawn[0, :, 1].mean() == pytest.approx(share, abs=0.015)
    assert SoftmaxSpikes(seed=3)(v)[0, -1] == 1


def test_the_clock_starts_the_membrane_anew() -> None:
    """Once it has ticked, what class 0 had before does not count: class 1 now gets the drive."""
    early, late = steady(5.0, 0.0, steps=5, samples=200), steady(0.0, 1.0, steps=60, samples=200)
    v = np.concatenate([early, early[:, -1:] + late], axis=1)
    assert (ClockedSoftmax(seed=2)(v)[:, -1] == 1).mean() > 0.95
    assert (Membrane()(v[:, :20])[:, -1] == 0).all()


def test_an_early_exit_keeps_its_class_from_the_first_sure_step() -> None:
    v = np.array([[[1.0, 0], [4, 0], [4, 9]], [[1.0, 0.9], [2, 1.9], [2, 3]]])
    exit_ = EarlyExit(margin=1.5)
    assert exit_.stops(v).tolist() == [2, 3]
    assert exit_(v).tolist() == [[0, 0, 0], [0, 0, 1]]
    assert EarlyExit(margin=0.5, least=3).stops(v).tolist() == [3, 3]
