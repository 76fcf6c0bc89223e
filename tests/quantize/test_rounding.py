"""Roundings: each no worse than the simpler one on what it was fitted to, and all of them exact."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp import engine
from neurocomp.arrays import Array
from neurocomp.compiler import Options, in_numbers, prepare
from neurocomp.errors import CapacityError, ModelError
from neurocomp.frontend.onnx import load
from neurocomp.hw.narrow import narrow
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.quantize import Rounding, quantize
from neurocomp.quantize.activity import activity
from neurocomp.quantize.adaptive import adapt, damping
from neurocomp.quantize.fit import Task, refit, squared
from neurocomp.quantize.layer import error, layer
from neurocomp.quantize.part import Part, units
from neurocomp.quantize.quantize import _quantize
from neurocomp.quantize.rounding import nearest, top
from neurocomp.snn.check import check
from neurocomp.snn.compose import with_weight
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import record
from tests.ann.corpus import CORPUS
from tests.ann.net import samples
from tests.quantize.test_quantize import (
    CHIPS,
    check_proof,
    check_widths,
    chip,
    float_network,
)

STEPS = 16
ROUNDINGS: tuple[Literal["auto", "nearest"], ...] = ("auto", "nearest")
METHODS: tuple[Rounding, ...] = ("nearest", "least-squares", "adaptive")
WIDE = chip(weight_exponent_min=0, weight_exponent_max=14)
LAYERS = ("lenet", "residual_before_relu", "max_pool_after_relu", "skip_from_input")
MNIST = Path(__file__).parents[2] / "examples" / "mnist"


def problem(seed: int, bits: int) -> tuple[Array, Array, Array, Array, Array]:
    """Give levels, a start, gradient and gram, and the inputs they are made of."""
    random = np.random.default_rng(seed)
    places, columns, rows = random.integers(3, 30), random.integers(1, 12), random.integers(1, 5)
    inputs = random.random((places, columns)) * (random.random((places, columns)) < 0.6)
    levels = random.normal(size=(rows, columns)) * top(bits)
    levels[:, 0] = 0
    start, elsewhere = nearest(levels, bits), random.normal(size=(places, rows))
    lacks = inputs @ (levels - start).T + elsewhere
    gram = inputs.T @ inputs / places
    return levels, start, (inputs.T @ lacks).T / places, gram, np.hstack([inputs, elsewhere])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_adapted_levels_are_whole_within_their_bits_and_never_worse(seed: int, bits: int) -> None:
    levels, start, gradient, gram, known = problem(seed, bits)
    made = adapt(levels, start, gradient, gram, bits)
    inputs, elsewhere = np.split(known, [len(gram)], axis=1)

    def loss(chosen: Array, share: float) -> Array:
        """Measure the squared error itself, not by its second moment."""
        lacks = inputs @ (levels - chosen).T + elsewhere
        rest: Array = share * ((levels - chosen) ** 2).sum(axis=1)
        return (lacks**2).mean(axis=0) + rest

    for share in (0.0, damping(gram)):
        assert (loss(made, share) <= loss(start, share) + 1e-9).all()
    assert made.dtype == np.int32
    assert np.abs(made).max() <= top(bits)
    assert np.array_equal(made, adapt(levels, start, gradient, gram, bits))
    if bits == 1:
        assert ((made == 0) == (levels == 0)).all()  # a sign, but a synapse can be absent
    one_more = [made + d * (np.arange(len(gram)) == i) for i in range(len(gram)) for d in (-1, 1)]
    if bits > 1:  # no single weight can be bettered by one level
        inside = [m for m in one_more if np.abs(m).max() <= top(bits)]
        best = loss(made, damping(gram)) - 1e-6
        assert all((loss(m, damping(gram)) >= best).all() for m in inside)


def test_one_bit_is_a_sign() -> None:
    assert nearest(np.array([-3.0, -0.01, 0, 0.2, 9]), 1).tolist() == [-1, -1, 0, 1, 1]
    assert nearest(np.array([-3.0, -0.01, 0, 0.7, 9]), 2).tolist() == [-1, 0, 0, 1, 1]


def fitted(network: Network, x: Array, target: Target) -> list[tuple[Task, Part]]:
    """Give each population that can be fitted, with its nearest rounding."""
    length = network.run_length(STEPS)
    given = activity(network, {network.inputs[0].name: x}, length).rates
    found = []
    for p in network.populations:
        made = layer(network, p, given, given) if network.into(p.name) else None
        if made is not None and target.arithmetic is not None:
            each = target.threshold_per == "neuron" and p.name != network.readout
            task = Task(network, p, target.arithmetic, length, each, made)
            found.append((task, _quantize(network, p, target, length)))
    return found


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("per", CHIPS)
@pytest.mark.parametrize("name", LAYERS)
def test_each_rounding_is_no_worse_than_the_simpler(name: str, per: str, bits: int) -> None:
    graph = CORPUS[name]()
    network = float_network(graph)
    target = narrow(replace(WIDE, threshold_per=per), bits)  # type: ignore[arg-type]
    tasks = fitted(network, samples(graph, 12), target)
    assert tasks
    for task, part in tasks:
        found = [squared(task, refit(task, part, method)) for method in METHODS[1:]]
        assert found[1] <= found[0] <= squared(task, part)


@pytest.mark.parametrize("name", LAYERS)
def test_the_loss_is_that_of_the_drive(name: str) -> None:
    """Gathered inputs and weights give what the synapses' own meaning gives."""
    graph = CORPUS[name]()
    network, x = float_network(graph), samples(graph, 3)
    given = activity(network, {network.inputs[0].name: x}, network.run_length(STEPS)).rates
    for task, part in fitted(network, x, narrow(WIDE, 4)):
        drive = 0
        for p, q in zip(network.into(task.population.name), part.projections, strict=True):
            inner = getattr(p.synapse, "inner", p.synapse)
            made = getattr(q.synapse, "inner", q.synapse)
            unit = units(inner, part.scale, q.weight_exponent)
            less = replace(inner, weight=inner.weight - made.weight * unit)
            drive = drive + less.apply(given[p.source])
        sample, position = task.layer.inputs.places
        flat = np.asarray(drive).reshape(3, task.layer.inputs.shape[0], -1)
        rows = task.layer.inputs.rows
        wanted = flat.reshape(3, rows, -1)[sample, :, position if flat.shape[1] == rows else 0]
        weights = [
            p.synapse.weight * units(p.synapse, part.scale, p.weight_exponent)
            for p in part.projections
        ]
        assert np.allclose(error(task.layer, weights), wanted, atol=1e-5)


