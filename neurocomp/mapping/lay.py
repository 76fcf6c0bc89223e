"""A network laid on the cores of a chip: cut, given chips, given places. No weight is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.target import Mesh, Target
from neurocomp.hw.topology import cores
from neurocomp.mapping.arrange import Effort, arrange
from neurocomp.mapping.chips import chips_needed
from neurocomp.mapping.connections import refuse_spread
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.crossing import all_crossing, crossing_axons
from neurocomp.mapping.demand import DEMANDS, Cutting
from neurocomp.mapping.floor import floor
from neurocomp.mapping.grid import Grid
from neurocomp.mapping.layers import map_layers
from neurocomp.mapping.layout import Layout, merged
from neurocomp.mapping.placed import placed
from neurocomp.mapping.share import shared
from neurocomp.mapping.split import split
from neurocomp.mapping.support import refuse_unsupported
from neurocomp.mapping.traffic import traffic
from neurocomp.snn.network import Network
from neurocomp.snn.rates import Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What may be traded for what."""

    groups: bool | None = (
        None  # cut input channels, pass on partial sums; None: where that is exact
    )
    extra: float = 0.1  # more cores a population, for the sake of fewer hops
    share: bool = False  # let small blocks share a core; they do where cores are few
    effort: Effort = field(default_factory=Effort)


def lay(network: Network, target: Target, rates: Rates, wishes: Wishes | None = None) -> Layout:
    """Lay `network` on `target`; `rates` are each population's spikes a step.

    Raises UnsupportedError and CapacityError where the target cannot hold it.
    """
    chosen = wishes or Wishes()
    refuse_unsupported(network, target)
    if target.layers is not None:
        return placed(network, target, map_layers(network, target), rates)
    found = _laid(network, target, target, rates, chosen)
    limit = target.core.limits.get("out_axons")
    if limit is not None and found.demand["out_axons"].max(initial=0) > limit:
        # Too many axons leave their chip: cut anew, as if all of them did.
        narrow = all_crossing(target, found.grids)
        found = _laid(network, target, narrow, rates, chosen)
    return found


def _laid(network: Network, target: Target, narrow: Target, rates: Rates, chosen: Wishes) -> Layout:
    """Lay `network`, cut as if `narrow` were the target."""
    mesh = _mesh(target)
    groups = target.graded is not None if chosen.groups is None else chosen.groups
    grids = split(network, narrow, groups=groups, extra=chosen.extra)
    refuse_spread(network, target, grids)
    demand = taken(network, target, grids)
    each, every = cores(target, mesh), np.arange(sum(g.count for g in grids.values()))
    share = chosen.share or len(every) > room(target)
    core = shared(demand, narrow.core.limits) if share else every
    flow = merged(traffic(network, grids, rates, target.relay), core)
    chips = chips_needed(flow.shape[0], each)
    if mesh.chips is not None and chips > mesh.chips:
        chips = -(-flow.shape[0] // each)
    _refuse_many(grids, flow.shape[0], chips, target, mesh)
    seats, on = arrange(flow, mesh, each, chips, chosen.effort), floor(mesh, each, chips)
    taken_by = {n: np.bincount(core, d).astype(np.int64) for n, d in demand.items()}
    taken_by["out_axons"] += crossing_axons(network, target, grids, core, on.chip[seats])
    return Layout(
        network=network,
        target=target,
        grids=grids,
        rates=rates,
        demand=taken_by,
        core=core,
        flow=flow,
        seats=seats,
        floor=on,
    )


def room(target: Target) -> float:
    """Count the cores of all chips that can be joined; without end where nothing limits them."""
    mesh = target.mesh
    return inf if mesh is None or mesh.chips is None else mesh.chips * cores(target, mesh)


def taken(network: Network, target: Target, grids: Mapping[str, Grid]) -> dict[str, Array]:
    """Give what each block takes of every resource, (blocks,)."""
    cutting = Cutting(network, target, grids, Counts())
    return {
        d.resource: np.concatenate([d.each(cutting, name).ravel() for name in grids])
        for d in DEMANDS
    }


def _refuse_many(
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


def _mesh(target: Target) -> Mesh:
    if target.mesh is None:
        raise UnsupportedError(target.name, "has no mesh that cores could be laid on", "use a chip")
    return target.mesh
