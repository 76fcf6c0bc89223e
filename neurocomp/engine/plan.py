"""Network -> Plan: all that the kernel runs, in its own numbers, forms and order."""

from dataclasses import dataclass
from math import prod

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.engine.forms import (
    Form,
    Gather,
    Geometry,
    Taps,
    distinct,
    forms,
    geometry,
    grouped,
)
from neurocomp.engine.numbers import EXACT_BITS, Numbers, numbers, scaled
from neurocomp.engine.schedule import schedule
from neurocomp.errors import UnsupportedError
from neurocomp.snn.estimates import Exponential, Fir
from neurocomp.snn.network import Current, Network, Population
from neurocomp.snn.neurons import (
    Accumulator,
    Graded,
    IntegrateAndFire,
    Integrating,
    MaxGate,
    MaxIntegrateAndFire,
    Poisson,
)
from neurocomp.snn.synapses import Conv, Pooled, Window

BYTE, NARROW, WORD, FULL = range(4)  # as in native/plan.hpp
STORED = (np.int8, np.int16, np.int16, np.int32)
SUBTRACT, ZERO, ALWAYS, ACCUMULATE, GATE, RANDOM, POOL = range(7)
RESETS = {"subtract": SUBTRACT, "zero": ZERO, "always": ALWAYS}
SHORT_BYTES = 256 * 1024  # of one block's weights that are worth 16 bits: no widening, more memory
LEAST_FLUSH = 16  # rows that must add up in 16 bits before they are emptied
MOST_SHIFT = 14  # of an exponential average, so that 16 bits above it fit 32
MOST_HISTORY = 32  # steps that a finite impulse response looks back


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Link:
    """One projection, or a part of it, in the kernel's form."""

    source: str
    delay: int
    shift: int
    form: Form


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
    window: Window | None  # over the drive that is pooled

    @property
    def padded(self) -> int:
        """Give the lanes of one position, channels and padding."""
        return -(-self.population.shape[0] // self.lanes) * self.lanes

    @property
    def inner(self) -> tuple[int, int]:
        """Give the rows and columns of the drive."""
        _, rows, columns = self.population.shape if self.window is None else self.window.pre_shape
        return rows, columns

    @property
    def taps(self) -> int:
        """Give the membranes of a neuron."""
        return 1 if self.window is None else prod(self.window.kernel)


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
    into = network.into(population.name)
    found = [distinct(p.synapse) for p in into]
    made, weights = numbers(network, population, found, length)
    links = tuple(
        Link(source=p.source, delay=p.delay_steps, shift=shift, form=form)
        for p, d, w, shift in zip(into, found, weights, made.shifts, strict=True)
        if not isinstance(network.population(p.source).neuron, Accumulator)
        for form in forms(d, w, p.target)
    )
    if isinstance(population.neuron, Poisson) and made.exponent:
        raise UnsupportedError(population.name, "draws spikes with a probability off 2^-16")
    kind, lanes = _kind(population.shape[0], made.wide, [k.form for k in links])
    return Layer(
        population=population,
        model=_model(population),
        numbers=made,
        kind=kind,
        lanes=lanes,
        links=links,
        inputs=_inputs(network, population, made),
        window=_window(network, population),
    )


def _window(network: Network, population: Population) -> Window | None:
    """Give the window over the drive that a population pools."""
    arriving = network.arriving(population.name)
    return next((s.window for s in arriving if isinstance(s, Pooled)), None)


def _inputs(network: Network, population: Population, n: Numbers) -> tuple[Analog, ...]:
    """Give the currents that the kernel can compute: all of them or none."""
    own = [c for c in network.currents if c.target == population.name]
    analog = tuple(_analog(network, c, n) for c in own)
    return tuple(a for a in analog if a is not None) if all(analog) else ()


def _analog(network: Network, current: Current, n: Numbers) -> Analog | None:
    """Give a current as the kernel computes it, if its sums are exact in any order."""
    conv, scale = distinct(current.synapse).synapse, np.asarray(current.scale, dtype=np.float64)
    if not isinstance(conv, Conv):
        return None
    if isinstance(current.synapse, Pooled):  # one factor for all taps that read a position
        if scale.ndim != 4 or scale[0].size != 1:
            return None
        scale = scale[..., 0]
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
    expanded = grouped(conv, conv.weight, (0, outs), (0, conv.pre_shape[0]))
    return Analog(
        source=current.source,
        geometry=geometry(conv),
        pre_shape=conv.pre_shape,
        weight=expanded.astype(np.float64).reshape(outs, -1).T,
        factor=scale / current.quantum,
        multiple=int(np.ldexp(current.quantum, -n.exponent)),
    )


def _check_model(population: Population) -> None:
    """Raise UnsupportedError for a neuron that the kernel has no model of."""
    neuron = population.neuron
    if isinstance(neuron, Integrating) and neuron.membrane is not None:
        wrong = f"has membranes that leave {neuron.membrane.bits} bits"
        raise UnsupportedError(population.name, wrong, "run the generic engine")
    if isinstance(population.neuron, Graded):
        wrong = "is of graded neurons, which the kernel has no model of"
        raise UnsupportedError(population.name, wrong, "run the generic engine")
    if isinstance(neuron, MaxGate):
        estimate = neuron.estimate
        if isinstance(estimate, Exponential) and estimate.shift > MOST_SHIFT:
            wrong = f"forgets with a shift of {estimate.shift}, the kernel's most is {MOST_SHIFT}"
            raise UnsupportedError(population.name, wrong, "run the generic engine")
        if isinstance(estimate, Fir) and len(estimate.weights) > MOST_HISTORY:
            wrong = f"looks back {len(estimate.weights)} steps, the kernel's most is {MOST_HISTORY}"
            raise UnsupportedError(population.name, wrong, "run the generic engine")
        if isinstance(estimate, Fir) and sum(map(abs, estimate.weights)) >= 2**31:
            wrong = "weighs steps by over 31 bits in all"
            raise UnsupportedError(population.name, wrong, "run the generic engine")
    if isinstance(neuron, Poisson) and (population.v_init.any() or population.bias.any()):
        wrong = "draws spikes and has an initial membrane or a bias"
        raise UnsupportedError(population.name, wrong, "run the generic engine")


def _model(population: Population) -> int:
    neuron = population.neuron
    if isinstance(neuron, IntegrateAndFire):
        return RESETS[neuron.reset]
    return {Accumulator: ACCUMULATE, MaxGate: GATE, Poisson: RANDOM, MaxIntegrateAndFire: POOL}[
        type(neuron)
    ]


def _kind(channels: int, wide_state: bool, links: list[Form]) -> tuple[int, int]:
    """Choose how weights are stored and the lanes of a block."""
    gathers = [f for f in links if isinstance(f, Gather)]
    if any(isinstance(f, Taps) for f in links):
        return FULL, 64
    wide = 64 if channels > 32 else 32
    if not gathers or wide_state:
        return FULL, 16 if channels <= 16 else wide
    most = max(max(int(g.weight.max(initial=0)), -int(g.weight.min(initial=0))) for g in gathers)
    rows = max(g.weight[0].size for g in gathers)
    if most <= np.iinfo(np.int16).max // LEAST_FLUSH:
        small = most <= np.iinfo(np.int8).max and rows * wide * 2 > SHORT_BYTES
        return (BYTE if small else NARROW), wide
    kind = WORD if most <= np.iinfo(np.int16).max else FULL
    return kind, 16 if channels <= 16 else wide


def lanes(layer: Layer, values: Array, padding: int = 0) -> Array:
    """Give `values`, (channels, rows, columns, ...), as int64 (positions and taps, lanes)."""
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
