"""From a network to a placement: what the target cannot hold, cut, lay, count."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Mesh, Target
from neurocomp.hw.topology import cores
from neurocomp.mapping.connections import refuse_spread
from neurocomp.mapping.cost import Cost, cost
from neurocomp.mapping.crossing import crossing_axons
from neurocomp.mapping.floor import cells
from neurocomp.mapping.grid import Grid, blocks
from neurocomp.mapping.lay import Wishes, lay, taken
from neurocomp.mapping.layers import map_layers
from neurocomp.mapping.layout import Layout
from neurocomp.mapping.placed import placed
from neurocomp.mapping.placement import Place, Placement
from neurocomp.mapping.split import split
from neurocomp.mapping.support import refuse_unsupported
from neurocomp.snn.network import Network
from neurocomp.snn.rates import Rates, assumed

WISHES = Wishes(groups=False)  # a program's partial sums are populations, not blocks
HERE = Place(chip=0, row=0, column=0)


class Mapped(NamedTuple):
    """Where each block lies, and what a step costs there; None on a target without a mesh."""

    placement: Placement
    cost: Cost | None


def map_network(network: Network, target: Target, wishes: Wishes = WISHES) -> Placement:
    """Place every population of `network` on the cores of `target`, as if every neuron spiked.

    Raises UnsupportedError where the target lacks a neuron model, and CapacityError where the
    network is too large for it.
    """
    return mapped(network, target, assumed(network, 1.0), wishes).placement


def mapped(network: Network, target: Target, rates: Rates, wishes: Wishes = WISHES) -> Mapped:
    """Place every population as `map_network` does; `rates` are each population's spikes a step."""
    if target.mesh is None:
        return Mapped(_on_one_core(network, target), None)
    if target.layers is not None:
        refuse_unsupported(network, target)
        placement = map_layers(network, target)
        return Mapped(placement, cost(placed(network, target, placement, rates)))
    layout = lay(network, target, rates, wishes)
    grids, chip = layout.grids, layout.floor.chip[layout.seats[layout.core]]
    demand = taken(network, target, grids)
    demand["out_axons"] += crossing_axons(network, target, grids, np.arange(len(chip)), chip)
    return Mapped(_placement(grids, demand, places(layout, target.mesh)), cost(layout))


def places(layout: Layout, mesh: Mesh) -> Iterator[Place]:
    """Give the core of each block."""
    each = cores(layout.target, mesh)
    chip, core = np.divmod(layout.seats[layout.core], each)
    row, column = np.divmod(cells(mesh, each)[core], mesh.width * mesh.router_cores)
    for at in zip(chip.tolist(), row.tolist(), column.tolist(), strict=True):
        yield Place(chip=at[0], row=at[1], column=at[2])


def _on_one_core(network: Network, target: Target) -> Placement:
    refuse_unsupported(network, target)
    grids = split(network, target)
    refuse_spread(network, target, grids)
    return _placement(grids, taken(network, target, grids), (HERE for _ in blocks(grids)))


def _placement(
    grids: Mapping[str, Grid], demand: Mapping[str, Array], at: Iterator[Place]
) -> Placement:
    every = blocks(grids)
    each = zip(*(d.tolist() for d in demand.values()), strict=True)
    return Placement(
        cores=dict(zip(every, at, strict=True)),
        demand={b: dict(zip(demand, d, strict=True)) for b, d in zip(every, each, strict=True)},
    )