@pytest.mark.parametrize("bits", [1, 3, 8])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [*LAYERS, "concat", "bias_only", "depthwise"])
def test_whatever_the_rounding_widths_proofs_and_simulators_hold(
    name: str, method: Rounding, bits: int
) -> None:
    graph = CORPUS[name]()
    network, x = float_network(graph), samples(graph, 6)
    inputs = {network.inputs[0].name: x}
    target = narrow(WIDE, bits)
    make = partial(quantize, network, target, STEPS, rounding=method, samples=inputs)
    made = make()
    assert target.arithmetic is not None
    check_widths(check(made.network, STEPS), target.arithmetic)
    length = made.network.run_length(STEPS)
    check_proof(made.network, 2**23 - 1, length)
    again = make().network
    for p, q in zip(made.network.projections, again.projections, strict=True):
        assert np.array_equal(p.synapse.weight, q.synapse.weight)
    names = [p.name for p in made.network.populations if p.name != made.network.readout]
    fast = engine.simulate(made.network, inputs, length, keep=engine.Keep(rasters=tuple(names)))
    slow = record(made.network, inputs, length)
    for each in names:
        assert np.array_equal(engine.spikes(fast, each), slow.spikes[each]), each
    assert np.array_equal(fast.readout, slow.readout)


def test_more_bits_than_the_chip_has_are_refused_with_both_numbers() -> None:
    with pytest.raises(CapacityError, match=r"^weight bits: are 9, loihi1 has 8 \(ask for at most"):
        narrow(load_target("loihi1"), 9)
    with pytest.raises(CapacityError, match=r"^weight bits: are 0, at least 1 is needed"):
        narrow(load_target("loihi1"), 0)
    with pytest.raises(CapacityError, match=r"^weight bits: are 4, the weights of ideal are not"):
        narrow(load_target("ideal"), 4)
    assert narrow(load_target("ideal"), None).arithmetic is None


def test_fewer_bits_stand_where_the_others_were() -> None:
    fewer = narrow(chip(), 3).arithmetic
    assert fewer is not None
    assert (fewer.weight_bits, fewer.weight_exponent, fewer.weight_exponents) == (3, 11, (6, 11))


