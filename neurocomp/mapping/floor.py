"""The floor that cores are laid on: the seats of all chips, and orders to walk along them."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Mesh


@dataclass(frozen=True, eq=False, slots=True)
class Floor:
    """The seats of chips that lie in a grid close to a square; chip by chip, row by row."""

    x: Array  # (seats,) column of its router over all chips
    y: Array  # (seats,) row of its router over all chips
    chip: Array  # (seats,)
    places: Array  # (rows, columns, cores of a router): the seat there, or -1
    chips: int
    links: int = 4  # of a router
    near: int = 1  # routers from a seat to the next along a row or a column, at most


def floor(mesh: Mesh, cores: int, chips: int) -> Floor:
    """Give the floor of `chips` chips, each with `cores` cores."""
    wide = max(1, ceil(sqrt(chips)))
    seat = np.arange(chips * cores)
    chip, core = seat // cores, seat % cores
    place, slot = np.divmod(cells(mesh, cores)[core], mesh.router_cores)
    y = (chip // wide) * mesh.height + place // mesh.width
    x = (chip % wide) * mesh.width + place % mesh.width
    rows, columns = -(-chips // wide) * mesh.height, wide * mesh.width
    places = np.full((rows, columns, mesh.router_cores), -1)
    places[y, x, slot] = seat
    return Floor(x=x, y=y, chip=chip, places=places, chips=chips, links=mesh.links)


def chip_floor(mesh: Mesh, chips: int) -> Floor:
    """Give the floor that whole chips are laid on, a seat each.

    Where chips are wider than high, the next chip of a row is further than that of a column.
    """
    wide = max(1, ceil(sqrt(chips)))
    along, down = max(1, round(mesh.width / mesh.height)), max(1, round(mesh.height / mesh.width))
    seat = np.arange(chips)
    y, x = (seat // wide) * down, (seat % wide) * along
    places = np.full((int(y.max()) + 1, int(x.max()) + 1, 1), -1)
    places[y, x, 0] = seat
    near = max(along, down)
    return Floor(x=x, y=y, chip=seat, places=places, chips=chips, links=mesh.links, near=near)


def cells(mesh: Mesh, cores: int) -> Array:
    """List the places of a chip that hold its `cores` cores, row by row: the first of the snake."""
    row, column = np.divmod(np.arange(mesh.places), mesh.width * mesh.router_cores)
    back = mesh.width * mesh.router_cores - 1 - column
    snake = row * mesh.width * mesh.router_cores + np.where(row % 2 == 0, column, back)
    return np.nonzero(snake < cores)[0]


def hilbert(on: Floor) -> Array:
    """List all seats along a Hilbert curve over all chips, (seats,)."""
    side = 1 << (max(on.places.shape[:2]) - 1).bit_length()
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
