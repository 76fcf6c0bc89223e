"""Small networks, each with something that a backend can get wrong."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.hw.target import Core, Target
from neurocomp.mapping.placement import Block, Place, Placement
from neurocomp.program import Program
from neurocomp.snn.boxes import whole
from neurocomp.snn.check import check
from neurocomp.snn.estimates import Estimate, Exponential, Fir
from neurocomp.snn.membrane import Membrane, Overflow
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import (
    Accumulator,
    Graded,
    IntegrateAndFire,
    Integrating,
    MaxGate,
    MaxIntegrateAndFire,
    Neuron,
    Poisson,
    Reset,
)
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Synapse, Window

STEPS = 20
IDEAL = Target(
    name="ideal",
    title="no limits",
    compartments={"subtract": 1, "zero": 1, "accumulator": 1, "max_gate": 1},
    threshold_per="neuron",
    max_delay_steps=None,
    synapse_bits=64,
    arithmetic=None,
    core=Core(count=None, limits={}),
    mesh=None,
    sources={},
)


class Draw:
    """Seeded numbers: integers, or multiples of 2^-10."""

    def __init__(self, seed: int, *, integer: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.unit = 1 if integer else 2.0**-10

    def numbers(self, low: int, high: int, *shape: int) -> Array:
        return self.rng.integers(low, high, shape) * self.unit

    def dense(self, pre: Shape, post: Shape) -> Dense:
        size = (int(np.prod(post)), int(np.prod(pre)))
        return Dense(weight=self.numbers(-60, 100, *size), pre_shape=pre, post_shape=post)

    def sparse(self, pre: Shape, post: Shape, edges: int) -> Sparse:
        flat = self.rng.choice(int(np.prod(pre)) * int(np.prod(post)), edges, replace=False)
        rows, columns = np.divmod(np.sort(flat), int(np.prod(pre)))
        weight = self.numbers(-60, 120, edges)
        return Sparse(weight=weight, pre=columns, post=rows, pre_shape=pre, post_shape=post)

    def population(
        self, name: str, shape: Shape, start_step: int = 1, reset: Reset = "subtract"
    ) -> Population:
        return Population(
            name=name,
            shape=shape,
            neuron=IntegrateAndFire(v_threshold=self.numbers(100, 300, *shape), reset=reset),
            v_init=self.numbers(0, 150, *shape),
            bias=self.numbers(-10, 30, *shape),
            start_step=start_step,
        )

    def accumulator(self, name: str, shape: Shape, start_step: int) -> Population:
        return self.silent(name, shape, start_step, Accumulator())

    def silent(self, name: str, shape: Shape, start_step: int, neuron: Neuron) -> Population:
        zero = self.numbers(0, 1, *shape)
        return Population(
            name=name, shape=shape, neuron=neuron, v_init=zero, bias=zero, start_step=start_step
        )

    def current(self, target: str, synapse: Conv | Dense) -> Current:
        float_weight = self.rng.integers(-(2**9), 2**10, synapse.weight.shape) / 2**9
        scale = self.rng.uniform(20, 40, (synapse.post_shape[0], 1, 1)) * self.unit
        exact = replace(synapse, weight=float_weight)
        return Current(source="x", target=target, synapse=exact, scale=scale, quantum=self.unit)


def into(
    source: str, target: str, synapse: Synapse, delay_steps: int = 1, weight_exponent: int = 0
) -> Projection:
    return Projection(
        source=source,
        target=target,
        synapse=synapse,
        delay_steps=delay_steps,
        weight_exponent=weight_exponent,
    )


def network(
    shape: Shape,
    currents: list[Current],
    populations: list[Population],
    projections: list[Projection],
) -> Network:
    """Join the parts; the last population is the readout."""
    source = Input(name="x", shape=shape, low=-0.25, high=1.0, grid=2.0**-8)
    made = Network(
        inputs=(source,),
        currents=tuple(currents),
        populations=tuple(populations),
        projections=tuple(projections),
        readout=populations[-1].name,
    )
    return check(made, STEPS)


IN, MID, OUT = (7, 1, 1), (9, 1, 1), (3, 1, 1)


def dense(
    reset: Reset = "subtract", exponent: int = 0, name: str = "a", integer: bool = True
) -> Network:
    d = Draw(1, integer=integer)
    return network(
        IN,
        [d.current(name, d.dense(IN, MID))],
        [
            d.population(name, MID, 1, reset),
            d.population("b", MID, 2, reset),
            d.accumulator("out", OUT, 3),
        ],
        [
            into(name, "b", d.dense(MID, MID), weight_exponent=exponent),
            into("b", "out", d.dense(MID, OUT), weight_exponent=exponent),
        ],
    )


def conv() -> Network:
    d, shape, other = Draw(2, integer=False), (2, 6, 5), (4, 4, 6)
    first = Conv(weight=np.zeros((2, 1, 3, 3)), pre_shape=(1, 6, 5), pads=(1, 1, 1, 1))
    odd = Conv(
        weight=d.numbers(-60, 100, 4, 1, 3, 2),
        pre_shape=shape,
        strides=(2, 1),
        pads=(2, 0, 3, 3),
        dilations=(2, 2),
        groups=2,
    )
    return network(
        (1, 6, 5),
        [d.current("a", first)],
        [d.population("a", shape), d.population("b", other, 2), d.accumulator("out", OUT, 3)],
        [into("a", "b", odd), into("b", "out", d.dense(other, OUT))],
    )


def channels_last() -> Network:
    """Samples of (6, 5, 2) whose last axis is the network's first."""
    d, shape = Draw(21, integer=False), (3, 6, 5)
    first = Conv(weight=d.numbers(-60, 100, 3, 2, 3, 3), pre_shape=(2, 6, 5), pads=(1, 1, 1, 1))
    plain = network(
        (2, 6, 5),
        [d.current("a", first)],
        [d.population("a", shape), d.accumulator("out", OUT, 2)],
        [into("a", "out", d.dense(shape, OUT))],
    )
    return replace(plain, inputs=(replace(plain.inputs[0], order=(2, 0, 1)),))


