"""Graph -> Network: the trained network as integrate-and-fire neurons.

Between two neuron values everything is linear, so each path of linear operators from a source to a
neuron becomes one synapse, and all their constants become the neuron's bias (which is exact even
where padding cuts a shift off at the border). A firing rate of 1 stands for the value's unit, so
weights are W * unit of the source / unit of the target (Rueckauer et al. 2017, equation 8) and
every threshold is 1. A relayed value becomes a pair of populations, or a graded one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor, prod

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.ann.linear import constants, paths, readout_value, spiking
from neurocomp.ann.ops import Relay
from neurocomp.ann.order import Order, reordered
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import GraphError, UnsupportedError
from neurocomp.snn.boxes import volume
from neurocomp.snn.compose import identity, scaled, with_weight
from neurocomp.snn.grid import BITS, current_bits, sample_bits, snap, step_below
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import (
    FULL,
    Accumulator,
    Graded,
    IntegrateAndFire,
    MaxGate,
    MaxIntegrateAndFire,
    Neuron,
    Poisson,
)
from neurocomp.snn.relays import population_of
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Synapse, Window

MESSAGE_BITS = 6  # more of the grid where messages of 2^-10 arrive: their weights are so small
Senders = Mapping[str, Iterable[tuple[str, float]]]  # value -> populations, each with a factor


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Cell:
    """What one population is made from."""

    name: str
    node: str  # of the graph, whose value it sends
    value: str  # of the graph, that it integrates
    shape: Shape  # (channels, rows, columns)
    neuron: Neuron
    unit: Array  # (channels,) what rate 1 stands for
    v_init: float  # as a fraction of the threshold
    window: Window | None = None  # that pools what it gets
    sign: float = 1.0  # -1 for the off half of a pair


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Arrival:
    """One synapse into a population, between rates."""

    source: str  # a population, or the input
    synapse: Synapse


def convert(graph: Graph, low: float, high: float) -> Network:
    """Convert `graph`, whose input lies in [low, high], to a float network on the grid.

    Raises UnsupportedError where a neuron cannot be wired.
    """
    graph, order = reordered(graph)
    source = _input(graph, low, high, order)
    bias = constants(graph)
    given = spike_source(graph, source)
    rate = np.full(source.shape[0], source.high if given else 1.0)
    units: dict[str, Array] = {graph.input: rate}
    origin = given[0].name if given else graph.input
    senders: dict[str, list[tuple[str, float]]] = {graph.input: [(origin, 1.0)]}
    start = {origin: 1 if given else 0}
    populations: list[Population] = [given[0]] if given else []
    currents: list[Current] = [given[1]] if given else []
    projections: list[Projection] = []
    for cell in _cells(graph, units):
        arrivals = _arrivals(graph, cell, units, senders)
        start[cell.name] = 1 + max((start[a.source] for a in arrivals), default=0)
        offset = _offset(graph, cell, bias)
        step = _grid(cell, arrivals, offset, populations)
        populations.append(_population(cell, offset, step, start[cell.name]))
        projections += _pairing(cell, senders)
        for arrival in arrivals:
            if arrival.source == graph.input:
                currents.append(_current(cell, arrival, step))
            else:
                delay = start[cell.name] - start[arrival.source]
                projections.append(_projection(cell, arrival, step, delay))
        quantum = cell.neuron.quantum if isinstance(cell.neuron, Graded) else 1.0
        senders.setdefault(cell.node, []).append((cell.name, cell.sign * quantum))
    return Network(
        inputs=(source,),
        currents=tuple(currents),
        populations=tuple(populations),
        projections=tuple(projections),
        readout=populations[-1].name,
    )


def _cells(graph: Graph, units: dict[str, Array]) -> Iterable[Cell]:
    """Give the populations in running order, the readout last; fill in `units` on the way."""
    result = readout_value(graph)
    nodes = spiking(graph, result)
    for node in nodes:
        shape = volume(graph.shapes[node.name])
        units[node.name] = unit = np.asarray(graph.units.get(node.name, np.ones(shape[0])))
        neuron = _neuron(graph, node.op.neuron(np.broadcast_to(unit.reshape(-1, 1, 1), shape)))
        if isinstance(neuron, MaxGate):
            units[node.name] = unit = _gated(graph, node.inputs[0], units)
        pools = isinstance(neuron, MaxGate | MaxIntegrateAndFire)
        window = node.op.wiring(0, graph.shapes[node.inputs[0]]) if pools else None
        cell = Cell(
            name=node.name,
            node=node.name,
            value=node.inputs[0] if not isinstance(neuron, MaxGate) else node.name,
            shape=shape,
            neuron=neuron,
            unit=unit,
            v_init=graph.v_init,
            window=window if isinstance(window, Window) else None,
        )
        yield from _relayed(graph, cell) if isinstance(node.op, Relay) else (cell,)
    yield Cell(
        name=f"{result} (readout)" if result in {n.name for n in nodes} else result,
        node=result,
        value=result,
        shape=volume(graph.shapes[result]),
        neuron=Accumulator(),
        unit=np.ones(volume(graph.shapes[result])[0]),
        v_init=0.0,
    )


def _relayed(graph: Graph, cell: Cell) -> tuple[Cell, ...]:
    """Give the populations of a relay: one that is graded, or the halves of a pair."""
    if isinstance(cell.neuron, Graded):
        return (replace(cell, name=population_of(cell.value, "graded")),)
    if graph.reset != "subtract":
        raise UnsupportedError(
            cell.value,
            f"is relayed by a pair, which resets by subtraction, not to {graph.reset}",
            "compile with --linear compose, or with --reset subtract",
        )
    on = replace(cell, name=population_of(cell.value, "on"))
    return on, replace(cell, name=population_of(cell.value, "off"), sign=-1.0)


def _pairing(cell: Cell, senders: Senders) -> list[Projection]:
    """Give what joins the off half of a pair, `cell`, and its on half; nothing for other cells."""
    if cell.sign > 0 or not isinstance(cell.neuron, IntegrateAndFire):
        return []
    ((on, _),) = senders[cell.node]
    return [
        Projection(source=a, target=b, synapse=identity(cell.shape), resets=True)
        for a, b in ((on, cell.name), (cell.name, on))
    ]


def _neuron(graph: Graph, neuron: Neuron) -> Neuron:
    """Give the neuron as the graph's options have it: another reset, another gate."""
    if isinstance(neuron, IntegrateAndFire) and neuron.reset == "subtract":
        return replace(neuron, reset=graph.reset)
    return replace(neuron, estimate=graph.gate) if isinstance(neuron, MaxGate) else neuron


