"""Compiled loops over moves of cores: annealing, and swaps towards the median.

A seat is a core of a router on the mesh of all chips. Arrays of seats: chip, and x and y of the
router; of cores: the seat. The cost of a pair is its flow times the hops between, and `crossing`
more where it leaves the chip. With six `links` a router, a hop may go to the next row and column at
once.
"""

import numba
import numpy as np


def _distance(a, b, x, y, chip, links, crossing):  # type: ignore[no-untyped-def]  # compiled by numba
    columns, rows = x[a] - x[b], y[a] - y[b]
    hops = abs(columns) + abs(rows)
    if links == 6 and columns * rows > 0:
        hops -= min(abs(columns), abs(rows))
    return hops + (crossing if chip[a] != chip[b] else 0.0)


def _moved(core, seat, other, link, pre, flow, seats, x, y, chip, links, crossing):  # type: ignore[no-untyped-def]  # compiled by numba
    """Give the cost that moving `core` to `seat` adds, without its pair with `other`."""
    own, added = seats[core], 0.0
    for k in range(pre[core], pre[core + 1]):
        partner = link[k]
        if partner != other:
            at = seats[partner]
            before = distance(own, at, x, y, chip, links, crossing)
            added += flow[k] * (distance(seat, at, x, y, chip, links, crossing) - before)
    return added


def _gain(core, seat, link, pre, flow, seats, holds, x, y, chip, links, crossing):  # type: ignore[no-untyped-def]  # compiled by numba
    """Give the cost that `core` adds by changing places with what lies on `seat`."""
    other = holds[seat]
    added = moved(core, seat, other, link, pre, flow, seats, x, y, chip, links, crossing)
    if other >= 0:
        own = seats[core]
        added += moved(other, own, core, link, pre, flow, seats, x, y, chip, links, crossing)
    return added


def _swap(core, seat, seats, holds):  # type: ignore[no-untyped-def]  # compiled by numba
    other, own = holds[seat], seats[core]
    seats[core], holds[seat], holds[own] = seat, core, other
    if other >= 0:
        seats[other] = own


def _draw(state):  # type: ignore[no-untyped-def]  # compiled by numba
    """Give a number of 53 bits in [0, 1). Source: Steele et al. 2014, SplitMix64."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


def _anneal(  # type: ignore[no-untyped-def]  # compiled by numba
    link,
    pre,
    flow,
    seats,
    holds,
    x,
    y,
    chip,
    places,
    links,
    near,
    within,
    crossing,
    moves,
    hot,
    cold,
    state,
):
    """Change places at random, less and less uphill; give the cost saved by the best that was seen.

    `places`, (rows, columns, cores of a router), gives the seat there or -1. With `within`, cores
    keep their chip. Moves reach so far that about half of them are made, but at least `near`.
    """
    cores, (rows, columns, slots) = len(seats), places.shape
    reach = float(max(rows, columns))
    temperature, best, now = hot, 0.0, 0.0
    kept_seats, kept_holds = seats.copy(), holds.copy()
    stages = 100
    each = max(1, moves // stages)
    for stage in range(stages):
        accepted = 0
        for _ in range(each):
            core = int(draw(state) * cores)
            own = seats[core]
            span = int(reach)
            row = y[own] + int(draw(state) * (2 * span + 1)) - span
            column = x[own] + int(draw(state) * (2 * span + 1)) - span
            if row < 0 or column < 0 or row >= rows or column >= columns:
                continue
            seat = places[row, column, int(draw(state) * slots) if slots > 1 else 0]
            if seat < 0 or seat == own or (within and chip[seat] != chip[own]):
                continue
            added = gain(core, seat, link, pre, flow, seats, holds, x, y, chip, links, crossing)
            if added <= 0 or draw(state) < np.exp(-added / temperature):
                swap(core, seat, seats, holds)
                now += added
                accepted += 1
        if now < best:
            best = now
            kept_seats[:], kept_holds[:] = seats, holds
        temperature = hot * (cold / hot) ** ((stage + 1) / stages)
        reach = min(
            max(reach * (1 - 0.44 + accepted / each), float(near)), float(max(rows, columns))
        )
    seats[:], holds[:] = kept_seats, kept_holds
    return -best


def _settle(  # type: ignore[no-untyped-def]  # compiled by numba
    link, pre, flow, seats, holds, x, y, chip, places, links, crossing, sweeps
):
    """Swap each core with the best place around the median of its partners, while that saves."""
    rows, columns, slots = places.shape
    for _ in range(sweeps):
        saved = 0.0
        for core in range(len(seats)):
            first, last = pre[core], pre[core + 1]
            if first == last:
                continue
            row = int(median(y, link, flow, seats, first, last))
            column = int(median(x, link, flow, seats, first, last))
            least, to = 0.0, -1
            for r in range(max(0, row - 1), min(rows, row + 2)):
                for c in range(max(0, column - 1), min(columns, column + 2)):
                    for k in range(slots):
                        seat = places[r, c, k]
                        if seat >= 0 and seat != seats[core]:
                            added = gain(
                                core, seat, link, pre, flow, seats, holds,
                                x, y, chip, links, crossing,
                            )  # fmt: skip
                            if added < least - 1e-9:
                                least, to = added, seat
            if to >= 0:
                swap(core, to, seats, holds)
                saved -= least
        if saved <= 0:
            break


def _median(along, link, flow, seats, first, last):  # type: ignore[no-untyped-def]  # compiled by numba
    """Give the weighted median of the partners' positions along one axis."""
    at = np.empty(last - first, dtype=np.int64)
    for k in range(first, last):
        at[k - first] = along[seats[link[k]]]
    order = np.argsort(at)
    half = flow[first:last].sum() / 2
    total = 0.0
    for k in order:
        total += flow[first + k]
        if total >= half:
            return at[k]
    return at[order[-1]]


compiled = numba.njit(cache=True)
distance = compiled(_distance)
moved = compiled(_moved)
gain = compiled(_gain)
swap = compiled(_swap)
draw = compiled(_draw)
median = compiled(_median)
anneal = compiled(_anneal)
settle = compiled(_settle)
