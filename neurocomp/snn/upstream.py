"""The part of a network that some populations depend on, to be run alone."""

from collections.abc import Iterable

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import Accumulator


def upstream(network: Network, names: Iterable[str]) -> frozenset[str]:
    """Name the populations that those of `names` depend on, themselves among them."""
    found: set[str] = set()
    asked = list(names)
    while asked:
        name = asked.pop()
        if name not in found:
            found.add(name)
            asked += [p.source for p in network.into(name)]
    return frozenset(found)


def idle(name: str, dtype: "np.dtype[np.generic]") -> Population:
    """Give a readout, (1, 1, 1), that nothing reaches: a network needs one, even a part of it."""
    zero: Array = np.zeros((1, 1, 1), dtype=dtype)
    return Population(name=name, shape=zero.shape, neuron=Accumulator(), v_init=zero, bias=zero)