def delays() -> Network:
    """A skip of 2 and of 3 steps, a loop, and a late start that drops early spikes."""
    d = Draw(3, integer=False)
    return network(
        IN,
        [d.current("a", d.dense(IN, MID))],
        [
            d.population("a", MID),
            d.population("b", MID, 3),
            d.population("c", MID, 6),
            d.accumulator("out", OUT, 7),
        ],
        [
            into("a", "b", d.sparse(MID, MID, 30), delay_steps=2),
            into("a", "c", d.sparse(MID, MID, 30), delay_steps=3),
            into("b", "c", d.dense(MID, MID)),
            into("b", "b", d.sparse(MID, MID, 9)),
            into("c", "out", d.dense(MID, OUT)),
        ],
    )


def in_flight() -> Network:
    """Everything starts at once, so that spikes of one sample could still arrive in the next."""
    d = Draw(4, integer=True)
    return network(
        IN,
        [d.current("a", d.dense(IN, MID))],
        [d.population("a", MID), d.population("b", MID), d.accumulator("out", OUT, 1)],
        [
            into("a", "b", d.dense(MID, MID), delay_steps=3),
            into("b", "out", d.dense(MID, OUT), delay_steps=2),
        ],
    )


def max_gate() -> Network:
    d, shape, pooled = Draw(5, integer=True), (2, 5, 6), (2, 3, 4)
    window = Window(pre_shape=shape, kernel=(3, 2), strides=(2, 2), pads=(1, 1, 1, 1))
    return network(
        (1, 5, 6),
        [d.current("a", Conv(weight=np.zeros((2, 1, 1, 1)), pre_shape=(1, 5, 6)))],
        [
            d.population("a", shape),
            d.silent("pool", pooled, 2, MaxGate()),
            d.population("b", MID, 3),
            d.accumulator("out", OUT, 4),
        ],
        [
            into("a", "pool", window),
            into("pool", "b", d.dense(pooled, MID)),
            into("b", "out", d.dense(MID, OUT)),
        ],
    )


