"""What a layout is: a network on the floor of its chips."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from neurocomp.arrays import Array
from neurocomp.hw.target import Target
from neurocomp.hw.topology import cores
from neurocomp.mapping.floor import Floor, cells
from neurocomp.mapping.grid import Grid
from neurocomp.snn.network import Network
from neurocomp.snn.rates import Rates


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Layout:
    """A network on the floor of its chips."""

    network: Network
    target: Target
    grids: Mapping[str, Grid]
    rates: Rates
    demand: Mapping[str, Array]  # of each resource, (cores,)
    core: Array  # (blocks,) that each block is on
    flow: csr_array  # (cores, cores) spikes a step, row to column
    seats: Array  # (cores,)
    floor: Floor

    def limits(self, resource: str) -> Array | None:
        """Give the limit of each core, (cores,), by its kind; None where there is none."""
        kinds = [kind.limits.get(resource) for kind in self.target.kinds]
        if any(limit is None for limit in kinds):
            return None
        if len(kinds) == 1 or self.target.mesh is None:
            return np.full(len(self.seats), kinds[0])
        each = cores(self.target, self.target.mesh)
        place = cells(self.target.mesh, each)[self.seats % each]
        ends = np.cumsum([kind.count or 0 for kind in self.target.kinds])
        each_core: Array = np.array(kinds)[np.searchsorted(ends, place, side="right")]
        return each_core


def merged(flow: csr_array, core: Array) -> csr_array:
    """Add up the flow of blocks that share a core, (cores, cores)."""
    count = int(core.max()) + 1 if len(core) else 0
    if count == len(core):
        return flow
    blocks = np.arange(len(core))
    member = csr_array((np.ones(len(core)), (blocks, core)), (len(core), count))
    return csr_array(member.T @ flow @ member)
