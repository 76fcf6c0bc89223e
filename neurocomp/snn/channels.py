"""Which channels a synapse reads: a channel with no weight but 0 sends it no spike."""

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.boxes import Box
from neurocomp.snn.synapses import Conv, Dense, Edges, Synapse


def channels_read(synapse: Synapse) -> Array:
    """Say of each presynaptic channel whether `synapse` reads it, bool (channels,).

    A convolution in groups, a pool, and single synapses read all. So does one without any weight:
    its weights are not known.
    """
    every = np.ones(synapse.pre_shape[0], dtype=bool)
    if isinstance(synapse, Dense):
        found = _weighted(synapse.weight.reshape(len(synapse.weight), *synapse.pre_shape))
    elif isinstance(synapse, Conv) and synapse.groups == 1:
        found = _weighted(synapse.weight)
    else:
        return every
    return found if found.any() else every


def edges_read(synapse: Synapse, box: Box) -> Edges:
    """List the synapses into `box` as `Synapse.edges` does, from the channels that it reads."""
    edges, area = synapse.edges(box), int(np.prod(synapse.pre_shape[1:]))
    kept = channels_read(synapse)[edges.pre // area]
    return edges if kept.all() else Edges(*(each[kept] for each in edges))


def _weighted(weight: Array) -> Array:
    """Say which channels have a weight that is not 0, (channels,), of (out, channels, ...)."""
    first: Array = np.any(weight[0], axis=(1, 2))
    if first.all():  # the others need not be looked at
        return first
    found: Array = np.any(weight, axis=(0, 2, 3))
    return found
