"""Integers of a chip: widths are never exceeded, and the range proof really bounds."""

import re
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.convert import convert
from neurocomp.errors import CapacityError
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Arithmetic, Target
from neurocomp.quantize import Quantized, quantize
from neurocomp.quantize.bounds import bounds
from neurocomp.snn.check import check
from neurocomp.snn.compose import matrix
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate, Neuron
from neurocomp.snn.oracle import constant_drive, simulate
from neurocomp.snn.synapses import Conv, Dense, Window
from tests.ann.corpus import CORPUS
from tests.ann.net import samples
from tests.ann.strategies import graphs
from tests.test_convert import normalised

STEPS = 32
WIDTHS = Arithmetic(
    weight_bits=8,
    weight_exponent=6,
    threshold_bits=17,
    threshold_exponent=6,
    bias_bits=13,
    bias_exponent_max=7,
    state_bits=24,
)
TOP = {"weight": 127, "threshold": 131071, "bias": 4095, "state": 2**23 - 1}


def chip(per: Any = "population", **widths: int) -> Target:
    """Give a chip without limits but its widths."""
    ideal = load_target("ideal")
    arithmetic = replace(WIDTHS, **widths)
    return replace(ideal, name="chip", threshold_per=per, arithmetic=arithmetic)


CHIPS = {"population": chip(), "neuron": chip("neuron")}


def float_network(graph: Graph) -> Network:
    return convert(normalised(graph, samples(graph, 4)), 0.0, 1.0)