def max_gate_in_flight() -> Network:
    """A gate that listens from the first step, and to the far end of a delay."""
    d, shape = Draw(6, integer=False), (2, 4, 4)
    window = Window(pre_shape=shape, kernel=(2, 2), strides=(2, 2))
    return network(
        IN,
        [d.current("a", d.dense(IN, shape))],
        [
            d.population("a", shape),
            d.silent("pool", (2, 2, 2), 1, MaxGate()),
            d.accumulator("out", OUT, 2),
        ],
        [into("a", "pool", window, delay_steps=3), into("pool", "out", d.dense((2, 2, 2), OUT))],
    )


def two_currents() -> Network:
    """Two currents into one population and one more further down; a branch that joins again."""
    d, shape = Draw(7, integer=True), (2, 3, 3)
    wide = Conv(weight=np.zeros((2, 1, 3, 3)), pre_shape=(1, 3, 3), pads=(1, 1, 1, 1))
    point = Conv(weight=np.zeros((2, 1, 1, 1)), pre_shape=(1, 3, 3))
    return network(
        (1, 3, 3),
        [d.current("a", wide), d.current("a", point), d.current("c", point)],
        [
            d.population("a", shape),
            d.population("b", shape, 2),
            d.population("c", shape, 3),
            d.accumulator("out", OUT, 4),
        ],
        [
            into("a", "b", d.dense(shape, shape)),
            into("a", "c", d.sparse(shape, shape, 40), delay_steps=2),
            into("b", "c", d.dense(shape, shape)),
            into("c", "out", d.dense(shape, OUT)),
        ],
    )


def dead() -> Network:
    """Neurons that never fire, one that nothing reaches, weights that are all zero."""
    d = Draw(8, integer=True)
    never = IntegrateAndFire(v_threshold=np.full(MID, 2**40))
    nothing = replace(d.dense(MID, MID), weight=np.zeros((9, 9), dtype=np.int64))
    no_edge = replace(d.sparse(MID, OUT, 5), weight=np.zeros(5, dtype=np.int64))
    return network(
        IN,
        [d.current("a", d.dense(IN, MID))],
        [
            d.population("a", MID),
            replace(d.population("never", MID, 2), neuron=never),
            d.population("alone", MID, 2),
            d.accumulator("aside", OUT, 3),
            d.accumulator("out", OUT, 3),
        ],
        [
            into("a", "never", d.dense(MID, MID)),
            into("a", "alone", nothing),
            into("never", "out", d.dense(MID, OUT)),
            into("alone", "out", no_edge),
            into("a", "out", d.dense(MID, OUT)),
            into("a", "aside", d.dense(MID, OUT)),
            into("aside", "out", d.dense(OUT, OUT)),
        ],
    )


def bias_only() -> Network:
    """A population that only its bias drives, and more v_init than threshold before it starts."""
    d = Draw(9, integer=False)
    full = replace(d.population("full", MID, 4), v_init=d.numbers(400, 500, *MID))
    return network(
        IN,
        [],
        [d.population("a", MID), full, d.accumulator("out", OUT, 5)],
        [into("a", "out", d.dense(MID, OUT)), into("full", "out", d.dense(MID, OUT))],
    )


def one_layer() -> Network:
    d = Draw(10, integer=True)
    return network(IN, [d.current("out", d.dense(IN, OUT))], [d.accumulator("out", OUT, 1)], [])