def _gated(graph: Graph, value: str, units: dict[str, Array]) -> Array:
    """Give the unit of what a gate pools: it passes spikes on, so it has its source's."""
    found = paths(graph, value)
    if len(found) != 1 or not found[0].plain or found[0].source == graph.input:
        raise UnsupportedError(
            value,
            "is max-pooled and is not the value of an activation",
            "pool right after an activation, or replace the pooling by average pooling",
        )
    return units[found[0].source]


def _arrivals(
    graph: Graph, cell: Cell, units: dict[str, Array], senders: Senders
) -> tuple[Arrival, ...]:
    if isinstance(cell.neuron, MaxGate) and cell.window:
        (path,) = paths(graph, graph.index[cell.name].inputs[0])
        return tuple(Arrival(source=s, synapse=cell.window) for s, _ in senders[path.source])
    arrivals = (
        Arrival(
            source=sender,
            synapse=scaled(p.synapse, factor * units[p.source], cell.sign / cell.unit),
        )
        for p in paths(graph, cell.value)
        for sender, factor in senders[p.source]
    )
    if cell.window is None:
        return tuple(arrivals)
    return tuple(replace(a, synapse=_pooled(a.synapse, cell.window)) for a in arrivals)


def _pooled(synapse: Synapse, window: Window) -> Synapse:
    if not isinstance(synapse, Conv | Dense | Sparse):
        raise GraphError(type(synapse).__name__, "is pooled already and cannot be pooled again")
    return Pooled(inner=synapse, window=window)


