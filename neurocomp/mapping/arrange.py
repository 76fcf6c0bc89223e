"""Lay the cores of a large network on the mesh: to chips, chips on their mesh, cores in each, all.

The budget is in moves, so the same seed gives the same places on every machine. Rounds are each
eight times as long as the one before, and the best is kept, so a larger budget is never worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from neurocomp.arrays import Array
from neurocomp.hw.target import Mesh
from neurocomp.hw.topology import moves
from neurocomp.mapping.chips import to_chips
from neurocomp.mapping.floor import Floor, chip_floor, floor

FIRST, GROWTH = 2**15, 8  # moves of the first round, and how much longer each next one is
INSIDE, INSIDE_MOST = 2_000, 2**22  # moves a core inside its chip before the rounds, and of all
ENOUGH = 200_000  # moves a core: more than these do not help
MOVES = 20_000_000  # what is spent where nothing else is asked for
HOT, COLD = 6.0, 0.02  # temperatures, in the mean flow of a pair times a hop


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to look for places."""

    moves: int = MOVES  # of cores, in whole rounds; 0: swaps towards the median only
    crossing: float = 7.0  # hops that a link between chips counts for, beside its own
    seed: int = 0


def arrange(flow: csr_array, mesh: Mesh, cores: int, chips: int, effort: Effort) -> Array:
    """Give the seat of each core, (cores,), on the floor of `chips` chips of `cores` cores each.

    `flow`, (cores, cores), is what each sends to each other.
    """
    both = symmetric(flow)
    on = floor(mesh, cores, chips)
    chip = to_chips(both, chips, cores, effort.seed)
    chip = _chips_placed(both, chip, mesh, chips, effort)[chip]
    seats = _in_order(chip, on)
    inside = min(INSIDE * len(seats), INSIDE_MOST)
    if chips > 1 and effort.moves:
        seats = annealed(both, seats, on, effort, (inside,), within=True)
    return annealed(both, seats, on, effort, rounds(effort.moves, len(seats)), within=False)


def symmetric(flow: csr_array) -> csr_array:
    """Give what two cores exchange, without what one sends to itself."""
    both = coo_array(flow + flow.T)
    apart = both.row != both.col
    kept = (both.data[apart], (both.row[apart], both.col[apart]))
    return csr_array(coo_array(kept, shape=both.shape))


def cost(flow: csr_array, seats: Array, on: Floor, crossing: float = 0.0) -> float:
    """Sum flow times hops, and `crossing` more a spike that leaves its chip."""
    pairs = coo_array(flow)
    a, b = seats[pairs.row], seats[pairs.col]
    hops = moves(on.x[b] - on.x[a], on.y[b] - on.y[a], on.links).hops
    return float((pairs.data * (hops + crossing * (on.chip[a] != on.chip[b]))).sum())


def annealed(
    both: csr_array, seats: Array, on: Floor, effort: Effort, each: Sequence[int], *, within: bool
) -> Array:
    """Give better seats: by swaps towards the median, then by rounds of annealing."""
    from neurocomp.mapping import kernels  # late: numba takes a second to import

    if not both.nnz:
        return seats
    seats, holds = seats.astype(np.int64), _holders(seats, on)
    graph = (both.indices.astype(np.int64), both.indptr.astype(np.int64), both.data.astype(float))
    where = (on.x.astype(np.int64), on.y.astype(np.int64), on.chip.astype(np.int64))
    mean = float(both.data.mean())
    if not within:
        kernels.settle(*graph, seats, holds, *where, on.places, on.links, effort.crossing, 20)
    state = np.array([effort.seed], dtype=np.uint64)
    hot = HOT * mean * float(np.sqrt(both.nnz / max(1, len(seats))))
    for count in each:
        kernels.anneal(
            *graph, seats, holds, *where, on.places, on.links, on.near, within, effort.crossing,
            count, hot, COLD * mean, state,
        )  # fmt: skip
    return seats


def rounds(most: int, cores: int) -> list[int]:
    """List the moves of each round: whole ones, whose sum is at most `most`."""
    found, each = list[int](), FIRST
    while sum(found) + each <= min(most, max(FIRST, ENOUGH * cores)):
        found.append(each)
        each *= GROWTH
    return found


def _holders(seats: Array, on: Floor) -> Array:
    holds = np.full(len(on.x), -1)
    holds[seats] = np.arange(len(seats))
    return holds


def _in_order(chip: Array, on: Floor) -> Array:
    """Give each core a seat of its chip, in their order."""
    seats = np.empty(len(chip), dtype=np.int64)
    for c in range(on.chips):
        mine = np.nonzero(chip == c)[0]
        seats[mine] = np.nonzero(on.chip == c)[0][: len(mine)]
    return seats


def _chips_placed(both: csr_array, chip: Array, mesh: Mesh, chips: int, effort: Effort) -> Array:
    """Give the place of each chip on the mesh of chips, (chips,)."""
    if chips < 3:
        return np.arange(chips)
    member = csr_array((np.ones(len(chip)), (np.arange(len(chip)), chip)), (len(chip), chips))
    between = symmetric(csr_array(member.T @ both @ member))
    alone = chip_floor(mesh, chips)
    small = Effort(crossing=0.0, seed=effort.seed)
    each = rounds(effort.moves, chips)
    return annealed(between, np.arange(chips), alone, small, each, within=False)
