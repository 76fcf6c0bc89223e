"""Random spikes: the right share of them, and the same for the same sample wherever it stands."""

import numpy as np
import pytest

from neurocomp.snn.neurons import FULL, Poisson
from neurocomp.snn.random import draws


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99, 1.0])
def test_the_rate_is_the_probability(share: float) -> None:
    neuron, drive = Poisson(seed=4), np.full((3, 1, 20, 20), round(share * FULL), dtype=np.int64)
    v, count, steps = np.zeros_like(drive), 0, 50
    for _ in range(steps):
        v, fired = neuron.step(v, drive)
        count += int(fired.sum())
    n = drive.size * steps
    assert abs(count / n - share) <= 4 * (share * (1 - share) / n) ** 0.5


def test_neighbours_steps_seeds_and_samples_are_independent() -> None:
    drive = np.full((1, 1, 50, 50), 7)
    first = draws(1, drive, 1) / FULL
    others = [draws(1, drive, 2), draws(2, drive, 1), draws(1, drive + 1, 1)]
    shifted = np.roll(first, 1, axis=3)
    for other in (*(o / FULL for o in others), shifted):
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.1


def test_a_sample_gets_the_same_spikes_alone_and_as_float() -> None:
    drive = np.random.default_rng(0).integers(0, FULL, (4, 2, 3, 3))
    together = draws(9, drive, 5)
    assert (together[2:3] == draws(9, drive[2:3], 5)).all()
    assert (together == draws(9, drive.astype(np.float64), 5)).all()


def test_the_bits_never_change() -> None:
    drive = np.arange(4).reshape(1, 4, 1, 1)
    assert draws(2017, drive, 3).ravel().tolist() == PINNED


PINNED = [18634, 34411, 12786, 54418]