def _offset(graph: Graph, cell: Cell, bias: Mapping[str, Array]) -> Array:
    """Give the cell's constant drive between rates, (channels, rows, columns) and maybe taps."""
    shape = volume(graph.shapes[cell.value])
    whole = np.broadcast_to(bias[cell.value].reshape(-1), int(np.prod(shape))).reshape(shape)
    drive = cell.sign * whole / cell.unit.reshape(-1, 1, 1) + 0.0  # no -0
    compartments = isinstance(cell.neuron, MaxIntegrateAndFire) and cell.window is not None
    return cell.window.apply(drive[None])[0] if compartments and cell.window else drive


def _grid(
    cell: Cell, arrivals: tuple[Arrival, ...], offset: Array, populations: list[Population]
) -> float:
    numbers = [a.synapse.weight for a in arrivals] + [offset]
    largest = max((float(np.abs(n).max()) for n in numbers if n.size), default=0.0)
    fires = isinstance(cell.neuron, IntegrateAndFire | MaxIntegrateAndFire)
    graded = {p.name for p in populations if isinstance(p.neuron, Graded)}
    more = MESSAGE_BITS if any(a.source in graded for a in arrivals) else 0
    return step_below(max(largest, 1.0 if fires else 0.0), BITS + more)


def _population(cell: Cell, offset: Array, step: float, start: int) -> Population:
    resting = np.broadcast_to(0.0, cell.shape)
    neuron = cell.neuron
    if isinstance(neuron, MaxIntegrateAndFire):
        each = np.broadcast_to(neuron.v_threshold[..., None], offset.shape)
        neuron = replace(neuron, v_threshold=readonly(each))
    if isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        resting = readonly(neuron.v_threshold * cell.v_init)
    gate = isinstance(neuron, MaxGate)
    return Population(
        name=cell.name,
        shape=cell.shape,
        neuron=neuron,
        v_init=snap(resting, step),
        bias=readonly(np.broadcast_to(0.0, cell.shape)) if gate else snap(offset, step),
        start_step=start,
    )


def _current(cell: Cell, arrival: Arrival, step: float) -> Current:
    weight = arrival.synapse.weight
    ones = with_weight(arrival.synapse, np.ones(weight.shape)).apply(
        np.ones((1, *arrival.synapse.pre_shape))
    )
    sample = sample_bits(prod(arrival.synapse.pre_shape))
    bits = current_bits(int(ones.max(initial=0)), sample)
    fine = step_below(float(np.abs(weight).max(initial=0)), bits)
    return Current(
        source=arrival.source,
        target=cell.name,
        synapse=with_weight(arrival.synapse, snap(weight, fine)),
        scale=np.ones((1,) * (ones.ndim - 1)),
        quantum=step,
    )


def _projection(cell: Cell, arrival: Arrival, step: float, delay: int) -> Projection:
    synapse = with_weight(arrival.synapse, snap(arrival.synapse.weight, step))
    return Projection(source=arrival.source, target=cell.name, synapse=synapse, delay_steps=delay)


def spike_source(graph: Graph, source: Input) -> tuple[Population, Current] | None:
    """Give the population that turns samples into random spikes; None where input is analog.

    Its drive is the probability of a spike in 2^-16; the input's greatest value always fires.
    Raises UnsupportedError where a sample can be negative.
    """
    if graph.spike_seed is None:
        return None
    if source.low < 0:
        wrong = f"goes down to {source.low:g}, and a rate is not negative"
        raise UnsupportedError(graph.input, wrong, "use analog input")
    name = f"{graph.input} (spikes)"
    zeros = readonly(np.broadcast_to(0.0, source.shape))
    population = Population(
        name=name,
        shape=source.shape,
        neuron=Poisson(seed=graph.spike_seed),
        v_init=zeros,
        bias=zeros,
    )
    scale = np.full((1, 1, 1), FULL / source.high if source.high else 0.0)
    return population, Current(
        source=graph.input, target=name, synapse=identity(source.shape), scale=scale
    )


def _input(graph: Graph, low: float, high: float, order: Order) -> Input:
    """Give the input with its range widened to the grid, so that rounding never leaves it."""
    grid = step_below(max(abs(low), abs(high)), sample_bits(prod(graph.input_shape)))
    return Input(
        name=graph.input,
        shape=volume(graph.input_shape),
        low=floor(low / grid) * grid,
        high=ceil(high / grid) * grid,
        grid=grid,
        order=order,
    )
