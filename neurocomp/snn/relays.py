"""Linear values that have neurons of their own: a pair of populations, or a graded one."""

from math import prod
from typing import Literal, NamedTuple

from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Graded
from neurocomp.snn.pairs import other_half

Part = Literal["on", "off", "graded"]


class Relayed(NamedTuple):
    """What a linear value's own neurons add to the network."""

    kind: str  # "paired" or "graded"
    neurons: int
    steps: int  # from what drives it to what it drives


def population_of(value: str, part: Part) -> str:
    """Name the population that is one part of what relays `value`."""
    return f"{value} ({part})"


def relayed(network: Network) -> dict[str, Relayed]:
    """Give what relays add, by linear value: composed into synapses it would take nothing."""
    found: dict[str, Relayed] = {}
    for p in network.populations:
        graded = isinstance(p.neuron, Graded)
        if graded or other_half(network, p.name) is not None:
            value = p.name.rsplit(" (", 1)[0]  # as `population_of` names it
            before = found[value].neurons if value in found else 0
            kind = "graded" if graded else "paired"
            found[value] = Relayed(kind, before + prod(p.shape), 1)
    return found
