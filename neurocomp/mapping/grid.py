"""Grids: a population cut along its three axes, so that every block is a box."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.mapping.placement import Block
from neurocomp.snn.boxes import Box, Range

Cut = tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The cuts of each axis, (channels, rows, columns), and of the input channels.

    With `groups` above 1 each box is computed by so many blocks, each from its group of input
    channels: every one but the last passes its partial sums on to the next.
    """

    axes: tuple[Cut, Cut, Cut]
    groups: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Count the ranges of each axis."""
        channels, rows, columns = self.axes
        return len(channels), len(rows), len(columns)

    @property
    def count(self) -> int:
        """Count the blocks."""
        channels, rows, columns = self.shape
        return self.groups * channels * rows * columns

    @property
    def last(self) -> int:
        """Count the blocks of the last group: those whose neurons spike."""
        return self.count // self.groups

    def boxes(self) -> list[Box]:
        """List the blocks' boxes, group by group, columns fastest."""
        return [Box(*ranges) for ranges in product(*self.axes)] * self.groups

    def labels(self) -> Array:
        """Number each neuron, (neurons,) in flat order, by its block's place in one group."""
        numbers = np.arange(self.last).reshape(self.shape)
        for axis, cut in enumerate(self.axes):
            numbers = np.repeat(numbers, np.diff(cut, axis=1)[:, 0], axis=axis)
        return numbers.ravel()


@cache
def cuts(length: int) -> tuple[Cut, ...]:
    """List the balanced cuts of an axis, fewest ranges first; each has a smaller longest range."""
    counts = dict.fromkeys(-(-length // longest) for longest in range(length, 0, -1))
    return tuple(parts(length, n) for n in counts)


@cache
def parts(length: int, count: int) -> Cut:
    """Cut an axis into `count` balanced ranges, of which the last is a longest."""
    return tuple((i * length // count, (i + 1) * length // count) for i in range(count))


@lru_cache(maxsize=4096)
def joined(length: int, counts: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Give begin and end of all ranges of several cuts of an axis, and where each cut's start."""
    ranges = np.array([r for n in counts for r in parts(length, n)])
    return ranges[:, 0], ranges[:, 1], np.cumsum([0, *counts[:-1]])


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
    """List the blocks of all populations, in the order of `cut`; no grid has groups."""
    return tuple(Block(population=name, box=box) for name, g in cut.items() for box in g.boxes())
