"""The graph of cores for networkx, and the graph of chips."""

import networkx as nx
import numpy as np
from scipy.sparse import coo_array

from neurocomp.hw.topology import moves
from neurocomp.mapping.layout import Layout


def core_graph(layout: Layout) -> "nx.DiGraph[int]":
    """Give the graph of cores; about 300 bytes an edge.

    A node has `blocks`, `chip`, `row`, `column` and what it takes of each resource; an edge the
    `flow`, spikes a step, the `hops`, and whether it is `crossing`.
    """
    graph: nx.DiGraph[int] = nx.DiGraph()
    on, seats = layout.floor, layout.seats
    names = np.repeat(list(layout.grids), [g.count for g in layout.grids.values()])
    blocks: list[list[str]] = [[] for _ in range(len(seats))]
    for name, core in zip(names.tolist(), layout.core.tolist(), strict=True):
        blocks[core].append(name)
    for core, seat in enumerate(seats.tolist()):
        graph.add_node(
            core,
            blocks=tuple(blocks[core]),
            chip=int(on.chip[seat]),
            row=int(on.y[seat]),
            column=int(on.x[seat]),
            **{resource: int(each[core]) for resource, each in layout.demand.items()},
        )
    pairs = coo_array(layout.flow)
    a, b = seats[pairs.row], seats[pairs.col]
    hops = moves(on.x[b] - on.x[a], on.y[b] - on.y[a], on.links).hops
    crossing = on.chip[a] != on.chip[b]
    each = (e.tolist() for e in (pairs.row, pairs.col, pairs.data, hops, crossing))
    for source, to, flow, far, leaves in zip(*each, strict=True):
        graph.add_edge(source, to, flow=flow, hops=far, crossing=leaves)
    return graph


def chip_graph(layout: Layout) -> "nx.DiGraph[int]":
    """Give the graph of chips: how many `cores` each holds, and the `flow` from chip to chip."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    chip = layout.floor.chip[layout.seats]
    for number, count in enumerate(np.bincount(chip, minlength=layout.floor.chips).tolist()):
        graph.add_node(number, cores=count)
    pairs = coo_array(layout.flow)
    between = coo_array((pairs.data, (chip[pairs.row], chip[pairs.col]))).tocsr().tocoo()
    each = (e.tolist() for e in (between.row, between.col, between.data))
    for source, to, flow in zip(*each, strict=True):
        graph.add_edge(source, to, flow=flow)
    return graph
