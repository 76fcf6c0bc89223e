"""Cuts whose blocks talk to fewer others: a few more cores for many hops fewer.

Each population in turn takes the grid with the least cost among those that fit with its neighbours
as they are, and that take at most a share of cores more than the fewest. The cost is what no
placement can beat: spikes times the mean distance to as many nearest cores as there are partners.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np

from neurocomp.arrays import Array
from neurocomp.mapping.demand import Cutting, model, out_axons, out_of
from neurocomp.mapping.grid import Cut, Grid
from neurocomp.mapping.regular import Axis, Regular, sizes, starts
from neurocomp.mapping.tiles import Tiles
from neurocomp.snn.network import Projection

SWEEPS = 2
RING = np.arange(1, 400)
NEAREST = np.cumsum(4 * RING)  # cores within so many hops
DISTANCE = np.cumsum(4 * RING * RING) / NEAREST


def mean_distance(partners: Array) -> Array:
    """Give the least mean hops from a core to so many others, on a mesh without edges."""
    return np.interp(partners, NEAREST, DISTANCE)


def closer(
    whole: Cutting, grids: Mapping[str, Grid], every: Mapping[str, Tiles], extra: float
) -> dict[str, Grid]:
    """Give grids with at most `extra` times more blocks each, and fewer hops."""
    if extra <= 0:
        return dict(grids)
    found, fewest = dict(grids), {name: grid.count for name, grid in grids.items()}
    names = list(grids)
    for name in [*names, *reversed(names)] * SWEEPS:
        cutting = whole._replace(grids=found)
        if _closed(cutting, name):
            most = int(fewest[name] * (1 + extra))
            near = int(np.searchsorted(every[name].blocks, most, side="right"))
            found[name] = _least(cutting, name, every[name].kept(np.arange(near)))
    return found


def _closed(cutting: Cutting, name: str) -> bool:
    """Say whether all its synapses have a closed form, and none is a loop."""
    links = [*cutting.network.into(name), *out_of(cutting.network, name)]
    regular = all(isinstance(cutting.counts.of(p.synapse), Regular) for p in links)
    return regular and all(p.source != p.target for p in links)


def _least(cutting: Cutting, name: str, own: Tiles) -> Grid:
    """Give the tile that costs least and fits with its neighbours; the present one if none does."""
    if len(own.blocks) < 2:
        return cutting.grids[name]
    cost, fits = np.zeros(len(own.blocks)), np.ones(len(own.blocks), dtype=bool)
    target, limit = cutting.target, cutting.target.core.limits.get("out_axons")
    sent = target.axon_entries * _resets(cutting, name, own)
    for p in cutting.network.into(name):
        axes = _axes(cutting, p)
        pre = cutting.grids[p.source]
        cost += _into(axes, pre, own)
        if limit is not None:
            asked = target.axon_entries * _asked(axes, pre, own, target.atoms)
            fits &= _others(cutting, p.source, name) + asked <= limit
    for p in out_of(cutting.network, name):
        axes = _axes(cutting, p)
        post = cutting.grids[p.target]
        cost += _out_of(axes, own, post)
        sent += target.axon_entries * _sent(axes, own, post, target.atoms)
    if limit is not None:
        fits &= sent <= limit
    if not fits.any():
        return cutting.grids[name]
    cost += _relays(own)
    best = int(np.argmin(np.where(fits, cost, np.inf)))
    return own.grid(best)


def _axes(cutting: Cutting, projection: Projection) -> tuple[Axis, Axis, Axis]:
    return cast(Regular, cutting.counts.of(projection.synapse)).axes  # as `_closed` has seen


def _into(axes: tuple[Axis, Axis, Axis], pre: Grid, own: Tiles) -> Array:
    """Give the least hops of all spikes from `pre` into each tile, (tiles,)."""
    edges, flow = np.ones(len(own.blocks)), np.ones(len(own.blocks))
    for axis in range(3):
        used, which = np.unique(own.at[axis], return_inverse=True)
        each = [_overlap(axes[axis], pre.axes[axis], own, axis, int(i)) for i in used]
        edges *= np.array([np.count_nonzero(o) for o in each])[which]
        flow *= np.array([o.sum() for o in each])[which]
    least: Array = mean_distance(edges / pre.last) + mean_distance(edges / own.blocks)
    return flow * least / 2


def _overlap(axis: Axis, pre: Cut, own: Tiles, number: int, at: int) -> Array:
    return axis.overlap(pre, own.axes[number][at], own.groups[at] if number == 0 else 1)


def _out_of(axes: tuple[Axis, Axis, Axis], own: Tiles, post: Grid) -> Array:
    """Give the least hops of all spikes from each tile into `post`, (tiles,)."""
    edges, flow = np.ones(len(own.blocks)), np.ones(len(own.blocks))
    for axis in range(3):
        used, which = np.unique(own.at[axis], return_inverse=True)
        groups = post.groups if axis == 0 else 1
        cuts = [own.axes[axis][int(i)] for i in used]
        each = [axes[axis].overlap(cut, post.axes[axis], groups) for cut in cuts]
        edges *= np.array([np.count_nonzero(o) for o in each])[which]
        flow *= np.array([o.sum() for o in each])[which]
    last = own.blocks / np.array(own.groups)[own.at[0]]
    least: Array = mean_distance(edges / last) + mean_distance(edges / post.count)
    return flow * least / 2


def _asked(axes: tuple[Axis, Axis, Axis], pre: Grid, own: Tiles, atoms: int) -> Array:
    """Give the axons that each tile asks of a block of `pre`, at most, (tiles,)."""
    asked = np.ones(len(own.blocks), dtype=np.int64)
    for axis in range(3):
        used, which = np.unique(own.at[axis], return_inverse=True)
        cuts = [own.axes[axis][int(i)] for i in used]
        groups = [own.groups[int(i)] if axis == 0 else 1 for i in used]
        ends = zip(cuts, groups, strict=True)
        each = [_most(axes[axis], pre.axes[axis], cut, g, axis == 0, atoms) for cut, g in ends]
        asked *= np.array(each)[which]
    return asked


def _sent(axes: tuple[Axis, Axis, Axis], own: Tiles, post: Grid, atoms: int) -> Array:
    """Give the axons that `post` asks of a block of each tile, at most, (tiles,)."""
    sent = np.ones(len(own.blocks), dtype=np.int64)
    for axis in range(3):
        used, which = np.unique(own.at[axis], return_inverse=True)
        cuts = [own.axes[axis][int(i)] for i in used]
        groups = post.groups if axis == 0 else 1
        each = [_most(axes[axis], cut, post.axes[axis], groups, axis == 0, atoms) for cut in cuts]
        sent *= np.array(each)[which]
    return sent


def _most(axis: Axis, pre: Cut, post: Cut, groups: int, deep: bool, atoms: int) -> int:
    """Give the axons that a range of `pre` has into all of `post`, along one axis, at most."""
    if deep and atoms > 1:
        return int(axis.axons_out(pre, post, groups, atoms).max())
    return int(np.add.reduceat(axis.ranges(post), starts(pre)).max())


def _resets(cutting: Cutting, name: str, own: Tiles) -> Array:
    """Give the axons by which a block of each tile resets itself, at most, (tiles,)."""
    found = np.ones(len(own.blocks), dtype=np.int64)
    for axis, atoms in enumerate((cutting.target.atoms, 1, 1)):
        most = [-(-max(b - a for a, b in cut) // atoms) for cut in own.axes[axis]]
        found *= np.array(most)[own.at[axis]]
    return found * cutting.target.feeds_back(model(cutting.network.population(name).neuron))


def _others(cutting: Cutting, source: str, name: str) -> int:
    """Count the output axons of the fullest block of `source`, without those into `name`."""
    links = tuple(p for p in cutting.network.projections if p.target != name)
    without = replace(cutting.network, projections=links)
    return int(out_axons(cutting._replace(network=without), source).max())


def _relays(own: Tiles) -> Array:
    """Give the hops of all partial sums, (tiles,): each goes to a neighbour."""
    total = np.prod([sizes(own.axes[a][0]).sum() for a in range(3)])
    each: Array = (np.array(own.groups)[own.at[0]] - 1) * float(total)
    return each
