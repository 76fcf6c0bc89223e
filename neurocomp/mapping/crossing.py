"""Output axons that cost more because they leave their chip."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array

from neurocomp.arrays import Array
from neurocomp.hw.target import Core, Target
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.grid import Grid
from neurocomp.mapping.traffic import offsets, passed
from neurocomp.snn.network import Network


def crossing_axons(
    network: Network, target: Target, grids: Mapping[str, Grid], core: Array, chip: Array
) -> Array:
    """Give the output axons of each core beside those it has if none leaves its chip, (cores,).

    `core`, (blocks,), holds each block, and `chip`, (cores,), each core.
    """
    more = target.packing.crossing if target.packing else 0
    found = np.zeros(len(chip), dtype=np.int64)
    if not more or len(set(chip.tolist())) == 1:
        return found
    counts, first = Counts(), offsets(grids)
    parts = [passed(grid, first[name], target.relay.axons) for name, grid in grids.items()]
    for p in network.projections:
        pre, post = grids[p.source], grids[p.target]
        part = coo_array(counts.of(p.synapse).between(pre, post, target.atoms))
        row = part.row + first[p.source] + pre.count - pre.last
        parts.append((row, part.col + first[p.target], part.data))
    for row, column, axons in parts:
        source, to = core[row], core[column]
        np.add.at(found, source, more * axons * (chip[source] != chip[to]))
    return found


def all_crossing(target: Target, grids: Mapping[str, Grid]) -> Target:
    """Give `target` with so few output axons that there are enough if all leave their chip."""
    if target.packing is None or "out_axons" not in target.core.limits:
        return target
    each = 1 if any(grid.groups > 1 for grid in grids.values()) else target.packing.entries
    limit = target.core.limits["out_axons"] * each // (each + target.packing.crossing)
    limits = {**target.core.limits, "out_axons": limit}
    return replace(target, core=Core(count=target.core.count, limits=limits))
