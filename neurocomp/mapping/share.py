"""Small blocks on one core: first fit, the largest first, in every resource at once."""

from collections.abc import Mapping

import numpy as np

from neurocomp.arrays import Array


def shared(demand: Mapping[str, Array], limits: Mapping[str, int]) -> Array:
    """Give the core of each block, (blocks,): no core takes more than its limits.

    Input axons of blocks on one core are added, though one axon could serve both: an upper bound.
    """
    names = [name for name in demand if name in limits]
    if not names:
        return np.arange(len(next(iter(demand.values()))))
    share = np.stack([demand[n] / limits[n] for n in names], axis=1)
    order = np.argsort(-share.max(axis=1), kind="stable")
    filled = np.zeros_like(share)
    core, used, first = np.empty(len(share), dtype=np.int64), 0, 0
    for block in order:
        fits = (filled[first:used] + share[block] <= 1 + 1e-12).all(axis=1)
        at = first + int(fits.argmax()) if fits.any() else used
        used = max(used, at + 1)
        filled[at] += share[block]
        core[block] = at
        while first < used and filled[first].max() >= 1:
            first += 1
    return core