def test_a_rounding_that_is_fitted_needs_samples() -> None:
    with pytest.raises(ModelError, match=r"^rounding: is adaptive, it needs samples"):
        quantize(float_network(CORPUS["lenet"]()), WIDE, STEPS, rounding="adaptive")


def test_weights_keep_their_bits_where_exponents_can_fall() -> None:
    """A long run makes the proof shrink the scale: exponents fall, not the weights."""
    network = float_network(CORPUS["lenet"]())
    made = quantize(network, narrow(WIDE, 8), 2000).network
    for p in made.projections:
        if p.synapse.weight.size > 1:
            assert np.abs(p.synapse.weight).max() >= 64


@pytest.mark.parametrize("name", ["loihi1", "loihi2"])
def test_large_weights_of_a_quiet_channel_do_not_drown_the_others(name: str) -> None:
    """They are two hundred times as large, and it never fires: they are clipped."""
    given = np.load(MNIST / "calibration.npz")["inputs"][:8]
    network = prepare(load(MNIST / "lenet.onnx"), given, Options(steps=STEPS)).network
    first, second = network.populations[:2]
    (into,) = network.into(second.name)
    assert into.source == first.name
    bias, weight = first.bias.copy(), into.synapse.weight.copy()
    bias[0], weight[:, 0] = -9, 200 * weight[:, 0]
    network = replace(
        network,
        populations=(replace(first, bias=bias), *network.populations[1:]),
        projections=tuple(
            replace(p, synapse=with_weight(p.synapse, weight)) if p is into else p
            for p in network.projections
        ),
    )
    made = {
        rounding: in_numbers(network, load_target(name), given, Options(rounding=rounding))
        for rounding in ROUNDINGS
    }
    told = {r: next(p for p in q.precision if p.name == second.name) for r, q in made.items()}
    assert told["nearest"].drive_db is not None and told["auto"].drive_db is not None
    assert told["nearest"].drive_db < 10 < 30 < told["auto"].drive_db
    clipped = told["auto"].clipped
    assert clipped is not None and 0.9 / len(bias) < clipped <= 1 / len(bias)


def test_layers_that_are_precise_enough_stay_rounded_to_the_nearest() -> None:
    given = np.load(MNIST / "calibration.npz")["inputs"][:8]
    network = prepare(load(MNIST / "lenet.onnx"), given, Options(steps=STEPS)).network
    made = [
        in_numbers(network, load_target("loihi1"), given, Options(steps=STEPS, rounding=r))
        for r in ROUNDINGS
    ]
    for ours, theirs in zip(*(q.network.projections for q in made), strict=True):
        assert np.array_equal(ours.synapse.weight, theirs.synapse.weight)


def test_two_bits_are_enough_for_a_lenet_where_outputs_are_kept() -> None:
    given = np.load(MNIST / "digits.npz")
    calibration = np.load(MNIST / "calibration.npz")["inputs"]
    options = Options(steps=32, weight_bits=2)
    network = prepare(load(MNIST / "lenet.onnx"), calibration, options).network
    target, found = narrow(load_target("loihi1"), 2), {}
    for rounding in ("nearest", "adaptive"):
        chosen = replace(options, rounding=rounding)
        integer = in_numbers(network, target, calibration, chosen).network
        run = engine.simulate(integer, {"image": given["inputs"]}, integer.run_length(32))
        classes = np.argmax(run.readout[:, -1].reshape(200, 10), axis=1)
        found[rounding] = float((classes == given["labels"]).mean())
    assert found["adaptive"] >= 0.95 > 0.6 > found["nearest"]


@pytest.mark.parametrize("name", LAYERS)
def test_the_precision_of_each_layer_is_told(name: str) -> None:
    graph = CORPUS[name]()
    network, x = float_network(graph), samples(graph, 6)
    told = {
        bits: quantize(
            network, narrow(WIDE, bits), STEPS, samples={network.inputs[0].name: x}
        ).precision
        for bits in (4, 8)
    }
    for few, many in zip(told[4], told[8], strict=True):
        assert few.name == many.name
        assert few.weight_bits == 4
        assert many.peak is not None
        assert many.peak < 2 ** (many.proved_bits - 1) <= 2 ** (many.state_bits - 1)
        if few.weights_db is not None and many.weights_db is not None:
            assert many.weights_db > few.weights_db + 12  # about 6 a bit
        assert few.clipped in (None, 0.0)
