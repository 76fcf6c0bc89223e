"""What a layout costs: hops, links, energy and time, each beside what it cannot go below."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array

from neurocomp.arrays import Array
from neurocomp.hw.topology import Moves, moves
from neurocomp.mapping.arrange import symmetric
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.floor import Floor
from neurocomp.mapping.grid import Grid
from neurocomp.mapping.layout import Layout
from neurocomp.snn.rates import total


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Per step, unless it says otherwise."""

    packets: float  # messages between cores
    hops: float
    least_hops: float  # what no placement of these cores can go below
    longest: int  # hops of one message
    crossing: float  # share of packets that leave their chip
    link_mean: float  # packets over a link that is used
    link_most: float
    synapses: float  # synaptic events
    spikes: float
    neurons: int  # updates
    events: Mapping[str, float]  # how often each of hw/target.py's EVENTS happens
    energy_pj: Mapping[str, float | None]  # by event, and "static"; None: not published
    time_ns: Mapping[str, float | None]  # core, link, barrier, tick; None: not published

    @property
    def mean_hops(self) -> float:
        """Give the hops of a packet."""
        return self.hops / self.packets if self.packets else 0.0

    @property
    def step_ns(self) -> float | None:
        """Give the time of a step: the slower of core and link, and the barrier; at least a tick.

        Source: Timcheck et al. 2026 (arXiv 2601.10035) for the maximum. None: not published.
        """
        core, link, tick = (self.time_ns[part] for part in ("core", "link", "tick"))
        if core is None or link is None:
            return tick
        return max(max(core, link) + (self.time_ns["step"] or 0.0), tick or 0.0)


def cost(layout: Layout) -> Cost:
    """Count everything that a step of `layout` costs."""
    pairs, on = coo_array(layout.flow), layout.floor
    apart = pairs.row != pairs.col
    flow = pairs.data[apart]
    a, b = layout.seats[pairs.row[apart]], layout.seats[pairs.col[apart]]
    ways = moves(on.x[b] - on.x[a], on.y[b] - on.y[a], on.links)
    loads = link_loads(on, a, b, flow)
    used = loads[loads > 0]
    synapses, per_core = synaptic_events(layout)
    spikes = sum(total(layout.rates[p.name], p.shape) for p in layout.network.populations)
    events = {
        "neuron": float(layout.demand["neurons"].sum()),
        "spike": spikes,
        "synapse": synapses,
        "packet": float(pairs.data.sum()),  # those to the own core, too
        **_hops(on, flow, ways),
    }
    energy = layout.target.energy_pj
    found = Cost(
        packets=float(flow.sum()),
        hops=float((flow * ways.hops).sum()),
        least_hops=least_hops(layout),
        longest=int(ways.hops.max(initial=0)),
        crossing=float(flow[on.chip[a] != on.chip[b]].sum() / max(flow.sum(), 1e-300)),
        link_mean=float(used.mean()) if len(used) else 0.0,
        link_most=float(loads.max(initial=0.0)),
        synapses=synapses,
        spikes=spikes,
        neurons=int(events["neuron"]),
        events=events,
        energy_pj={n: energy[n] * e if n in energy else None for n, e in events.items()},
        time_ns=_times(layout, _per_core(layout, pairs, per_core), float(loads.max(initial=0.0))),
    )
    static = _static_pj(layout, found.step_ns)
    return replace(found, energy_pj={**found.energy_pj, "static": static})


def _static_pj(layout: Layout, step_ns: float | None) -> float | None:
    """Give what chips and cores take in a step whatever they do: mW times ns is pJ."""
    power = layout.target.power_mw
    if not power or step_ns is None:
        return None
    cores, chips = len(layout.seats), layout.floor.chips
    return (power.get("chip", 0.0) * chips + power.get("core", 0.0) * cores) * step_ns


def _hops(on: Floor, flow: Array, ways: Moves) -> dict[str, float]:
    """Count the hops by the way that they go; none where all cores are at one router."""
    if on.places.shape[:2] == (1, 1):
        return {}
    found = {
        "column_hop": float((flow * ways.columns).sum()),
        "row_hop": float((flow * ways.rows).sum()),
    }
    if on.links == 6:
        found["diagonal_hop"] = float((flow * ways.diagonals).sum())
    return found


