"""Network -> Plan: all that the kernel runs, in its own numbers, forms and order."""

from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.engine.forms import (
    Gather,
    Geometry,
    Single,
    Taps,
    as_convolution,
    expanded,
    form,
    geometry,
)
from neurocomp.engine.numbers import EXACT_BITS, Numbers, numbers, scaled
from neurocomp.engine.schedule import schedule
from neurocomp.errors import UnsupportedError
from neurocomp.snn.estimates import Average
from neurocomp.snn.network import Current, Network, Population
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate

BYTE, NARROW, WORD, FULL = range(4)  # as in native/plan.hpp
STORED = (np.int8, np.int16, np.int16, np.int32)
SUBTRACT, ZERO, ACCUMULATE, GATE = range(4)
SHORT_BYTES = 256 * 1024  # of one block's weights that are worth 16 bits: no widening, more memory
LEAST_FLUSH = 16  # rows that must add up in 16 bits before they are emptied


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Link:
    """One projection in the kernel's form."""

    source: str
    delay: int
    shift: int
    form: Gather | Single | Taps


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Analog:
    """One current as a convolution whose sums are exact: rint(sum * factor) * multiple."""

    source: str
    geometry: Geometry
    pre_shape: Shape
    weight: Array  # float64 (source channels * kernel rows * kernel columns, target channels)
    factor: Array  # float64, broadcastable to the target's shape
    multiple: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Layer:
    """One population with all that leads into it."""

    population: Population
    model: int
    numbers: Numbers
    kind: int
    lanes: int
    links: tuple[Link, ...]
    inputs: tuple[Analog, ...]  # empty where the oracle computes the currents

    @property
    def padded(self) -> int:
        """Give the lanes of one position, channels and padding."""
        return -(-self.population.shape[0] // self.lanes) * self.lanes


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Plan:
    """A network as the kernel runs it."""

    network: Network
    layers: tuple[Layer, ...]
    groups: tuple[tuple[str, ...], ...]


def plan(network: Network, length: int) -> Plan:
    """Plan runs of up to `length` steps. Raises UnsupportedError where the kernel cannot."""
    for p in network.populations:
        _check_model(p)
    return Plan(
        network=network,
        layers=tuple(_layer(network, p, length) for p in network.populations),
        groups=schedule(network),
    )


def _layer(network: Network, population: Population, length: int) -> Layer:
    found = numbers(network, population, length)
    silent = {p.name for p in network.populations if isinstance(p.neuron, Accumulator)}
    links = tuple(
        Link(source=p.source, delay=p.delay_steps, shift=shift, form=form(p.synapse, w, p.target))
        for p, w, shift in zip(
            network.into(population.name), found.weights, found.shifts, strict=True
        )
        if p.source not in silent
    )
    kind, lanes = _kind(population.shape[0], [k.form for k in links])
    return Layer(
        population=population,
        model=_model(population),
        numbers=found,
        kind=kind,
        lanes=lanes,
        links=links,
        inputs=_inputs(network, population, found),
    )


def _inputs(network: Network, population: Population, n: Numbers) -> tuple[Analog, ...]:
    """Give the currents that the kernel can compute: all of them or none."""
    own = [c for c in network.currents if c.target == population.name]
    analog = tuple(_analog(network, c, n) for c in own)
    return tuple(a for a in analog if a is not None) if all(analog) else ()


def _analog(network: Network, current: Current, n: Numbers) -> Analog | None:
    """Give a current as the kernel computes it, if its sums are exact in any order."""
    synapse = current.synapse
    conv = as_convolution(synapse)
    if conv is None:
        return None
    source = next(i for i in network.inputs if i.name == current.source)
    weight = scaled(conv.weight, 62, current.target)
    grid = scaled(np.array([source.grid]), 62, current.source)
    if weight.exponent is None or grid.exponent is None:
        return None
    unit = weight.exponent + grid.exponent
    top = max(abs(source.low), abs(source.high)) + source.grid
    sums = np.abs(conv.weight).sum(axis=(1, 2, 3)).max() * top
    if not sums < 2.0 ** (EXACT_BITS + unit):
        return None
    outs = conv.weight.shape[0]
    return Analog(
        source=current.source,
        geometry=geometry(conv),
        pre_shape=conv.pre_shape,
        weight=expanded(conv).astype(np.float64).reshape(outs, -1).T,
        factor=np.asarray(current.scale / current.quantum, dtype=np.float64),
        multiple=int(np.ldexp(current.quantum, -n.exponent)),
    )


def _check_model(population: Population) -> None:
    """Raise UnsupportedError for a neuron that the kernel has no model of."""
    neuron = population.neuron
    gate = isinstance(neuron, MaxGate) and isinstance(neuron.estimate, Average)
    fires = isinstance(neuron, IntegrateAndFire) and neuron.reset != "always"
    if not (gate or fires or isinstance(neuron, Accumulator)):
        wrong = f"is of {type(neuron).__name__} neurons, which the kernel has no model of"
        raise UnsupportedError(population.name, wrong, "run the generic engine")


def _model(population: Population) -> int:
    neuron = population.neuron
    if isinstance(neuron, IntegrateAndFire):
        return SUBTRACT if neuron.reset == "subtract" else ZERO
    return ACCUMULATE if isinstance(neuron, Accumulator) else GATE


def _kind(channels: int, forms: list[Gather | Single | Taps]) -> tuple[int, int]:
    """Choose how weights are stored and the lanes of a block."""
    gathers = [f for f in forms if isinstance(f, Gather)]
    if any(isinstance(f, Taps) for f in forms):
        return FULL, 64
    wide = 64 if channels > 32 else 32
    if not gathers:
        return FULL, 16 if channels <= 16 else wide
    most = max(max(int(g.weight.max(initial=0)), -int(g.weight.min(initial=0))) for g in gathers)
    rows = max(len(g.weight) for g in gathers)
    if most <= np.iinfo(np.int16).max // LEAST_FLUSH:
        small = most <= np.iinfo(np.int8).max and rows * wide * 2 > SHORT_BYTES
        return (BYTE if small else NARROW), wide
    kind = WORD if most <= np.iinfo(np.int16).max else FULL
    return kind, 16 if channels <= 16 else wide


def lanes(layer: Layer, values: Array, padding: int = 0) -> Array:
    """Give `values`, (channels, rows, columns), as int64 (positions, lanes); one row if equal."""
    channels = values.shape[0]
    flat = np.asarray(values, dtype=np.int64).reshape(channels, -1).T
    padded = np.full((len(flat), layer.padded), padding, dtype=np.int64)
    padded[:, :channels] = flat
    return padded


def real_lanes(layer: Layer, values: Array) -> Array:
    """Give float64 `values`, (channels, rows, columns), as (positions, lanes)."""
    channels = values.shape[0]
    padded = np.zeros((values[0].size, layer.padded))
    padded[:, :channels] = values.reshape(channels, -1).T
    return padded


def shared(values: Array) -> Array:
    """Give the first row alone where all rows, (positions, lanes), are equal."""
    return values[:1].copy() if (values == values[0]).all() else values


def blocks(layer: Layer, weight: Array) -> Array:
    """Give weights, (rows, channels), as (blocks, rows, lanes) in the layer's stored type."""
    rows, channels = weight.shape
    padded = np.zeros((rows, layer.padded), dtype=STORED[layer.kind])
    padded[:, :channels] = weight
    return np.ascontiguousarray(padded.reshape(rows, -1, layer.lanes).transpose(1, 0, 2))
