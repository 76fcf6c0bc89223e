"""What a block takes of each resource of its core, in closed form."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Packing, Target
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.grid import Grid
from neurocomp.mapping.irregular import Irregular
from neurocomp.mapping.packed import Layer, Link, block_words
from neurocomp.mapping.regular import Axis, Regular, product, sizes
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.neurons import (
    Accumulator,
    Given,
    Graded,
    IntegrateAndFire,
    MaxIntegrateAndFire,
    Neuron,
)


class Cutting(NamedTuple):
    """A network on a target, and how its populations are cut so far."""

    network: Network
    target: Target
    grids: Mapping[str, Grid]
    counts: Counts


class Demand(NamedTuple):
    """One resource."""

    resource: str
    each: Callable[[Cutting, str], Array]  # population -> (groups * channels, rows, columns)
    remedy: str  # where one neuron takes too much


def neurons(cutting: Cutting, name: str) -> Array:
    """Count the compartments that each block's neurons take."""
    slots = slots_of(cutting.target, cutting.network.population(name))
    return _relayed(cutting, name, cutting.target.relay.slots, slots)


def synapse_bits(cutting: Cutting, name: str) -> Array:
    """Count the bits of each block's synapses."""
    target, grid = cutting.target, cutting.grids[name]
    if target.packing:
        return target.packing.word_bits * packed(cutting, name, target.packing)
    bits = target.relay.synapse_bits * received(cutting, name)
    for p in cutting.network.into(name):
        counts = cutting.counts.of(p.synapse)
        stored = counts.fan_in(grid) if target.stored == "each" else counts.weights(grid)
        bits = bits + bits_of(target, p) * stored + target.axon_bits * counts.sources(grid)
    return bits


def in_axons(cutting: Cutting, name: str) -> Array:
    """Count each block's input axons: one a projection and neuron (or pixel) that reaches it.

    Analog input takes none: the host adds it to the bias. A reset by a synapse takes one as well.
    """
    grid, atoms = cutting.grids[name], cutting.target.atoms
    axons = cutting.target.relay.axons * received(cutting, name)
    axons[len(axons) - len(grid.axes[0]) :] += resets(cutting, name)
    for p in cutting.network.into(name):
        axons = axons + cutting.counts.of(p.synapse).sources(grid, atoms)
    return axons


def out_axons(cutting: Cutting, name: str) -> Array:
    """Count each block's output axons: those of each neuron (or pixel) and block it reaches."""
    grid, atoms = cutting.grids[name], cutting.target.atoms
    axons = resets(cutting, name)
    for p in out_of(cutting.network, name):
        axons = axons + cutting.counts.of(p.synapse).targets(grid, cutting.grids[p.target], atoms)
    axons = cutting.target.axon_entries * axons
    passed = _relayed(cutting, name, cutting.target.relay.axons, 0)
    passed[len(passed) - len(axons) :] += axons
    return passed


def packed(cutting: Cutting, name: str, packing: Packing) -> Array:
    """Count the words of each block's packed synapses."""
    grid, into = cutting.grids[name], cutting.network.into(name)
    counts = [(p, cutting.counts.of(p.synapse)) for p in into]
    links = [link(cutting.target, p, c.axes) for p, c in counts if isinstance(c, Regular)]
    whole = layer(cutting, name, packing, links)
    words = block_words(whole, grid, apart=len(links) < len(counts))
    for p, c in counts:
        if isinstance(c, Irregular):
            words = words + c.words(packing, bits_of(cutting.target, p), grid)
    return words


def layer(cutting: Cutting, name: str, packing: Packing, links: Sequence[Link]) -> Layer:
    """Give what the packing asks of a population, whatever its cuts."""
    target, population = cutting.target, cutting.network.population(name)
    kind = model(population.neuron)
    slots = target.compartments.get(kind, 1)
    return Layer(target, packing, links, slots, target.feeds_back(kind))


def link(target: Target, projection: Projection, axes: tuple[Axis, Axis, Axis]) -> Link:
    """Give what the packing asks of a projection."""
    return Link(axes, bits_of(target, projection), projection.delay_steps > 1)


def resets(cutting: Cutting, name: str) -> Array:
    """Count the axons by which each block's neurons reset themselves, (channels, rows, columns)."""
    (channels, *sides), target = cutting.grids[name].axes, cutting.target
    once = target.feeds_back(model(cutting.network.population(name).neuron))
    depth = np.array([-(-(b - a) // target.atoms) for a, b in channels]) * once
    return product(depth, *(sizes(cut) for cut in sides))


def received(cutting: Cutting, name: str) -> Array:
    """Count the partial sums that each block gets from the one before."""
    sums = _relayed(cutting, name, 1, 0)
    return np.concatenate([sums[-len(cutting.grids[name].axes[0]) :], sums])[: len(sums)]


def slots_of(target: Target, population: Population) -> int:
    """Give the neuron slots that one neuron takes; spikes that the host sends take none."""
    given = isinstance(population.neuron, Given)
    return 0 if given else target.compartments[model(population.neuron)]


def bits_of(target: Target, projection: Projection) -> int:
    """Give the bits of one stored synapse."""
    return target.synapse_bits + (target.delay_bits if projection.delay_steps > 1 else 0)


def _relayed(cutting: Cutting, name: str, relay: int, last: int) -> Array:
    """Count neurons `relay` times in every group but the last, and `last` times in that."""
    grid = cutting.grids[name]
    each = product(*(sizes(cut) for cut in grid.axes))
    return np.concatenate([each * relay] * (grid.groups - 1) + [each * last])


DEMANDS: tuple[Demand, ...] = (
    Demand("neurons", neurons, "use a neuron model that takes fewer slots"),
    Demand("synapse_bits", synapse_bits, "prune the layer, or make its window smaller"),
    Demand("in_axons", in_axons, "prune the layer, or make its window smaller"),
    Demand("out_axons", out_axons, "make the layers that read it smaller, so that fewer cores do"),
)


def model(neuron: Neuron) -> str:
    """Name the neuron's model as targets do."""
    if isinstance(neuron, IntegrateAndFire):
        return neuron.reset
    if isinstance(neuron, Given):
        return "poisson"
    if isinstance(neuron, MaxIntegrateAndFire):
        return "max_subtract"
    if isinstance(neuron, Graded):
        return "graded"
    return "accumulator" if isinstance(neuron, Accumulator) else "max_gate"


def out_of(network: Network, name: str) -> tuple[Projection, ...]:
    """Give the projections out of the population called `name`."""
    return tuple(p for p in network.projections if p.source == name)


def neuron_name(population: Population, flat: int) -> str:
    """Name one neuron: `fc1[17]`, or `conv2[3,0,5]` where the population has rows and columns."""
    index = np.unravel_index(flat, population.shape)
    whole = population.shape[1:] != (1, 1)
    return f"{population.name}[{','.join(str(i) for i in (index if whole else index[:1]))}]"


def uses(cutting: Cutting) -> list[dict[str, int]]:
    """Give what each block takes of every resource, in the order of `grid.blocks`."""
    found: list[dict[str, int]] = []
    for name in cutting.grids:
        each = [d.each(cutting, name).ravel().tolist() for d in DEMANDS]
        names = [d.resource for d in DEMANDS]
        found.extend(dict(zip(names, use, strict=True)) for use in zip(*each, strict=True))
    return found
