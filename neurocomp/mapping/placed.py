"""A layout from a placement, to count what a program costs where it lies."""

from collections.abc import Mapping

import numpy as np

from neurocomp.errors import UnsupportedError
from neurocomp.hw.target import Target
from neurocomp.hw.topology import cores
from neurocomp.mapping.floor import cells, floor
from neurocomp.mapping.grid import Grid
from neurocomp.mapping.layout import Layout, merged
from neurocomp.mapping.placement import Placement
from neurocomp.mapping.traffic import traffic
from neurocomp.snn.boxes import Range
from neurocomp.snn.network import Network
from neurocomp.snn.rates import Rates


def placed(network: Network, target: Target, placement: Placement, rates: Rates) -> Layout:
    """Give the layout of `network` where `placement` has it, with `rates`.

    Raises UnsupportedError where the target has no mesh.
    """
    if target.mesh is None:
        raise UnsupportedError(target.name, "has no mesh that cores could be laid on", "use a chip")
    mesh, each = target.mesh, cores(target, target.mesh)
    grids, places = grids_of(placement), list(placement.cores.values())
    unique = list(dict.fromkeys(places))
    core = np.array([unique.index(place) for place in places])
    wide = mesh.width * mesh.router_cores
    seat_of = {cell: seat for seat, cell in enumerate(cells(mesh, each).tolist())}
    seats = [p.chip * each + seat_of[p.row * wide + p.column] for p in unique]
    flow = merged(traffic(network, grids, rates, target.relay), core)
    names = next(iter(placement.demand.values())).keys()
    demand = {n: [placement.demand[block][n] for block in placement.cores] for n in names}
    return Layout(
        network=network,
        target=target,
        grids=grids,
        rates=rates,
        demand={n: np.bincount(core, d).astype(np.int64) for n, d in demand.items()},
        core=core,
        flow=flow,
        seats=np.array(seats),
        floor=floor(mesh, each, 1 + max(p.chip for p in unique)),
    )


def grids_of(placement: Placement) -> Mapping[str, Grid]:
    """Give the grid of each population; a placement's blocks are those of grids, in order."""
    ranges: dict[str, tuple[dict[Range, None], ...]] = {}
    for block in placement.cores:
        axes = ranges.setdefault(block.population, ({}, {}, {}))
        for axis, found in zip(axes, block.box.ranges, strict=True):
            axis[found] = None
    return {
        name: Grid((tuple(channels), tuple(rows), tuple(columns)))
        for name, (channels, rows, columns) in ranges.items()
    }
