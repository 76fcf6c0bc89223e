"""Cut every population into blocks that fit a core, with the fewest cores.

Source: Rueckauer et al. 2021 (NxTF) for the grids and the order, last population first.
"""

from dataclasses import replace

import networkx as nx

from neurocomp.errors import UnsupportedError
from neurocomp.hw.target import Target
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.demand import Cutting
from neurocomp.mapping.grid import Grid, uncut
from neurocomp.mapping.locality import closer
from neurocomp.mapping.search import best
from neurocomp.snn.network import Network, Population


def split(
    network: Network, target: Target, *, groups: bool = False, extra: float = 0.0
) -> dict[str, Grid]:
    """Cut each population so that every block fits a core of `target`, in the network's order.

    With `groups`, input channels may be cut as well, and blocks pass on partial sums. `extra` is
    the share of cores that may be added for the sake of fewer hops.

    Takes the fewest cores that balanced cuts allow, so a larger limit never takes more, unless the
    search has too much to weigh. Raises CapacityError where one neuron does not fit, and
    UnsupportedError where populations form a loop.
    """
    whole = {p.name: uncut(p.shape) for p in network.populations}
    if not target.core.limits:
        return whole
    straight = without_pairs(network)
    uncut_ = Cutting(straight, target, whole, Counts())
    found, every = best(uncut_, running_order(straight), groups)
    found = closer(uncut_, found, every, extra)
    return {name: found[name] for name in whole}


def without_pairs(network: Network) -> Network:
    """Give each half of a pair to itself what it gives to the other: the same demand, and no loop.

    One neuron reaches one, so that neither axons nor memory depend on where the other half is cut.
    """
    return replace(
        network,
        projections=tuple(
            replace(p, target=p.source) if p.resets else p for p in network.projections
        ),
    )


def running_order(network: Network) -> list[Population]:
    """Give the populations, each after its sources. Raises UnsupportedError on a loop."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(p.name for p in network.populations)
    graph.add_edges_from((p.source, p.target) for p in network.projections if p.source != p.target)
    try:
        return [network.population(name) for name in nx.topological_sort(graph)]
    except nx.NetworkXUnfeasible:
        loop = " -> ".join(edge[0] for edge in nx.find_cycle(graph))
        raise UnsupportedError(
            loop,
            "is a loop of populations, and only chains and branches can be cut",
            "use the target ideal",
        ) from None
