"""How often neurons spike, measured on samples."""

from collections.abc import Mapping

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine.result import Keep
from neurocomp.engine.simulate import stream
from neurocomp.snn.network import Network

FEW = 4  # samples that are enough for the traffic and the energy of a step


def measured(network: Network, samples: Mapping[str, Array], steps: int) -> dict[str, Array]:
    """Give each neuron's spikes a step, (channels, rows, columns), over all steps and samples.

    The run is as long as the readout needs for `steps` steps.
    """
    count, length = len(next(iter(samples.values()))), network.run_length(steps)
    spikes = {p.name: np.zeros(p.shape) for p in network.populations}
    for part in stream(network, samples, length, keep=Keep(operations=False)):
        for name, fired in part.counts.items():
            spikes[name] += fired.sum(axis=0)
    return {name: each / (count * length) for name, each in spikes.items()}
