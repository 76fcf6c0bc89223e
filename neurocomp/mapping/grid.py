"""Grids: a population cut along its three axes, so that every block is a box."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.mapping.placement import Block
from neurocomp.snn.boxes import Box, Range

Cut = tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The cuts of each axis, (channels, rows, columns)."""

    axes: tuple[Cut, Cut, Cut]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Count the ranges of each axis."""
        channels, rows, columns = self.axes
        return len(channels), len(rows), len(columns)

    @property
    def count(self) -> int:
        """Count the blocks."""
        channels, rows, columns = self.shape
        return channels * rows * columns

    def boxes(self) -> list[Box]:
        """List the blocks' boxes, columns fastest."""
        return [Box(*ranges) for ranges in product(*self.axes)]

    def labels(self) -> Array:
        """Number each neuron, (neurons,) in flat order, by its block's place in `boxes`."""
        numbers = np.arange(self.count).reshape(self.shape)
        for axis, cut in enumerate(self.axes):
            numbers = np.repeat(numbers, np.diff(cut, axis=1)[:, 0], axis=axis)
        return numbers.ravel()


def cuts(length: int) -> list[Cut]:
    """List the balanced cuts of an axis, fewest ranges first; each has a smaller longest range."""
    counts = dict.fromkeys(-(-length // longest) for longest in range(length, 0, -1))
    return [tuple((i * length // n, (i + 1) * length // n) for i in range(n)) for n in counts]


def grids(shape: Shape) -> list[Grid]:
    """List every grid of balanced cuts of a population of `shape`, fewest blocks first."""
    channels, rows, columns = (cuts(length) for length in shape)
    every = [Grid((c, r, x)) for c, r, x in product(channels, rows, columns)]
    return sorted(every, key=lambda grid: (grid.count, grid.shape))


def uncut(shape: Shape) -> Grid:
    """Give the grid of one block."""
    channels, rows, columns = shape
    return Grid((((0, channels),), ((0, rows),), ((0, columns),)))


def blocks(cut: Mapping[str, Grid]) -> tuple[Block, ...]:
    """List the blocks of all populations, in the order of `cut`."""
    return tuple(Block(population=name, box=box) for name, g in cut.items() for box in g.boxes())