def deep() -> Network:
    d, names = Draw(11, integer=True), [f"layer{n}" for n in range(12)]
    chain = list(pairwise(names))
    return network(
        IN,
        [d.current("layer0", d.dense(IN, MID))],
        [
            *(d.population(name, MID, n + 1) for n, name in enumerate(names)),
            d.accumulator("out", OUT, 13),
        ],
        [
            *(into(a, b, d.sparse(MID, MID, 40)) for a, b in chain),
            into(names[-1], "out", d.dense(MID, OUT)),
        ],
    )


def memoryless() -> Network:
    """Binary neurons: reset always, threshold 0, and a v_init that lasts until the first step."""
    d = Draw(13, integer=True)
    always = {n: d.population(n, MID, s, "always") for n, s in (("a", 1), ("b", 3))}
    zero = IntegrateAndFire(v_threshold=np.zeros(MID, dtype=np.int64), reset="always")
    return network(
        IN,
        [d.current("a", d.dense(IN, MID))],
        [
            always["a"],
            replace(always["b"], neuron=zero, bias=d.numbers(-99, 0, *MID)),
            d.accumulator("out", OUT, 4),
        ],
        [
            into("a", "b", d.sparse(MID, MID, 30), delay_steps=2),
            into("a", "a", d.sparse(MID, MID, 30)),
            into("b", "out", d.dense(MID, OUT)),
        ],
    )


def gated(estimate: Estimate) -> Network:
    """A gate by another estimate, which starts late."""
    made = max_gate()
    gate = replace(made.population("pool"), neuron=MaxGate(estimate=estimate), start_step=3)
    later = {"pool": gate, "b": replace(made.population("b"), start_step=4)}
    return replace(made, populations=tuple(later.get(p.name, p) for p in made.populations))


def pooled_drive(integer: bool) -> Network:
    """Neurons that pool drive: of an analog input, and of spikes over overlapping windows."""
    d, shape = Draw(12, integer=integer), (2, 4, 4)
    first = Window(pre_shape=(2, 5, 5), kernel=(2, 2), pads=(0, 0, 0, 0))
    second = Window(pre_shape=(3, 4, 4), kernel=(3, 2), strides=(2, 2), pads=(1, 1, 1, 0))
    conv = Conv(weight=d.numbers(-60, 100, 3, 2, 3, 3), pre_shape=shape, pads=(1, 1, 1, 1))
    wide = d.current("a", Conv(weight=np.zeros((2, 1, 1, 1)), pre_shape=(1, 5, 5)))
    after = (3, *second.windows.counts)

    def compartments(name: str, shape: Shape, taps: int, start: int) -> Population:
        each = d.numbers(100, 300, *shape)[..., None]
        rest = d.numbers(0, 99, *shape)[..., None]
        return Population(
            name=name,
            shape=shape,
            neuron=MaxIntegrateAndFire(v_threshold=np.repeat(each, taps, axis=3)),
            v_init=np.repeat(rest, taps, axis=3),
            bias=d.numbers(-10, 30, *shape, taps),
            start_step=start,
        )

    return network(
        (1, 5, 5),
        [
            replace(
                wide,
                synapse=Pooled(inner=wide.synapse, window=first),
                scale=wide.scale[..., None],
            )
        ],
        [
            compartments("a", shape, 4, 1),
            compartments("b", after, 6, 3),
            d.accumulator("out", OUT, 4),
        ],
        [
            into("a", "b", Pooled(inner=conv, window=second), 2, weight_exponent=1),
            into("b", "out", d.dense(after, OUT)),
        ],
    )


