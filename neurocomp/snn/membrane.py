"""A membrane of few bits, and what it does with a sum that leaves them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurocomp.arrays import Array

Overflow = Literal["saturate", "wrap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Membrane:
    """A signed whole number of `bits`: it stays at its end, or goes on from the other one.

    The two ends of one that saturates are +-(2^(bits - 1) - 1), as in lava-nc's PyLifModelBitAcc;
    one that wraps around is a number in two's complement, whose lower end is one less.
    """

    bits: int
    overflow: Overflow

    @property
    def limit(self) -> int:
        """Give the greatest number that it holds."""
        return int(2 ** (self.bits - 1) - 1)

    def hold(self, v: Array) -> Array:
        """Give `v`, whole numbers of any size, as the membrane holds it."""
        if self.overflow == "saturate":
            return np.clip(v, -self.limit, self.limit)
        half = self.limit + 1
        wrapped: Array = (v + half) % (2 * half) - half
        return wrapped


def held(v: Array, membrane: Membrane | None) -> Array:
    """Give `v` as `membrane` holds it; None is as wide as any sum."""
    return v if membrane is None else membrane.hold(v)
