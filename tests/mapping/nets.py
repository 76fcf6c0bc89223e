"""Random networks and targets, and the recount of what each block takes, neuron by neuron."""

from collections.abc import Mapping
from math import prod

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.hw.target import Core, Mesh, Target
from neurocomp.mapping.grid import Grid, blocks
from neurocomp.mapping.placement import Block
from neurocomp.snn.channels import edges_read
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate, Neuron
from neurocomp.snn.synapses import Sparse, Synapse, Window
from tests.snn import draws

SLOTS = {"subtract": 2, "zero": 1, "accumulator": 1, "max_gate": 3}


def target(limits: Mapping[str, int], **changes: object) -> Target:
    """Give a target with these limits a core, on a mesh of 4 x 3."""
    fields: dict[str, object] = {
        "name": "chip",
        "title": "a chip of the tests",
        "compartments": SLOTS,
        "threshold_per": "neuron",
        "max_delay_steps": 4,
        "synapse_bits": 7,
        "delay_bits": 3,
        "axon_bits": 11,
        "arithmetic": None,
        "core": Core(count=None, limits=limits),
        "mesh": Mesh(width=4, height=3, chips=None),
        "sources": {},
    }
    return Target(**{**fields, **changes})  # type: ignore[arg-type]  # one dict for all fields


def population(name: str, shape: Shape, neuron: Neuron | None = None) -> Population:
    zero = np.zeros(shape, dtype=np.int64)
    fire = IntegrateAndFire(v_threshold=zero + 1)
    return Population(name=name, shape=shape, neuron=neuron or fire, v_init=zero, bias=zero)


def network(populations: list[Population], *projections: Projection) -> Network:
    return Network(
        inputs=(),
        currents=(),
        populations=tuple(populations),
        projections=projections,
        readout=populations[-1].name,
    )


def chain(first: Shape, *synapses: Synapse) -> Network:
    """Give p0 -> p1 -> ..., one population after each synapse."""
    shapes = [first, *(s.post_shape for s in synapses)]
    links = [
        Projection(source=f"p{i}", target=f"p{i + 1}", synapse=s) for i, s in enumerate(synapses)
    ]
    return network([population(f"p{i}", s) for i, s in enumerate(shapes)], *links)


def drawn(seed: int, most: int = 7) -> Network:
    """Give a random network: a chain with gates, and branches that skip populations."""
    rng = np.random.default_rng(seed)
    populations, projections = [population("p0", draws.shape(rng, most))], list[Projection]()
    for i in range(1, int(rng.integers(2, 5))):
        source = populations[-1]
        gate = rng.random() < 0.2
        synapse = draws.window(rng, source.shape) if gate else draws.linear(rng, source.shape)
        zero = np.zeros(synapse.post_shape)
        fire = IntegrateAndFire(
            v_threshold=zero, reset="zero" if rng.random() < 0.5 else "subtract"
        )
        populations.append(population(f"p{i}", synapse.post_shape, MaxGate() if gate else fire))
        delay = int(rng.integers(1, 4))
        link = Projection(source=source.name, target=f"p{i}", synapse=synapse, delay_steps=delay)
        projections.append(link)
        if not gate and i > 1 and rng.random() < 0.5:
            skip = draws.dense(rng, populations[0].shape, synapse.post_shape)
            projections.append(Projection(source="p0", target=f"p{i}", synapse=skip))
    last = populations[-1]
    if not any(isinstance(p.synapse, Window) for p in projections if p.target == last.name):
        populations[-1] = population(last.name, last.shape, Accumulator())
    return network(populations, *projections)


def merged(seed: int) -> tuple[Network, Target]:
    """Give two populations that meet in a third, and limits under which their cuts depend on it."""
    rng = np.random.default_rng(seed)
    shape = (2, 2, 2)
    local = draws.conv(rng, shape, 2)
    post = local.post_shape
    scattered = draws.sparse(rng, shape, post)
    links = [
        Projection(source="p0", target="p2", synapse=local),
        Projection(source="p1", target="p2", synapse=scattered),
    ]
    if rng.random() < 0.5:
        links.append(Projection(source="p0", target="p1", synapse=identity(shape)))
    ranges = {"neurons": (2, 12), "in_axons": (2, 14), "out_axons": (1, 8)}
    limits = {resource: int(rng.integers(*ends)) for resource, ends in ranges.items()}
    shapes = {"p0": shape, "p1": shape, "p2": post}
    return network([population(*item) for item in shapes.items()], *links), target(limits)


def model(neuron: Neuron) -> str:
    match neuron:
        case IntegrateAndFire():
            return neuron.reset
        case Accumulator():
            return "accumulator"
    return "max_gate"


def labels(net: Network, cut: Mapping[str, Grid]) -> dict[str, Array]:
    """Give the number of the block that holds each neuron, flat, for each population."""
    found = {p.name: np.full(p.shape, -1) for p in net.populations}
    for number, block in enumerate(blocks(cut)):
        found[block.population][block.box.slices] = number
    return {name: numbers.ravel() for name, numbers in found.items()}


def recount(
    net: Network, chip: Target, cut: Mapping[str, Grid]
) -> tuple[list[dict[str, int]], Array]:
    """Count from single synapses what each block takes, and the neurons from each block to each."""
    every: tuple[Block, ...] = blocks(cut)
    taken = [dict.fromkeys(("neurons", "synapse_bits", "in_axons", "out_axons"), 0) for _ in every]
    traffic = np.zeros((len(every), len(every)))
    at = labels(net, cut)
    for p in net.populations:
        for number in at[p.name]:
            taken[number]["neurons"] += chip.compartments[model(p.neuron)]
    for j in net.projections:
        axons = set()
        for box in cut[j.target].boxes():
            edges = edges_read(j.synapse, box)
            for pre, post in zip(edges.pre.tolist(), edges.post.tolist(), strict=True):
                number = at[j.target][post]
                bits = chip.synapse_bits + (chip.delay_bits if j.delay_steps > 1 else 0)
                taken[number]["synapse_bits"] += bits
                axons.add((pre, number))
        for pre, number in axons:
            own = at[j.source][pre]
            taken[number]["synapse_bits"] += chip.axon_bits
            taken[number]["in_axons"] += 1
            taken[own]["out_axons"] += 1
            traffic[own, number] += 1
    return taken, traffic


def identity(shape: Shape) -> Sparse:
    each = np.arange(prod(shape))
    return Sparse(weight=np.ones_like(each), pre=each, post=each, pre_shape=shape, post_shape=shape)