def input_spikes(integer: bool) -> Network:
    """Random input spikes into a convolution, and by a delay into a dense layer."""
    d, shape, mid = Draw(14, integer=integer), (1, 6, 5), (2, 6, 5)
    numbers = np.int64 if integer else np.float64
    zero = np.zeros(shape, dtype=numbers)
    ones = Conv(weight=np.ones((1, 1, 1, 1)), pre_shape=shape)
    given = Population(
        name="x (spikes)", shape=shape, neuron=Poisson(seed=5), v_init=zero, bias=zero
    )
    source = Input(name="x", shape=shape, low=0.0, high=1.0, grid=2.0**-8)
    made = Network(
        inputs=(source,),
        currents=(
            Current(
                source="x", target="x (spikes)", synapse=ones, scale=np.full((1, 1, 1), 2.0**16)
            ),
        ),
        populations=(given, d.population("a", mid, 2), d.accumulator("out", OUT, 3)),
        projections=(
            into(
                "x (spikes)",
                "a",
                Conv(weight=d.numbers(-60, 100, 2, 1, 3, 3), pre_shape=shape, pads=(1, 1, 1, 1)),
            ),
            into("x (spikes)", "out", d.dense(shape, OUT), delay_steps=2),
            into("a", "out", d.dense(mid, OUT)),
        ),
        readout="out",
    )
    return check(made, STEPS)


def bottlenecks(relay: str, integer: bool) -> Network:
    """Expand, depthwise, project, and a residual sum that no ReLU follows, as two linear values.

    Each of them is a pair, or graded neurons; the residual's skip is delayed.
    """
    d, narrow, wide = Draw(15, integer=integer), (2, 5, 4), (6, 5, 4)
    ones = d.numbers(1, 2, 2, 1, 1, 1)
    senders: dict[str, list[tuple[str, int]]] = {}
    populations, projections = [d.population("a", wide)], []

    def linear(name: str, start: int, arriving: list[tuple[str, Synapse, int]]) -> None:
        """Add neurons for a linear value; a `source` may be one, too."""
        bias = d.numbers(-10, 10, *narrow)
        halves = [("", 1)] if relay == "graded" else [(" on", 1), (" off", -1)]
        threshold = 250 * d.unit * np.ones(narrow)
        for suffix, sign in halves:
            neuron: Neuron = Graded(quantum=2.0**-6)
            rest = np.zeros(narrow)
            if relay != "graded":
                neuron = IntegrateAndFire(v_threshold=threshold.astype(bias.dtype))
                rest = (threshold / 2).astype(bias.dtype)
            populations.append(
                Population(
                    name=name + suffix,
                    shape=narrow,
                    neuron=neuron,
                    v_init=rest,
                    bias=sign * bias + d.numbers(0, 1),  # no -0
                    start_step=start,
                )
            )
            for source, synapse, delay in arriving:
                spread(source, name + suffix, synapse, sign, delay)
            senders.setdefault(name, []).append((name + suffix, sign))
        if relay != "graded":
            give = replace(pointwise(ones), weight=125 * ones)
            for one, other in ((" on", " off"), (" off", " on")):
                back = into(name + one, name + other, give, weight_exponent=1)
                projections.append(replace(back, resets=True))

    def spread(source: str, target: str, synapse: Synapse, sign: int, delay: int) -> None:
        """Join every population that sends the value of `source` to `target`."""
        for name, each in senders.get(source, [(source, 1)]):
            signed = replace(synapse, weight=sign * each * synapse.weight)  # type: ignore[type-var]
            projections.append(into(name, target, signed, delay))

    def pointwise(weight: Array) -> Conv:
        return Conv(weight=weight, pre_shape=narrow, groups=narrow[0])

    def block(name: str, source: str, start: int) -> None:
        expand = Conv(weight=d.numbers(-60, 100, 6, 2, 1, 1), pre_shape=narrow)
        depthwise = Conv(
            weight=d.numbers(-60, 120, 6, 1, 3, 3), pre_shape=wide, pads=(1, 1, 1, 1), groups=6
        )
        for n, (layer, before, synapse) in enumerate(
            (("expand", source, expand), ("depthwise", f"{name} expand", depthwise))
        ):
            populations.append(d.population(f"{name} {layer}", wide, start + n))
            spread(before, f"{name} {layer}", synapse, 1, 1)

    project = Conv(weight=d.numbers(-100, 100, 2, 6, 1, 1), pre_shape=wide)
    linear("n", 2, [("a", project, 1)])
    block("one", "n", 3)
    skip = pointwise(100 * ones)
    again = replace(project, weight=d.numbers(-100, 100, 2, 6, 1, 1))
    linear("m", 5, [("one depthwise", again, 1), ("n", skip, 3)])
    populations.append(d.accumulator("out", OUT, 6))
    spread("m", "out", d.dense(narrow, OUT), 1, 1)
    stem = Conv(weight=np.zeros((6, 1, 1, 1)), pre_shape=(1, 5, 4))
    return network((1, 5, 4), [d.current("a", stem)], populations, projections)


