"""Give every block a core of its own, so that spikes have few hops to go.

Blocks follow a snake through the chips in the order of the network; then pairs change places as
long as that saves hops. Deterministic.
"""

from collections.abc import Mapping

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import CapacityError
from neurocomp.hw.target import Mesh, Target
from neurocomp.hw.topology import cores, moves, position, snake
from neurocomp.mapping.grid import Grid, blocks
from neurocomp.mapping.placement import Block, Place
from neurocomp.mapping.traffic import traffic
from neurocomp.snn.network import Network

SWAPPED = 512  # blocks; above it the snake stays as it is, for swaps take their square in time
SWEEPS = 20


def place(grids: Mapping[str, Grid], network: Network, target: Target) -> dict[Block, Place]:
    """Give each block of `grids` its place, no core twice; without a mesh all share the one core.

    Raises CapacityError where there are more blocks than cores.
    """
    every = blocks(grids)
    if target.mesh is None:
        return dict.fromkeys(every, Place(chip=0, row=0, column=0))
    mesh, chips = target.mesh, chips_for(grids, target, target.mesh)
    path = snake(target, mesh, chips)
    if len(every) <= SWAPPED:
        flow = traffic(network, grids)
        seats = np.array([position(mesh, chips, node) for node in path])
        path = [path[s] for s in swapped((flow + flow.T).toarray(), seats, mesh.links)]
    nodes = path[: len(every)]
    return {
        block: Place(chip=chip, row=row, column=column)
        for block, (chip, row, column) in zip(every, nodes, strict=True)
    }


def chips_for(grids: Mapping[str, Grid], target: Target, mesh: Mesh) -> int:
    """Count the chips that all blocks take. Raises CapacityError where so many cannot be joined."""
    needed, each = sum(grid.count for grid in grids.values()), cores(target, mesh)
    chips = -(-needed // each)
    refuse_many(grids, needed, chips, target, mesh)
    return chips


def refuse_many(
    grids: Mapping[str, Grid], needed: int, chips: int, target: Target, mesh: Mesh
) -> None:
    """Raise CapacityError where so many chips cannot be joined."""
    each = cores(target, mesh)
    if mesh.chips is not None and chips > mesh.chips:
        largest = max(grids, key=lambda name: grids[name].count)
        raise CapacityError(
            "the network",
            f"needs {needed} cores, {mesh.chips} {target.name} of {each} have {mesh.chips * each}",
            f"make it smaller: {largest} alone takes {grids[largest].count}",
        )


def spike_hops(flow: Array, seats: Array, seat: Array, links: int = 4) -> float:
    """Sum flow times hops over all pairs of blocks; `flow` is symmetric, (blocks, blocks)."""
    return float((flow * distances(seats[seat], links)).sum() / 2)


def swapped(flow: Array, seats: Array, links: int = 4) -> Array:
    """Give each block's seat, (blocks,): an index into `seats`, (cores, 2).

    Starts in order; a block swaps with a block or an empty seat. `flow`, (blocks, blocks), is
    symmetric: the spikes that two blocks exchange.
    """
    count = len(flow)
    hops = distances(seats, links)
    flow = np.pad(flow, (0, len(seats) - count))  # empty seats are silent blocks
    np.fill_diagonal(flow, 0)
    seat = np.arange(len(seats))
    cost = flow @ hops  # (blocks, seats): what a block would pay on each seat
    for _ in range(SWEEPS):
        if not any([_swap_best(flow, hops, seat, cost, i) for i in range(count)]):
            break
    return seat[:count]


def _swap_best(flow: Array, hops: Array, seat: Array, cost: Array, i: int) -> bool:
    """Swap block `i` in place with the one that saves most hops. Say whether one saves any."""
    every, own = np.arange(len(seat)), int(seat[i])
    before, after = cost[i, own] + cost[every, seat], cost[i, seat] + cost[:, own]
    gain = before - after - 2 * flow[i] * hops[own, seat]  # both still see the other's old seat
    j = int(np.argmax(gain))
    if gain[j] <= 0:
        return False
    cost += np.outer(flow[:, i] - flow[:, j], hops[seat[j]] - hops[own])
    seat[i], seat[j] = seat[j], own
    return True


def distances(seats: Array, links: int) -> Array:
    """Give the hops between all pairs of `seats`, (cores, cores)."""
    rows, columns = (seats[None, :, axis] - seats[:, None, axis] for axis in (0, 1))
    return moves(columns, rows, links).hops.astype(np.float64)
