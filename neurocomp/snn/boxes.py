"""Boxes: one range per axis of a population's (channels, rows, columns).

A block of a population is a box and not an interval of its flattened order, so that what a
convolution needs of its sources is again a box and can be counted in closed form.
"""

from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.errors import GraphError

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open ranges of channels, rows and columns."""

    channels: Range
    rows: Range
    columns: Range

    @property
    def ranges(self) -> tuple[Range, Range, Range]:
        """Give the three ranges in the order of the axes."""
        return self.channels, self.rows, self.columns

    @property
    def shape(self) -> tuple[int, int, int]:
        """Give the length of each axis."""
        (c0, c1), (y0, y1), (x0, x1) = self.ranges
        return c1 - c0, y1 - y0, x1 - x0

    @property
    def size(self) -> int:
        """Count the neurons inside."""
        channels, rows, columns = self.shape
        return channels * rows * columns

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Give the index that cuts the box out of an array of the population's shape."""
        return slice(*self.channels), slice(*self.rows), slice(*self.columns)

    def indices(self, shape: Shape) -> Array:
        """Give the flat index, (size,), of each neuron inside, in a population of `shape`."""
        _, rows, columns = shape
        channel, row, column = np.ix_(*(np.arange(*r) for r in self.ranges))
        flat: Array = (channel * rows + row) * columns + column
        return flat.ravel()

    def overlap(self, other: "Box") -> int:
        """Count the neurons that both boxes hold."""
        size = 1
        for (a0, a1), (b0, b1) in zip(self.ranges, other.ranges, strict=True):
            size *= max(0, min(a1, b1) - max(a0, b0))
        return size

    def __str__(self) -> str:
        """Write the ranges as an index, `[0:6,0:24,0:24]`."""
        return "[" + ",".join(f"{a}:{b}" for a, b in self.ranges) + "]"


def whole(shape: Shape) -> Box:
    """Give the box that holds all of a population of `shape`, (channels, rows, columns)."""
    channels, rows, columns = shape
    return Box((0, channels), (0, rows), (0, columns))


def volume(shape: Shape) -> tuple[int, int, int]:
    """Write a value's shape without batch as (channels, rows, columns), same order of elements.

    Features, (n,), become channels; a sequence, (channels, length), becomes one row.
    """
    match shape:
        case ():
            return 1, 1, 1
        case (n,):
            return n, 1, 1
        case (channels, length):
            return channels, 1, length
        case (channels, rows, columns):
            return channels, rows, columns
        case _:
            raise GraphError(
                f"shape {shape}", f"has {len(shape)} axes, at most 3 can be placed", "reshape it"
            )
