"""The floor that cores are laid on: the seats of all chips, and orders to walk along them."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Mesh


@dataclass(frozen=True, eq=False, slots=True)
class Floor:
    """The seats of chips that lie in a grid close to a square; chip by chip, row by row."""

    x: Array  # (seats,) column over all chips
    y: Array  # (seats,) row over all chips
    chip: Array  # (seats,)
    places: Array  # (rows, columns): the seat there, or -1
    chips: int


def floor(mesh: Mesh, cores: int, chips: int) -> Floor:
    """Give the floor of `chips` chips, each with its first `cores` places."""
    wide = max(1, ceil(sqrt(chips)))
    seat = np.arange(chips * cores)
    chip, core = seat // cores, seat % cores
    y = (chip // wide) * mesh.height + core // mesh.width
    x = (chip % wide) * mesh.width + core % mesh.width
    places = np.full((-(-chips // wide) * mesh.height, wide * mesh.width), -1)
    places[y, x] = seat
    return Floor(x=x, y=y, chip=chip, places=places, chips=chips)


def hilbert(on: Floor) -> Array:
    """List all seats along a Hilbert curve over all chips, (seats,)."""
    side = 1 << (max(on.places.shape) - 1).bit_length()
    x, y, index = on.x.copy(), on.y.copy(), np.zeros_like(on.x)
    step = side // 2
    while step:
        right, down = (x & step) > 0, (y & step) > 0
        index += step * step * ((3 * right) ^ down)
        flip = ~down & right
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(down, x, y), np.where(down, y, x)
        step //= 2
    order: Array = np.argsort(index, kind="stable")
    return order
