"""Which blocks send to which, and from how many neurons."""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import coo_array, csr_array

from neurocomp.mapping.counts import Counts
from neurocomp.mapping.grid import Grid
from neurocomp.snn.network import Network


def traffic(network: Network, grids: Mapping[str, Grid]) -> csr_array:
    """Count the neurons of each block that reach each other block, (blocks, blocks), row to column.

    Blocks stand in the order of `grid.blocks`. A rate of 1 makes this the spikes a step.
    """
    counts, size = Counts(), sum(grid.count for grid in grids.values())
    ends = np.cumsum([grid.count for grid in grids.values()])
    first = dict(
        zip(grids, (int(end) for end in ends - [g.count for g in grids.values()]), strict=True)
    )
    total = csr_array((size, size), dtype=np.float64)
    for p in network.projections:
        part = coo_array(counts.of(p.synapse).between(grids[p.source], grids[p.target]))
        row, column = part.row + first[p.source], part.col + first[p.target]
        total = csr_array(total + coo_array((part.data, (row, column)), shape=(size, size)))
    return total
