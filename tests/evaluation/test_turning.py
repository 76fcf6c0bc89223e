"""Bisection finds where each sample turns wrong, and looks no further than it must."""

from math import ceil, log2

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.evaluation.turning import turning


@pytest.mark.parametrize("layers", [1, 2, 3, 7, 100])
def test_a_sample_that_turns_once_is_wrong_from_there_on(layers: int) -> None:
    turns = np.random.default_rng(layers).integers(1, layers + 2, 50)  # layers + 1: never
    asked = np.zeros(len(turns), dtype=int)

    def right(replaced: int, which: Array) -> Array:
        asked[which] += 1
        found: Array = replaced < turns[which]
        return found

    told: list[int] = []
    found = turning(layers, np.ones(len(turns), dtype=bool), right, told.append)
    assert (found == (np.arange(layers + 1)[:, None] < turns)).all()
    assert (asked[turns == layers + 1] == 1).all()
    assert asked.max() <= 1 + ceil(log2(layers)) if layers > 1 else asked.max() == 1
    assert told == sorted(told)
    assert told[-1] == found.size


def test_ends_that_agree_speak_for_those_between() -> None:
    wrong = np.zeros(2, dtype=bool)
    found = turning(5, wrong, lambda layers, which: wrong[which])
    assert not found.any()
