"""The network of cores: routers on a mesh in each chip, and the chips joined."""

from math import ceil, sqrt
from typing import NamedTuple

import networkx as nx
import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Mesh, Target

Node = tuple[int, int, int]  # chip, row and column there: of a core, or of a router


class Moves(NamedTuple):
    """The hops of messages by the way that they go."""

    columns: Array
    rows: Array
    diagonals: Array

    @property
    def hops(self) -> Array:
        """Give the sum."""
        every: Array = self.columns + self.rows + self.diagonals
        return every


def moves(columns: Array, rows: Array, links: int) -> Moves:
    """Split distances in columns and rows, which have signs, into hops over so many links."""
    along, down = np.abs(columns), np.abs(rows)
    diagonals = np.minimum(along, down) * ((columns * rows > 0) & (links == 6))
    return Moves(along - diagonals, down - diagonals, diagonals)


def chip_position(chip: int, chips: int) -> tuple[int, int]:
    """Give row and column of `chip`; `chips` lie row by row in a grid close to a square."""
    return divmod(chip, max(1, ceil(sqrt(chips))))


def router(mesh: Mesh, core: Node) -> Node:
    """Give the router of a core; its cores lie beside each other in a row."""
    chip, row, column = core
    return chip, row, column // mesh.router_cores


def position(mesh: Mesh, chips: int, core: Node) -> tuple[int, int]:
    """Give row and column of a core's router, counted over all chips."""
    chip, row, column = router(mesh, core)
    chip_row, chip_column = chip_position(chip, chips)
    return chip_row * mesh.height + row, chip_column * mesh.width + column


def hops(mesh: Mesh, chips: int, a: Node, b: Node) -> int:
    """Count the links that a spike from core `a` to core `b` crosses."""
    (ya, xa), (yb, xb) = position(mesh, chips, a), position(mesh, chips, b)
    return int(moves(np.array(xb - xa), np.array(yb - ya), mesh.links).hops)


def topology(mesh: Mesh, chips: int) -> "nx.Graph[Node]":
    """Give the graph of all routers on `chips` chips.

    A node's `position` is its row and column over all chips; a link's `crossing` says that it joins
    two chips.
    """
    graph: nx.Graph[Node] = nx.Graph()
    at: dict[tuple[int, int], Node] = {}
    for chip in range(chips):
        for row in range(mesh.height):
            for column in range(mesh.width):
                node = (chip, row, column)
                place = position(mesh, chips, (chip, row, column * mesh.router_cores))
                at[place] = node
                graph.add_node(node, position=place)
    steps = ((0, 1), (1, 0)) if mesh.links == 4 else ((0, 1), (1, 0), (1, 1))
    for (y, x), node in at.items():
        for down, along in steps:
            neighbour = at.get((y + down, x + along))
            if neighbour is not None:
                graph.add_edge(node, neighbour, crossing=node[0] != neighbour[0])
    return graph


def cores(target: Target, mesh: Mesh) -> int:
    """Count the cores of one chip of `target`; the other places of its mesh hold none."""
    counts = [core.count for core in target.kinds]
    return mesh.places if None in counts else sum(n for n in counts if n is not None)


def snake(target: Target, mesh: Mesh, chips: int) -> list[Node]:
    """List the cores of `chips` chips so that one and the next on a chip are neighbours."""
    path, wide = [], mesh.width * mesh.router_cores
    for chip in range(chips):
        places = [
            (chip, row, column if row % 2 == 0 else wide - 1 - column)
            for row in range(mesh.height)
            for column in range(wide)
        ]
        path.extend(places[: cores(target, mesh)])
    return path
