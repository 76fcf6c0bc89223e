"""The network of cores as a networkx graph: one mesh a chip, and the chips joined."""

from math import ceil, sqrt

import networkx as nx

from neurocomp.hw.target import Mesh, Target

Node = tuple[int, int, int]  # chip, row and column there


def chip_position(chip: int, chips: int) -> tuple[int, int]:
    """Give row and column of `chip`; `chips` lie row by row in a grid close to a square."""
    return divmod(chip, max(1, ceil(sqrt(chips))))


def position(mesh: Mesh, chips: int, node: Node) -> tuple[int, int]:
    """Give row and column of a core, counted over all chips."""
    chip, row, column = node
    chip_row, chip_column = chip_position(chip, chips)
    return chip_row * mesh.height + row, chip_column * mesh.width + column


def hops(mesh: Mesh, chips: int, a: Node, b: Node) -> int:
    """Count the links that a spike from `a` to `b` crosses: along the row, then the column."""
    (ya, xa), (yb, xb) = position(mesh, chips, a), position(mesh, chips, b)
    return abs(ya - yb) + abs(xa - xb)


def topology(mesh: Mesh, chips: int) -> "nx.Graph[Node]":
    """Give the graph of all places on `chips` chips.

    A node's `position` is its row and column over all chips; a link's `crossing` says that it joins
    two chips.
    """
    graph: nx.Graph[Node] = nx.Graph()
    at: dict[tuple[int, int], Node] = {}
    for chip in range(chips):
        for row in range(mesh.height):
            for column in range(mesh.width):
                node = (chip, row, column)
                at[position(mesh, chips, node)] = node
                graph.add_node(node, position=position(mesh, chips, node))
    for (y, x), node in at.items():
        for neighbour in (at.get((y, x + 1)), at.get((y + 1, x))):
            if neighbour is not None:
                graph.add_edge(node, neighbour, crossing=node[0] != neighbour[0])
    return graph


def cores(target: Target, mesh: Mesh) -> int:
    """Count the cores of one chip of `target`; the other places of its mesh hold none."""
    return mesh.width * mesh.height if target.core.count is None else target.core.count


def snake(target: Target, mesh: Mesh, chips: int) -> list[Node]:
    """List the cores of `chips` chips so that one and the next on a chip are neighbours."""
    path = []
    for chip in range(chips):
        places = [
            (chip, row, column if row % 2 == 0 else mesh.width - 1 - column)
            for row in range(mesh.height)
            for column in range(mesh.width)
        ]
        path.extend(places[: cores(target, mesh)])
    return path