def extremes(network: Network) -> Array:
    """Give samples that drive the first populations hardest: all low, all high, and the worst."""
    (source,) = network.inputs
    low, high = source.low, source.high
    rows = [np.full(prod(source.shape), end) for end in (low, high)]
    for current in network.currents:
        signs = matrix(current.synapse).toarray()
        for row in signs[:: max(1, len(signs) // 4)]:
            rows += [np.where(row > 0, high, low), np.where(row > 0, low, high)]
    random = np.random.default_rng(0)
    rows += [random.uniform(low - 1, high + 1, prod(source.shape)) for _ in range(3)]
    return np.array(rows).reshape(-1, *source.shape)


def check_widths(network: Network, widths: Arithmetic) -> None:
    """Check that every number of an integer network fits the chip, for any input in range."""
    drive = constant_drive(network, {"x": extremes(network)})
    for p in network.populations:
        if isinstance(p.neuron, MaxGate):
            continue
        for j in network.into(p.name):
            least, greatest = widths.weight_exponents
            assert least <= j.weight_exponent <= greatest
            most = max(1, 2 ** (widths.weight_bits - 1) - 1)
            assert np.abs(j.synapse.weight).max(initial=0) <= most
        if isinstance(p.neuron, IntegrateAndFire):
            threshold, unit = p.neuron.v_threshold, 2**widths.threshold_exponent
            assert not (threshold % unit).any()
            assert threshold.min() // unit >= 1
            assert threshold.max() // unit <= 2**widths.threshold_bits - 1
        quanta = {c.quantum for c in network.currents if c.target == p.name}
        choices = [2**e for e in range(widths.bias_exponent_max + 1)]
        assert len(quanta) <= 1 and quanta <= set(choices)
        top = 2 ** (widths.bias_bits - 1) - 1
        for each in (drive[p.name], p.bias):
            fits = [q for q in (quanta or choices) if not (each % q).any()]
            assert any(np.abs(each).max(initial=0) // q <= top for q in fits), p.name


def check_proof(network: Network, limit: int, length: int) -> None:
    """Check that no membrane leaves its proved bounds on the inputs that try to."""
    proved = {p.name: bounds(network, p, length) for p in network.populations}
    for step in simulate(network, {"x": extremes(network)}, length):
        for p in network.populations:
            if isinstance(p.neuron, MaxGate):
                continue
            peak = step.peak[p.name]
            assert (peak <= proved[p.name].v_high).all(), (p.name, step.t)
            assert (peak >= proved[p.name].v_low).all(), (p.name, step.t)
            assert np.abs(peak).max() <= limit


def check_scale(made: Quantized, per: str) -> None:
    """Check that a threshold is exactly its float times the scale, one a population if need be."""
    for p in made.network.populations:
        scale, before = made.scale[p.name], made.reference.population(p.name)
        if isinstance(p.neuron, IntegrateAndFire) and isinstance(before.neuron, IntegrateAndFire):
            wanted = np.broadcast_to(before.neuron.v_threshold * scale, p.shape)
            assert np.array_equal(p.neuron.v_threshold, wanted)
        if per == "population" or isinstance(p.neuron, Accumulator):
            assert np.unique(scale).size == 1
        assert scale.ndim == 3 and scale.shape[0] in (1, p.shape[0])


@pytest.mark.parametrize("per", CHIPS)
@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus_fits_and_its_ranges_are_proved(name: str, per: str) -> None:
    reference = float_network(CORPUS[name]())
    made = quantize(reference, CHIPS[per], STEPS)
    assert made.reference is reference
    network = check(made.network, STEPS)
    assert network.integer
    check_widths(network, WIDTHS)
    check_proof(network, TOP["state"], network.run_length(STEPS))
    check_scale(made, per)


@settings(max_examples=15, deadline=None)
@given(graphs())
def test_random_graphs_fit_and_their_ranges_are_proved(graph: Graph) -> None:
    reference = float_network(graph)
    for per, target in CHIPS.items():
        try:
            made = quantize(reference, target, STEPS)
        except CapacityError as refused:  # drawn weights can dwarf a threshold or a state: said
            assert re.search(r"its threshold comes to 0\.\d+ beside|needs \d+ bits", str(refused))
            continue
        check_widths(check(made.network, STEPS), WIDTHS)
        check_proof(made.network, TOP["state"], made.network.run_length(STEPS))
        check_scale(made, per)


@pytest.mark.parametrize("name", CORPUS)
def test_rounding_is_to_the_nearest(name: str) -> None:
    made = quantize(float_network(CORPUS[name]()), CHIPS["neuron"], STEPS)
    for p in made.network.populations:
        scale, before = made.scale[p.name], made.reference.population(p.name)
        quantum = 2.0**WIDTHS.bias_exponent_max
        assert np.abs(p.v_init - before.v_init * scale).max() <= 0.5
        assert np.abs(p.bias - before.bias * scale).max() <= quantum / 2
        for j, k in zip(made.network.into(p.name), made.reference.into(p.name), strict=True):
            if isinstance(j.synapse, Conv):
                wanted = k.synapse.weight * scale.reshape(-1, 1, 1, 1) / 64
                assert np.abs(j.synapse.weight - wanted).max(initial=0) <= 0.5 + 1e-9


def test_a_target_without_integers_keeps_the_network() -> None:
    reference = float_network(CORPUS["lenet"]())
    made = quantize(reference, load_target("ideal"), STEPS)
    assert made.network is reference is made.reference
    assert all(np.all(s == 1) for s in made.scale.values())


def test_gates_are_kept() -> None:
    made = quantize(float_network(CORPUS["max_pool_after_relu"]()), CHIPS["neuron"], STEPS)
    (gate,) = (p for p in made.network.populations if isinstance(p.neuron, MaxGate))
    (into,) = made.network.into(gate.name)
    assert isinstance(into.synapse, Window)
    assert into.weight_exponent == 0
    assert made.scale[gate.name].tolist() == [[[1.0]]]
    assert gate.bias.dtype.kind == "i"


def test_channels_have_their_own_thresholds_only_where_the_chip_has() -> None:
    reference = float_network(CORPUS["lenet"]())
    for per, many in (("population", False), ("neuron", True)):
        made = quantize(reference, CHIPS[per], STEPS).network
        neuron = made.populations[0].neuron
        assert isinstance(neuron, IntegrateAndFire)
        assert (np.unique(neuron.v_threshold).size > 1) is many


def test_the_widths_are_used_up() -> None:
    network = quantize(float_network(CORPUS["lenet"]()), CHIPS["neuron"], STEPS).network
    for p in network.populations[1:-1]:
        weight = max(np.abs(j.synapse.weight).max() for j in network.into(p.name))
        assert weight in (126, 127)


# Networks made by hand, to drive membranes as far as they can go


def hand_made(
    neuron: Neuron, weight: Array, v_init: float = 0.0, bias: float = 0.0, fires: float = 2.0
) -> Network:
    """Make `sources` that fire always (bias over threshold) or never, then `neuron` under test."""
    outs, ins = weight.shape
    shape, post = (ins, 1, 1), (outs, 1, 1)
    source = Population(
        name="source",
        shape=shape,
        neuron=IntegrateAndFire(v_threshold=np.ones(shape)),
        v_init=np.zeros(shape),
        bias=np.full(shape, fires),
    )
    tested = Population(
        name="tested",
        shape=post,
        neuron=neuron,
        v_init=np.full(post, v_init),
        bias=np.full(post, bias),
        start_step=2,
    )
    out = Population(
        name="out",
        shape=(1, 1, 1),
        neuron=Accumulator(),
        v_init=np.zeros((1, 1, 1)),
        bias=np.ones((1, 1, 1)),
        start_step=2,
    )
    dense = Dense(weight=weight, pre_shape=shape, post_shape=post)
    return Network(
        inputs=(Input(name="x", shape=(1, 1, 1), low=0, high=1, grid=2.0**-16),),
        currents=(),
        populations=(source, tested, out),
        projections=(Projection(source="source", target="tested", synapse=dense),),
        readout="out",
    )


def fire(outs: int = 1, threshold: float = 1.0, reset: Any = "subtract") -> IntegrateAndFire:
    return IntegrateAndFire(v_threshold=np.full((outs, 1, 1), threshold), reset=reset)


@pytest.mark.parametrize("fires", [2.0, -1.0, 0.7])
@pytest.mark.parametrize("reset", ["subtract", "zero", "accumulator"])
@pytest.mark.parametrize("weight", [0.9, -0.9, 3.0, -3.0, 0.01])
@pytest.mark.parametrize("v_init", [0.0, 0.5, 2.5, -1.5])
def test_sources_that_always_or_never_fire_stay_in_bounds(
    fires: float, reset: str, weight: float, v_init: float
) -> None:
    neuron: Neuron = Accumulator() if reset == "accumulator" else fire(2, reset=reset)
    made = hand_made(neuron, np.array([[weight] * 4, [weight, -weight, 0, 0]]), v_init, 0.25, fires)
    network = check(quantize(made, CHIPS["neuron"], STEPS).network, STEPS)
    check_widths(network, WIDTHS)
    check_proof(network, TOP["state"], network.run_length(STEPS))


def test_the_bounds_are_reached() -> None:
    """An accumulator whose sources always fire comes as far as the proof says it could."""
    made = hand_made(Accumulator(), np.array([[1.0, 0.5, 0.25, 1.0]]), bias=0.5)
    network = quantize(made, CHIPS["population"], STEPS).network
    length = network.run_length(STEPS)
    *_, last = simulate(network, {"x": np.zeros((1, 1))}, length)
    proved = bounds(network, network.population("tested"), length)
    assert last.v["tested"].item() == proved.v_high.item()


@pytest.mark.parametrize("steps", [1000, 4000])
def test_a_long_run_shrinks_the_weights_until_the_membrane_fits(steps: int) -> None:
    made = hand_made(Accumulator(), np.full((1, 4), 1.0))
    short = quantize(made, CHIPS["population"], STEPS)
    long = quantize(made, CHIPS["population"], steps)
    assert long.scale["tested"].item() < short.scale["tested"].item()
    check_widths(long.network, WIDTHS)
    reach = bounds(long.network, long.network.population("tested"), steps + 1).v_high.item()
    assert 0.95 * TOP["state"] < reach <= TOP["state"]


def test_a_membrane_that_needs_more_bits_is_refused_with_the_numbers() -> None:
    made = hand_made(Accumulator(), np.full((1, 64), 1.0))
    with pytest.raises(
        CapacityError,
        match=r"^tested: its membrane needs 32 bits over 3001 steps, chip has 24, and smaller "
        r"weights would have under 4 bits \(compile for fewer steps\)$",
    ):
        quantize(made, CHIPS["population"], 3000)


def test_the_membrane_needs_the_bits_that_are_named() -> None:
    made = hand_made(Accumulator(), np.full((1, 64), 1.0))
    enough = chip(state_bits=32)
    network = quantize(made, enough, 3000).network
    *_, last = simulate(network, {"x": np.zeros((1, 1))}, 3001)
    assert 2**30 <= last.v["tested"].item() < 2**31


@pytest.mark.parametrize("per", CHIPS)
def test_weights_too_large_for_the_threshold_are_refused_and_not_clipped(per: str) -> None:
    made = hand_made(fire(1), np.array([[200.0, 1.0]]))
    with pytest.raises(
        CapacityError,
        match=r"^tested: its threshold comes to 0\.64 beside its largest weight or bias, the least "
        r"of chip is 1 \(raise the percentile, or clip the largest weight\)$",
    ):
        quantize(made, CHIPS[per], STEPS)
    quantize(hand_made(fire(1), np.array([[126.0, 1.0]])), CHIPS[per], STEPS)


@pytest.mark.parametrize("per", CHIPS)
def test_a_bias_too_large_for_the_threshold_is_refused(per: str) -> None:
    made = hand_made(fire(1), np.array([[1.0, 1.0]]), bias=9000.0)
    with pytest.raises(CapacityError, match=r"^tested: its threshold comes to 0\.91 beside"):
        quantize(made, CHIPS[per], STEPS)


@pytest.mark.parametrize("dead", [0, 1])
def test_a_class_without_weights_costs_the_others_nothing(dead: int) -> None:
    weight = np.array([[0.5, 0.25], [0.5, -0.125]])
    weight[dead] = 0
    network = quantize(hand_made(Accumulator(), weight), CHIPS["population"], STEPS).network
    assert np.abs(network.into("tested")[0].synapse.weight).max() >= 126


def test_an_accumulator_without_any_drive_is_no_error() -> None:
    made = hand_made(Accumulator(), np.zeros((2, 2)))
    check_widths(quantize(made, CHIPS["population"], STEPS).network, WIDTHS)


@pytest.mark.parametrize("paths", [1, 2, 3, 5])
def test_many_currents_into_one_population_still_fit_the_bias(paths: int) -> None:
    """Each is rounded on its own, and together they must not leave the bias's bits."""
    (source,) = hand_made(fire(1), np.ones((1, 1))).inputs
    for largest in np.linspace(1, 8, 23):
        weight = np.full((1, 1), largest / paths + 2.0**-9)
        current = Current(
            source="x",
            target="out",
            synapse=Dense(weight=weight, pre_shape=(1, 1, 1), post_shape=(1, 1, 1)),
            scale=np.ones((1, 1, 1)),
            quantum=2.0**-20,
        )
        out = hand_made(fire(1), np.ones((1, 1))).population("out")
        made = Network(
            inputs=(source,),
            currents=(current,) * paths,
            populations=(replace(out, start_step=1),),
            projections=(),
            readout="out",
        )
        check_widths(quantize(made, CHIPS["population"], 4).network, WIDTHS)


@pytest.mark.parametrize(
    "widths",
    [
        {"weight_bits": 4},
        {"weight_bits": 3},
        {"threshold_bits": 9},
        {"bias_bits": 6, "bias_exponent_max": 12},
        {"weight_exponent": 0, "threshold_exponent": 0, "bias_exponent_max": 0, "state_bits": 17},
        {"threshold_exponent": 3, "weight_exponent": 8},
    ],
)
@pytest.mark.parametrize("name", ["lenet", "residual_before_relu", "bias_only", "skip_from_input"])
def test_other_widths_are_kept_too(name: str, widths: dict[str, int]) -> None:
    target = chip("neuron", **widths)
    assert target.arithmetic is not None
    network = quantize(float_network(CORPUS[name]()), target, 8).network
    check_widths(network, target.arithmetic)
    check_proof(network, 2 ** (target.arithmetic.state_bits - 1) - 1, network.run_length(8))


def test_the_float_network_is_not_written() -> None:
    reference = float_network(CORPUS["lenet"]())
    before = [(p.bias.tobytes(), p.v_init.tobytes()) for p in reference.populations]
    weights = [j.synapse.weight.tobytes() for j in reference.projections]
    quantize(reference, CHIPS["neuron"], STEPS)
    assert before == [(p.bias.tobytes(), p.v_init.tobytes()) for p in reference.populations]
    assert weights == [j.synapse.weight.tobytes() for j in reference.projections]
