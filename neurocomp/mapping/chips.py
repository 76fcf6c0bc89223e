"""Cores to chips: few spikes between chips, and no chip with more cores than it has."""

import numpy as np
from scipy.sparse import csr_array

from neurocomp.arrays import Array

SPARE = 0.03  # of the cores stay free, so that the parts can be balanced
CUTS, CUTS_MOST, EDGES = 8, 32, 2**20  # METIS cuts so often; a small graph more, by its edges
LARGEST = 10**6  # METIS takes whole weights: the largest flow becomes this


def chips_needed(cores: int, each: int) -> int:
    """Count the chips of `each` cores that hold `cores`, with some to spare where one is short."""
    return 1 if cores <= each else -(-int(np.ceil(cores * (1 + SPARE))) // each)


def to_chips(flow: csr_array, chips: int, each: int, seed: int) -> Array:
    """Give the chip of each core, (cores,); `flow`, (cores, cores), is symmetric."""
    import pymetis  # late: importing it takes time that commands without it need not wait for

    count = flow.shape[0]
    if chips == 1:
        return np.zeros(count, dtype=np.int64)
    scale = LARGEST / max(float(flow.data.max()), 1e-300)
    weights = np.maximum(1, np.rint(flow.data * scale)).astype(np.int64)
    cuts = min(max(CUTS, EDGES // max(1, flow.nnz)), CUTS_MOST)  # the best is kept
    spare = max(1, int(1000 * (each * chips / count - 1)))
    options = pymetis.Options(seed=seed, ncuts=cuts, ufactor=spare)
    _, parts = pymetis.part_graph(
        chips,
        pymetis.CSRAdjacency(flow.indptr.astype(np.int64), flow.indices.astype(np.int64)),
        eweights=weights,
        options=options,
        recursive=False,
    )
    return balanced(flow, np.asarray(parts, dtype=np.int64), chips, each)


def balanced(flow: csr_array, part: Array, chips: int, each: int) -> Array:
    """Move cores out of chips that have more than `each`, those first that lose least."""
    part = part.copy()
    filled = np.bincount(part, minlength=chips)
    for full in np.nonzero(filled > each)[0]:
        while filled[full] > each:
            core, chip = _cheapest(flow, part, filled, int(full), each)
            part[core] = chip
            filled[full] -= 1
            filled[chip] += 1
    return part


def _cheapest(flow: csr_array, part: Array, filled: Array, full: int, each: int) -> tuple[int, int]:
    """Give the core of a chip that is best moved, and the chip with space it is moved to."""
    cores = np.nonzero(part == full)[0]
    rows = flow[cores]
    to = np.zeros((len(cores), len(filled)))
    row = np.repeat(np.arange(len(cores)), np.diff(rows.indptr))
    np.add.at(to, (row, part[rows.indices]), rows.data)
    gain = np.where(filled < each, to - to[:, full : full + 1], -np.inf)
    core, chip = np.unravel_index(int(np.argmax(gain)), gain.shape)
    return int(cores[core]), int(chip)
