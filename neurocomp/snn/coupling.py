"""How strongly the channels at the two ends of a synapse are coupled."""

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Synapse


def coupling(synapse: Synapse) -> Array:
    """Give the greatest magnitude of a weight, (post channels, pre channels), 0 where none is."""
    if isinstance(synapse, Pooled):
        return coupling(synapse.inner)
    if isinstance(synapse, Conv):
        return _conv(synapse)
    posts, pres = synapse.post_shape[0], synapse.pre_shape[0]
    if isinstance(synapse, Dense):
        return _most(synapse.weight.reshape(posts, -1, pres, synapse.weight.shape[1] // pres))
    found = np.zeros((posts, pres))
    if isinstance(synapse, Sparse):
        post = synapse.post // int(np.prod(synapse.post_shape[1:]))
        pre = synapse.pre // int(np.prod(synapse.pre_shape[1:]))
        np.maximum.at(found, (post, pre), np.abs(synapse.weight))
    return found


def _conv(conv: Conv) -> Array:
    outs, ins = conv.weight.shape[0] // conv.groups, conv.weight.shape[1]
    found = np.zeros((conv.weight.shape[0], conv.pre_shape[0]))
    most = _most(conv.weight.reshape(len(conv.weight), 1, ins, -1))
    for g in range(conv.groups):
        rows = slice(g * outs, (g + 1) * outs)
        found[rows, g * ins : (g + 1) * ins] = most[rows]
    return found


def _most(weight: Array) -> Array:
    """Give the greatest magnitude over axes 1 and 3, without a copy of all weights."""
    most: Array = np.maximum(weight.max(axis=(1, 3)), -weight.min(axis=(1, 3)))
    return most
