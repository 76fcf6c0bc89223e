"""A network that is a chain of convolutions and dense layers, in a file that every peer can read.

The file, .npz: `layers`, a JSON list of `pool`, `strides`, `pads`, `groups`, `dense`, `threshold`
(null: the readout) and `shape`; arrays `w0`..., (outs, ins, rows, columns), `b0`..., (outs, rows,
columns), and `thresholds0`...; `images`; `drive`, the constant current of the first layer for the
images that are checked, exact, as layer 0's convolution in float32 need not be.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from neurocomp.engine.forms import as_convolution, cells
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import IntegrateAndFire
from neurocomp.snn.oracle import constant_drive

CHECKED = 2  # images
EPSILON = 2.0**-10


def is_chain(network: Network) -> bool:
    """Say whether peers can be given the network: one way through it, no gates."""
    names = [p.name for p in network.populations]
    ways = [(j.source, j.target) for j in network.projections]
    neurons = all(isinstance(p.neuron, IntegrateAndFire) for p in network.populations[:-1])
    synapses = [j.synapse for j in (*network.currents, *network.projections)]
    return (
        neurons
        and ways == list(pairwise(names))
        and len(network.currents) == 1
        and all(as_convolution(s) is not None for s in synapses)
    )


def write(network: Network, images: np.ndarray, path: Path) -> None:
    """Write a chain and its samples.

    Thresholds are a little lower than ours, by less than adds up to a unit: so a drive of whole
    numbers reaches them in the same step whether equality spikes in a library or not.
    """
    layers, arrays = [], {}
    links = [*network.currents, *network.projections]
    for i, (link, p) in enumerate(zip(links, network.populations, strict=True)):
        conv = as_convolution(link.synapse)
        rows, columns = pool = cells(conv)
        factor = 2.0**link.weight_exponent if i else np.asarray(link.scale).reshape(-1, 1, 1, 1)
        arrays[f"w{i}"] = conv.weight[:, :, ::rows, ::columns] * factor
        arrays[f"b{i}"] = np.broadcast_to(p.bias, p.shape).astype(np.float64)
        fires = isinstance(p.neuron, IntegrateAndFire)
        if fires:
            arrays[f"thresholds{i}"] = p.neuron.v_threshold.astype(np.float64) - EPSILON
        one = conv.windows.counts == (1, 1)
        layers.append(
            {
                "pool": pool,
                "strides": [1, 1] if one else [conv.strides[0] // rows, conv.strides[1] // columns],
                "pads": [n // side for n, side in zip(conv.pads, (rows, columns) * 2, strict=True)],
                "groups": conv.groups,
                "dense": one,
                "fires": fires,
                "shape": p.shape,
            }
        )
    (source,) = network.inputs
    first = constant_drive(network, {source.name: images[:CHECKED]})[network.populations[0].name]
    images = source.prepare(images).astype(np.float32)
    np.savez(path, layers=json.dumps(layers), images=images, drive=first, **arrays)
