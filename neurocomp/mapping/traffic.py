"""Which blocks send to which, and how much: the graph of cores, never a neuron unrolled."""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import coo_array, csr_array

from neurocomp.arrays import Array
from neurocomp.hw.target import Relay
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.grid import Grid
from neurocomp.mapping.regular import product, sizes
from neurocomp.snn.network import Network
from neurocomp.snn.rates import Rates

PLAIN = Relay(slots=0, axons=1, synapse_bits=0, exact=True)


def traffic(
    network: Network,
    grids: Mapping[str, Grid],
    rates: Rates | None = None,
    relay: Relay = PLAIN,
) -> csr_array:
    """Give the spikes a step from each block to each other, (blocks, blocks), row to column.

    Blocks stand in the order of `grids`, group by group. Without `rates` every neuron spikes; a
    partial sum is sent at every step.
    """
    counts, first = Counts(), offsets(grids)
    parts = [passed(grid, first[name], relay.axons) for name, grid in grids.items()]
    for p in network.projections:
        pre = grids[p.source]
        count, rate = counts.of(p.synapse), 1.0 if rates is None else rates[p.source]
        if isinstance(rate, np.ndarray):
            part = count.flow(pre, grids[p.target], rate)
        else:
            part = coo_array(count.between(pre, grids[p.target])) * rate
        row = part.row + first[p.source] + pre.count - pre.last
        parts.append((row, part.col + first[p.target], part.data))
    row, column, flow = (np.concatenate(each) for each in zip(*parts, strict=True))
    size = sum(grid.count for grid in grids.values())
    return csr_array(coo_array((flow.astype(np.float64), (row, column)), shape=(size, size)))


def offsets(grids: Mapping[str, Grid]) -> dict[str, int]:
    """Give the place of each population's first block."""
    ends = np.cumsum([0, *(grid.count for grid in grids.values())]).tolist()
    return dict(zip(grids, ends[:-1], strict=True))


def passed(grid: Grid, first: int, axons: int) -> tuple[Array, Array, Array]:
    """List the partial sums that each group passes on to the next: from, to, how many."""
    row = first + np.arange(grid.count - grid.last)
    sums = product(*(sizes(cut) for cut in grid.axes)).ravel() * axons
    return row, row + grid.last, np.tile(sums, grid.groups - 1)
