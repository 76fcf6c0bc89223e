"""Weights to whole levels: the nearest."""

from typing import Literal

import numpy as np

from neurocomp.arrays import Array

Rounding = Literal["nearest", "least-squares", "adaptive"]


def top(bits: int) -> int:
    """Give the greatest magnitude of a signed, symmetric weight; one bit is a sign."""
    return int(max(1, 2 ** (bits - 1) - 1))


def nearest(levels: Array, bits: int) -> Array:
    """Round `levels` to the nearest that `bits` hold; 0 is none of one bit, but stays absent."""
    if bits == 1:
        return np.sign(levels).astype(np.int32)
    most = top(bits)
    return np.clip(np.rint(levels), -most, most).astype(np.int32)
