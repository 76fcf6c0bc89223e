"""Single blocks of a program, alone: their sources only repeat what was recorded of them.

Every delay is at least one step, so what a block does at a step depends on earlier steps alone. If
each block does right on the right spikes of its sources, the whole network does right, by induction
over the steps. Graded sources send numbers, not spikes; they have no memory, so they are computed
from what was recorded of their own sources.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from neurocomp.arrays import Array
from neurocomp.mapping.placement import Block
from neurocomp.program import Program
from neurocomp.snn.boxes import Box, whole
from neurocomp.snn.cut import Piece, cut, cut_population, cut_whole
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
        own = cut_population(self.network.population(block.population), block.box, str(block))
        self.blocks.append(own)
        self.feed(own, block)

    def feed(self, own: Population, block: Block) -> None:
        """Add what reaches `own`, the neurons of `block`."""
        population = self.network.population(block.population)
        for p, piece in reaching(self.network, block):
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
        """Give the name of the population that sends what the neurons in `field` send."""
        key = name, field
        if key not in self.sources:
            population = self.network.population(name)
            if isinstance(population.neuron, Graded):
                sender = cut_population(population, field, f"{name}{field} computed")
                self.feed(sender, Block(population=name, box=field))  # whose sources come first
            else:
                sender = self.repeated(population, field)
            self.sources[key] = sender
        return self.sources[key].name

    def repeated(self, population: Population, field: Box) -> Population:
        """Give the population that repeats the spikes of `field`."""
        zero = np.broadcast_to(population.bias.dtype.type(0), field.shape)
        return Population(
            name=f"{population.name}{field} recorded",
            shape=field.shape,
            neuron=Recorded(spikes=self.recorded(population.name, field)),
            v_init=zero,
            bias=zero,
        )


def reaching(network: Network, block: Block) -> Iterator[tuple[Projection, Piece]]:
    """Give the projections into `block` that anything comes by, and what it cuts of each."""
    for p in network.into(block.population):
        if not isinstance(network.population(p.source).neuron, Accumulator):
            yield p, cut(p.synapse, block.box)


def synapses(network: Network, block: Block) -> int:
    """Count the synapses that `block` alone takes: its own, and those into its graded sources."""
    count = 0
    for p, piece in reaching(network, block):
        count += piece.synapse.fan_in(whole(block.box.shape))
        if isinstance(network.population(p.source).neuron, Graded):
            count += synapses(network, Block(population=p.source, box=piece.field))
    return count