def narrow(network: Network, bits: int, overflow: Overflow) -> Network:
    """Give `network` with membranes of so few bits that sums leave them."""
    membrane = Membrane(bits=bits, overflow=overflow)
    made = [
        replace(p, neuron=replace(p.neuron, membrane=membrane))
        if isinstance(p.neuron, Integrating)
        else p
        for p in network.populations
    ]
    return check(replace(network, populations=tuple(made)), STEPS)


HOSTILE = '/conv1/Relu:0 "\'\n""" {drive} é脳'

CORPUS: dict[str, Callable[[], Network]] = {
    "dense": dense,
    "dense_float": lambda: dense(integer=False),
    "reset_zero": lambda: dense(reset="zero"),
    "weight_exponent": lambda: dense(exponent=6),
    "hostile_name": lambda: dense(name=HOSTILE),
    "conv": conv,
    "channels_last": channels_last,
    "delays": delays,
    "in_flight": in_flight,
    "max_gate": max_gate,
    "max_gate_in_flight": max_gate_in_flight,
    "two_currents": two_currents,
    "dead": dead,
    "bias_only": bias_only,
    "one_layer": one_layer,
    "deep": deep,
    "memoryless": memoryless,
    "gate_exponential": lambda: gated(Exponential(shift=2)),
    "gate_fir": lambda: gated(Fir(weights=(3, 2, 1))),
    "pooled_drive": lambda: pooled_drive(integer=True),
    "pooled_drive_float": lambda: pooled_drive(integer=False),
    "bottlenecks": lambda: bottlenecks("pair", integer=True),
    "bottlenecks_float": lambda: bottlenecks("pair", integer=False),
    "bottlenecks_graded": lambda: bottlenecks("graded", integer=False),
    "saturate": lambda: narrow(dense(), 10, "saturate"),
    "wrap": lambda: narrow(dense(reset="zero"), 10, "wrap"),
    "pooled_saturate": lambda: narrow(pooled_drive(integer=True), 10, "saturate"),
    "pooled_wrap": lambda: narrow(pooled_drive(integer=True), 10, "wrap"),
    "late_wrap": lambda: narrow(deep(), 10, "wrap"),
    "input_spikes": lambda: input_spikes(integer=True),
    "input_spikes_float": lambda: input_spikes(integer=False),
}


def program(network: Network) -> Program:
    """Give `network` on a chip without limits, on one core."""
    blocks = [Block(population=p.name, box=whole(p.shape)) for p in network.populations]
    here = Place(chip=0, row=0, column=0)
    return Program(
        network=network,
        reference=network,
        scale={p.name: np.ones((1, 1, 1)) for p in network.populations},
        target=IDEAL,
        placement=Placement(cores=dict.fromkeys(blocks, here), demand={b: {} for b in blocks}),
        steps=STEPS,
    )


def samples(network: Network, count: int = 3) -> Array:
    """Give samples, (count, *sample shape), some outside the range that the input takes."""
    return np.random.default_rng(0).uniform(-0.5, 1.5, (count, *network.inputs[0].sample_shape))
