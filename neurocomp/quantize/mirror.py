"""The second half of a pair: the first one's numbers with the opposite sign."""

from dataclasses import replace

from neurocomp.arrays import readonly
from neurocomp.hw.target import Arithmetic
from neurocomp.quantize.part import Part, resets
from neurocomp.snn.compose import with_weight
from neurocomp.snn.network import Network, Population
from neurocomp.snn.pairs import driving


def mirrored(network: Network, population: Population, first: Part, widths: Arithmetic) -> Part:
    """Give the part of `population`, the other half of the pair that `first` is a half of.

    So they stay each other's opposite however the first was rounded.
    """
    made = first.population
    currents = [c for c in network.currents if c.target == population.name]
    return Part(
        population=replace(made, name=population.name, bias=readonly(-made.bias)),
        currents=tuple(
            replace(c, scale=of_first.scale, quantum=of_first.quantum)
            for c, of_first in zip(currents, first.currents, strict=True)
        ),
        projections=tuple(
            replace(
                p,
                synapse=with_weight(p.synapse, -of_first.synapse.weight),
                weight_exponent=of_first.weight_exponent,
            )
            for p, of_first in zip(
                driving(network, population.name), first.projections, strict=True
            )
        ),
        resets=resets(network, population.name, made.neuron, widths),
        scale=first.scale,
    )