def link_loads(on: Floor, a: Array, b: Array, flow: Array) -> Array:
    """Give the packets over every link, (6, rows + 1, columns + rows + 1), by direction.

    East, west, south, north, and the diagonals, each of which is a column of its own there.
    Messages go along the diagonal first, if there is one, then along the row, then the column.
    """
    rows, columns, _ = on.places.shape
    loads = np.zeros((6, rows + 1, columns + rows + 1))
    (y, x), (yb, xb) = (on.y[a], on.x[a]), (on.y[b], on.x[b])
    diagonal = moves(xb - x, yb - y, on.links).diagonals * np.sign(yb - y)
    ya, xa, own = y + diagonal, x + diagonal, x - y + rows
    ways = (
        (ya, ya, xa, xb, xb > xa, 1),
        (ya, ya, xb, xa, xb < xa, 1),
        (ya, yb, xb, xb, yb > ya, 0),
        (yb, ya, xb, xb, yb < ya, 0),
        (y, ya, own, own, diagonal > 0, 0),
        (ya, y, own, own, diagonal < 0, 0),
    )
    for load, (y0, y1, x0, x1, which, axis) in zip(loads, ways, strict=True):
        first = np.bincount((y0 * load.shape[1] + x0)[which], flow[which], load.size)
        last = np.bincount((y1 * load.shape[1] + x1)[which], flow[which], load.size)
        load[:] = np.cumsum((first - last).reshape(load.shape), axis=axis)
    loads[loads < 1e-9 * max(loads.max(), 1e-300)] = 0.0  # what sums and differences leave
    return loads


def least_hops(layout: Layout) -> float:
    """Give hops that no placement can go below: each core's partners as near as cores can be."""
    both = symmetric(layout.flow)
    row = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    order = np.lexsort((-both.data, row))
    rank = np.arange(both.nnz) - both.indptr[row]
    each, ring = layout.floor.places.shape[2], np.arange(int(np.sqrt(both.shape[0])) + 2)
    near = np.where(ring == 0, each - 1, layout.floor.links * ring * each)  # so far away
    distance = np.searchsorted(np.cumsum(near), rank, side="right")
    return float((both.data[order] * distance).sum() / 2)


def synaptic_events(layout: Layout) -> tuple[float, Array]:
    """Count the synapses that spikes reach in a step: all, and those of each core, (cores,)."""
    counts, parts = Counts(), []
    for name, grid in layout.grids.items():
        each = np.zeros(grid.count)
        for p in layout.network.into(name):
            count, rate = counts.of(p.synapse), layout.rates[p.source]
            if isinstance(rate, np.ndarray):
                each += count.events(grid, rate).ravel()
            else:
                each += rate * count.fan_in(grid).ravel()
        parts.append(each)
    events = np.concatenate(parts)
    return float(events.sum()), np.bincount(layout.core, events)


def _per_core(layout: Layout, pairs: coo_array, synapses: Array) -> dict[str, Array]:
    """Count the events of each core, (cores,)."""
    blocks = [_fired(grid, layout.rates[name]) for name, grid in layout.grids.items()]
    return {
        "neuron": layout.demand["neurons"],
        "spike": np.bincount(layout.core, np.concatenate(blocks), len(layout.seats)),
        "synapse": synapses,
        "packet": np.bincount(pairs.row, pairs.data, len(layout.seats)),
    }


def _fired(grid: Grid, rate: float | Array) -> Array:
    """Count the spikes of each block; those of the last group spike."""
    whole = tuple(cut[-1][1] for cut in grid.axes)
    each = np.bincount(grid.labels(), np.broadcast_to(rate, whole).ravel(), grid.last)
    return np.concatenate([np.zeros(grid.count - grid.last), each])


def _times(layout: Layout, events: dict[str, Array], most: float) -> dict[str, float | None]:
    """Give the time of the slowest core, of the fullest link, and of the barrier.

    A core does one thing after the other; what was not published, beside updates and synapses,
    counts nothing.
    """
    ns = layout.target.time_ns
    core = link = None
    if "neuron" in ns and "synapse" in ns:
        each = sum(count * ns[event] for event, count in events.items() if event in ns)
        core = float(np.max(each, initial=0.0))
    if "column_hop" in ns and "row_hop" in ns:
        link = most * max(ns["column_hop"], ns["row_hop"])
    return {"core": core, "link": link, "step": ns.get("step"), "tick": ns.get("tick")}
