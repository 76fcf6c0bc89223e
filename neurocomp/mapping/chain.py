"""From a network to a placement: what the target cannot hold, split, place, count."""

from neurocomp.hw.target import Target
from neurocomp.mapping.connections import refuse_connections, refuse_spread
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.demand import Cutting, uses
from neurocomp.mapping.grid import blocks
from neurocomp.mapping.place import place
from neurocomp.mapping.placement import Placement
from neurocomp.mapping.split import split
from neurocomp.mapping.support import refuse_unsupported
from neurocomp.snn.network import Network


def map_network(network: Network, target: Target) -> Placement:
    """Place every population of `network` on the cores of `target`.

    Raises UnsupportedError where the target lacks a neuron model, and CapacityError where the
    network is too large for it.
    """
    refuse_unsupported(network, target)
    refuse_connections(network, target)
    grids = split(network, target)
    refuse_spread(network, target, grids)
    demand = uses(Cutting(network, target, grids, Counts()))
    return Placement(
        cores=place(grids, network, target),
        demand=dict(zip(blocks(grids), demand, strict=True)),
    )
