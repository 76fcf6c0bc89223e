"""The spikes of one sample, of some neurons of every layer: what a raster shows."""

from dataclasses import dataclass
from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine import Keep, load, spikes
from neurocomp.snn.network import Network

MOST = 100  # neurons of a layer that are shown, evenly spaced over all of them


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Raster:
    """One population's spikes."""

    name: str
    fired: Array  # bool (steps of the run, neurons shown)
    neurons: int  # that there are
    rate: float  # spikes a step of all of them, a mean over the run


def rasters(network: Network, sample: Array, steps: int) -> tuple[Raster, ...]:
    """Run one `sample`, (*input shape), until the readout has had `steps` steps.

    Gives the populations that fire, in running order: all but the readout.
    """
    names = tuple(p.name for p in network.populations if p.name != network.readout)
    keep = Keep(counts=False, operations=False, rasters=names)
    loaded = load(network, network.run_length(steps), keep)
    found = loaded.run({network.inputs[0].name: sample[None]})
    made = []
    for name in names:
        fired = (spikes(found, name)[0] != 0).reshape(network.run_length(steps), -1)
        total = prod(network.population(name).shape)
        shown = np.unique(np.linspace(0, total - 1, min(MOST, total)).astype(int))
        rate = float(fired.mean())
        made.append(Raster(name=name, fired=fired[:, shown], neurons=total, rate=rate))
    return tuple(made)
