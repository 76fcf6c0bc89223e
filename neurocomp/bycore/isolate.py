"""Single blocks of a program, alone: their sources only repeat what was recorded of them.

Every delay is at least one step, so what a block does at a step depends on earlier steps alone. If
each block does right on the right spikes of its sources, the whole network does right, by induction
over the steps.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import UnsupportedError
from neurocomp.mapping.placement import Block
from neurocomp.program import Program
from neurocomp.snn.boxes import Box, whole
from neurocomp.snn.cut import cut, cut_population, cut_whole
from neurocomp.snn.network import Current, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, Graded, Recorded

CLOCK = "clock"
Recordings = Callable[[str, Box], Array]  # bool (samples, steps, *box shape) of a population


def isolate(program: Program, blocks: Iterable[Block], recorded: Recordings) -> Program:
    """Give a program that holds only `blocks`, each a population named as the block is written.

    Sources that several blocks have in common stand in it once. Its readout is a neuron that
    nothing reaches and that ends when the network's does.
    """
    network = program.network
    parts = _Parts(network, recorded)
    for block in dict.fromkeys(blocks):
        parts.add(block)
    last = network.population(network.readout)
    zero = np.zeros((1, 1, 1), dtype=last.bias.dtype)
    clock = replace(last, name=CLOCK, shape=(1, 1, 1), v_init=zero, bias=zero)
    alone = Network(
        inputs=network.inputs,
        currents=tuple(parts.currents),
        populations=(*parts.sources.values(), *parts.blocks, clock),
        projections=tuple(parts.projections),
        readout=CLOCK,
    )
    return replace(program, network=alone)


def whole_block(population: Population) -> Block:
    """Give all of `population` as one block."""
    return Block(population=population.name, box=whole(population.shape))


class _Parts:
    """What the isolated network consists of, so far."""

    def __init__(self, network: Network, recorded: Recordings) -> None:
        self.network = network
        self.recorded = recorded
        self.sources: dict[tuple[str, Box], Population] = {}
        self.blocks: list[Population] = []
        self.projections: list[Projection] = []
        self.currents: list[Current] = []

    def add(self, block: Block) -> None:
        """Add one block with its sources."""
        population = self.network.population(block.population)
        own = cut_population(population, block.box, str(block))
        self.blocks.append(own)
        for p in self.network.into(population.name):
            if not isinstance(self.network.population(p.source).neuron, Accumulator):
                piece = cut(p.synapse, block.box)
                source = self.source(p.source, piece.field)
                self.projections.append(
                    replace(p, source=source, target=own.name, synapse=piece.synapse, resets=False)
                )
        for c in self.network.currents:
            if c.target == population.name:
                shape = self.network.drive_shape(population)
                scale = np.broadcast_to(c.scale, shape)[block.box.slices]
                synapse = cut_whole(c.synapse, block.box)
                self.currents.append(replace(c, target=own.name, synapse=synapse, scale=scale))

    def source(self, name: str, field: Box) -> str:
        """Give the name of the population that repeats the spikes of `field`."""
        if isinstance(self.network.population(name).neuron, Graded):
            wrong = "sends numbers, and what is recorded of a source is whether it fired"
            raise UnsupportedError(name, wrong, "verify the whole network")
        key = name, field
        if key not in self.sources:
            zero = np.broadcast_to(self.network.population(name).bias.dtype.type(0), field.shape)
            self.sources[key] = Population(
                name=f"{name}{field} recorded",
                shape=field.shape,
                neuron=Recorded(spikes=self.recorded(name, field)),
                v_init=zero,
                bias=zero,
            )
        return self.sources[key].name
