"""Random bits that are a function of what they are for: no state, no order, the same everywhere.

Each is a hash of the seed, of the numbers of the sample, of the step and of the neuron. So a sample
gets the same spikes in every simulator, alone or among others. `backends/emitted/host.py` holds the
same few lines for artifacts. Source of the mixing: Steele et al. 2014 (splitmix64).
"""

import numpy as np

from neurocomp.arrays import Array

BITS = 16  # of each draw


def draws(seed: int, drive: Array, step: int) -> Array:
    """Give a number in 0..2^16 - 1 for each neuron of `drive`, (samples, ...), whole numbers."""
    flat = drive.reshape(len(drive), -1).astype(np.int64).view(np.uint64)
    place = np.arange(flat.shape[1], dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    key = _mix(_mix(flat + place).sum(axis=1, dtype=np.uint64) ^ np.uint64(seed))
    when = np.uint64(step) << np.uint64(32)
    bits = _mix(key[:, None] ^ _mix(place + when)) >> np.uint64(64 - BITS)
    return bits.astype(np.int64).reshape(drive.shape)


def _mix(bits: Array) -> Array:
    """Mix 64 bits; sums and products wrap around."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = bits ^ (bits >> np.uint64(31))
    return mixed
