"""The grid that makes float sums exact.

Weights, biases and thresholds of a population are rounded to multiples of one power of two, 2^-24
of the largest of them. Sums of such numbers are exact in float64 as long as they stay below 2^53
steps of the grid, so the order of adding does not matter and two simulators can be compared with
`==`.
"""

from math import ceil, log2

import numpy as np

from neurocomp.arrays import Array, readonly

BITS = 24  # of a weight, relative to the population's largest number
SAMPLE_BITS = 22  # of an analog input at most, relative to its calibrated range
EXACT_BITS = 53  # of float64


def step_below(largest: float, bits: int = BITS) -> float:
    """Give the power of two that is `largest` / 2^`bits`, rounded up; 2^-bits where it is 0."""
    return 2.0 ** (ceil(log2(largest)) - bits) if largest > 0 else 2.0**-bits


def sample_bits(values: int) -> int:
    """Give the bits of a sample of `values` numbers: weights keep as many in a sum over all."""
    return min(SAMPLE_BITS, (EXACT_BITS - 1 - ceil(log2(max(2, values)))) // 2)


def current_bits(fan_in: int, sample: int) -> int:
    """Give the bits of weights whose `fan_in` products with `sample` bits add up exactly."""
    return min(BITS, EXACT_BITS - sample - 1 - ceil(log2(max(2, fan_in))))


def snap(values: Array, step: float) -> Array:
    """Round `values` to multiples of `step`, as float64."""
    return readonly(np.rint(np.asarray(values, dtype=np.float64) / step) * step)
