"""Conversion: rates approach the trained network, and what cannot be converted is told."""

import re
from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings

from neurocomp.ann.graph import Graph
from neurocomp.ann.linear import readout_value
from neurocomp.ann.ops import Affine, Conv, Heaviside
from neurocomp.arrays import Array
from neurocomp.compiler import rewrite
from neurocomp.convert import convert
from neurocomp.errors import UnsupportedError
from neurocomp.passes import (
    HalfThreshold,
    MaxPoolAsRelus,
    MaxPoolGate,
    MaxPoolOnDrive,
    Normalise,
    Pass,
    PoissonInput,
    ResetToZero,
)
from neurocomp.snn import synapses
from neurocomp.snn.check import check
from neurocomp.snn.estimates import Exponential, Fir
from neurocomp.snn.grid import BITS
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import IntegrateAndFire, MaxGate
from neurocomp.snn.oracle import simulate
from tests.ann.corpus import CORPUS
from tests.ann.net import Net, samples
from tests.ann.strategies import graphs

SHORT, LONG = 64, 1024


def normalised(graph: Graph, x: Array) -> Graph:
    """Rewrite `graph` and let rate 1 stand for the largest value of each channel on `x`."""
    rewritten = rewrite(graph)
    values = rewritten.run(x)
    ranges = {
        n.name: values[n.name].reshape(len(x), values[n.name].shape[1], -1).max(axis=(0, 2))
        for n in rewritten.nodes
        if n.op.role == "neuron"
    }
    return HalfThreshold()(Normalise(ranges=ranges)(rewritten))


def wanted(graph: Graph, x: Array) -> Array:
    """Give what the readout's drive stands for, (samples, classes)."""
    value = graph.run(x.astype(np.float64))[readout_value(graph)]
    return value.reshape(len(x), -1)


def error_at(network: Network, x: Array, ann: Array, steps: tuple[int, ...]) -> list[float]:
    """Give the mean error of accumulated drive / T after each T of `steps`."""
    errors = []
    for step in simulate(network, {"x": x}, network.run_length(max(steps))):
        taken = step.t - network.run_length(0)
        if taken in steps:
            found = step.v[network.readout].reshape(len(x), -1) / taken
            errors.append(float(np.abs(found - ann).mean()))
    return errors


def has_gate(network: Network) -> bool:
    return any(isinstance(p.neuron, MaxGate) for p in network.populations)


@pytest.mark.parametrize("name", CORPUS)
def test_the_readout_approaches_the_trained_network(name: str) -> None:
    graph = CORPUS[name]()
    x = samples(graph, 2, seed=7)
    made = normalised(graph, x)
    network = check(convert(made, 0.0, 1.0), LONG)
    ann = wanted(made, x)
    short, long = error_at(network, x, ann, (SHORT, LONG))
    spikeless = len(network.populations) == 1
    size = float(np.abs(ann).max())
    if has_gate(network):
        # Two taps of nearly equal rates take turns in front, and the gate passes on both.
        assert long < 0.1 * max(1.0, size)
    else:
        assert long < (1e-4 if spikeless else 0.02) * max(1.0, size)
        assert long <= short / 4 + 2e-4, (short, long)


def test_a_gate_of_taps_with_clear_winners_approaches_the_maximum() -> None:
    net = Net(4, (1, 2, 4))
    graph = net.graph(net.flat(net.max(net.relu(net.conv(net.x, 1, (1, 1))))))
    x = np.array([[[[0.1, 0.9, 0.2, 0.4], [0.7, 0.3, 0.8, 0.6]]]], np.float32)
    made = normalised(graph, x)
    network = check(convert(made, 0.0, 1.0), LONG)
    short, long = error_at(network, x, wanted(made, x), (SHORT, LONG))
    assert long <= short / 8 + 1e-4


def test_over_the_corpus_the_error_falls_like_one_over_t() -> None:
    ratios = []
    for name in ("two_dense", "lenet", "groups", "norm_after_relu", "residual_before_relu"):
        graph = CORPUS[name]()
        x = samples(graph, 3, seed=8)
        made = normalised(graph, x)
        network = convert(made, 0.0, 1.0)
        short, long = error_at(network, x, wanted(made, x), (16, 256))
        ratios.append(short / long)
    assert 8 < np.exp(np.mean(np.log(ratios))) < 32  # 256 / 16 = 16


@settings(max_examples=20, deadline=None)
@given(graphs())
def test_random_graphs_convert_to_well_formed_networks(graph: Graph) -> None:
    x = samples(graph, 2, seed=9)
    made = normalised(graph, x)
    network = check(convert(made, 0.0, 1.0), 32)
    assert np.prod(network.population(network.readout).shape) == prod(graph.shapes[graph.output])


@pytest.mark.parametrize("name", CORPUS)
def test_numbers_lie_on_one_grid_of_24_bits(name: str) -> None:
    graph = CORPUS[name]()
    network = convert(normalised(graph, samples(graph, 2)), 0.0, 1.0)
    for p in network.populations:
        numbers = [p.bias, p.v_init, *(j.synapse.weight for j in network.into(p.name))]
        if isinstance(p.neuron, IntegrateAndFire):
            numbers.append(p.neuron.v_threshold)
        largest = max((float(np.abs(n).max()) for n in numbers if n.size), default=0.0)
        for n in numbers:
            multiples = n * 2.0 ** (BITS + 1) / 2.0 ** np.ceil(np.log2(largest or 1))
            assert np.array_equal(multiples, np.rint(multiples)), p.name


@pytest.mark.parametrize("name", CORPUS)
def test_each_population_starts_at_its_depth(name: str) -> None:
    graph = CORPUS[name]()
    network = convert(normalised(graph, samples(graph, 2)), 0.0, 1.0)
    start = {p.name: p.start_step for p in network.populations}
    for j in network.projections:
        assert start[j.source] + j.delay_steps == start[j.target]
    for p in network.populations:
        before = [j.delay_steps for j in network.into(p.name)]
        assert p.start_step == 1 or min(before) == 1


def test_the_constants_of_a_norm_stop_at_the_padding() -> None:
    """A shift behind a ReLU is absent in the padding, so the bias differs at the border."""
    net = Net(1, (1, 3, 3))
    x = net.relu(net.x)
    shifted = net.add(
        Affine(scale=np.array([[[2.0]]], np.float32), shift=np.array([[[0.5]]], np.float32)), x
    )
    conv = Conv(
        weight=np.ones((1, 1, 3, 3), np.float32),
        bias=np.array([0.25], np.float32),
        pads=(1, 1, 1, 1),
    )
    network = convert(net.graph(net.relu(net.add(conv, shifted))), 0.0, 1.0)
    taps = np.array([[4, 6, 4], [6, 9, 6], [4, 6, 4]])
    assert np.array_equal(network.populations[1].bias[0], 0.5 * taps + 0.25)
    (into,) = network.into(network.populations[1].name)
    assert isinstance(into.synapse, synapses.Conv)
    assert np.all(into.synapse.weight == 2.0)


def test_weights_carry_the_units_of_both_ends() -> None:
    net = Net(2, (2,))
    first = net.relu(net.linear(net.x, 2))
    graph = net.graph(net.linear(net.relu(net.linear(first, 2)), 1))
    ranges = {n.name: np.array([0.5, 4.0]) for n in graph.nodes if n.op.role == "neuron"}
    network = convert(Normalise(ranges=ranges)(graph), 0.0, 1.0)
    weights = {n.name: getattr(n.op, "weight", None) for n in graph.nodes}
    ends = np.array([0.5, 4.0])
    second = network.into("relu2")[0].synapse.weight
    assert np.allclose(second, weights["linear2"] * ends[None, :] / ends[:, None], atol=1e-6)
    last = network.into(network.readout)[0].synapse.weight
    assert np.allclose(last, weights["linear3"] * ends, atol=1e-6)  # the readout's unit is 1


def test_a_last_softmax_or_relu_is_not_simulated() -> None:
    for name in ("final_softmax", "final_relu"):
        network = convert(CORPUS[name](), 0.0, 1.0)
        assert network.readout.startswith("linear")


def test_membranes_start_where_the_graph_says() -> None:
    graph = HalfThreshold(fraction=0.25)(CORPUS["two_dense"]())
    first, last = convert(graph, 0.0, 1.0).populations
    assert np.all(first.v_init == 0.25)
    assert not last.v_init.any()


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-0.3, 0.7), (0.1, 0.2), (-3.0, -1.1), (0.0, 0.0), (0.0, 255.0)]
)
def test_no_sample_leaves_the_range_by_rounding(low: float, high: float) -> None:
    network = check(convert(CORPUS["one_layer"](), low, high), SHORT)
    (source,) = network.inputs
    assert source.low <= low <= high <= source.high
    assert source.high - high <= source.grid and low - source.low <= source.grid
    ends = source.prepare(np.array([[low - 9] * 5, [low] * 5, [high] * 5, [high + 9] * 5]))
    assert ends.min() >= source.low and ends.max() <= source.high


def test_channels_that_come_last_cost_no_single_synapses() -> None:
    graph = CORPUS["channels_last"]()
    network = convert(rewrite(graph), -1, 1)
    (source,) = network.inputs
    assert (source.shape, source.order, source.sample_shape) == ((2, 6, 6), (2, 0, 1), (6, 6, 2))
    assert isinstance(network.currents[0].synapse, synapses.Conv)
    x = samples(graph, 3)
    moved = source.prepare(x)
    assert np.array_equal(moved, source.prepare(x.reshape(3, -1)))
    assert np.abs(moved - np.clip(x.transpose(0, 3, 1, 2), -1, 1)).max() <= source.grid / 2


def test_the_graph_is_not_written() -> None:
    graph = CORPUS["residual_projected"]()
    before = graph.run(samples(graph, 1))
    convert(graph, 0.0, 1.0)
    after = graph.run(samples(graph, 1))
    assert all(np.array_equal(before[k], after[k]) for k in before)


def test_what_a_concat_only_passes_on_costs_no_neurons() -> None:
    graph = CORPUS["inception"]()
    network = convert(normalised(graph, samples(graph, 2)), 0.0, 1.0)
    assert not any("concat" in p.name for p in network.populations)


# What cannot be converted


def pool_of_input(net: Net) -> str:
    return net.linear(net.flat(net.max(net.x)), 2)


def pool_of_convolution(net: Net) -> str:
    return net.linear(net.flat(net.relu(net.conv(net.max(net.conv(net.x, 2)), 2, (1, 1)))), 2)


def pool_of_sum(net: Net) -> str:
    x = net.relu(net.conv(net.x, 2))
    return net.linear(net.flat(net.max(net.sum(x, x))), 2)


def softmax_in_the_middle(net: Net) -> str:
    return net.linear(net.softmax(net.linear(net.flat(net.x), 4)), 2)


def softmax_before_an_activation(net: Net) -> str:
    return net.linear(net.relu(net.softmax(net.linear(net.flat(net.x), 4))), 2)


def doublings(net: Net) -> str:
    x = net.relu(net.linear(net.flat(net.x), 2))
    for _ in range(10):
        x = net.sum(x, x)
    return net.relu(x)


REFUSED: dict[Callable[[Net], str], str] = {
    pool_of_input: "x: is max-pooled and is not the value of an activation (pool right after",
    pool_of_convolution: "conv1: is max-pooled and is not the value of an activation",
    pool_of_sum: "sum1: is max-pooled and is not the value of an activation",
    softmax_in_the_middle: "softmax1: Softmax stands in the middle of the network (only the",
    softmax_before_an_activation: "softmax1: Softmax stands in the middle of the network",
    doublings: "sum10: more than 1000 paths of linear operators lead into it (put activations",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_cannot_be_wired_is_named(make: Callable[[Net], str]) -> None:
    net = Net(3, (2, 6, 6))
    with pytest.raises(UnsupportedError, match=f"^{re.escape(REFUSED[make])}"):
        convert(net.graph(make(net)), 0.0, 1.0)


OPTIONS: dict[str, Pass] = {
    "drive": MaxPoolOnDrive(),
    "relus": MaxPoolAsRelus(),
    "exponential": MaxPoolGate(estimate=Exponential()),
    "fir": MaxPoolGate(estimate=Fir()),
    "zero": ResetToZero(),
    "poisson": PoissonInput(seed=3),
}


def optional(name: str) -> tuple[Graph, Array]:
    """Give a small net of a strided convolution, overlapping max pooling and two dense layers."""
    net = Net(11, (2, 9, 9))
    pooled = net.max(net.relu(net.conv(net.x, 4, pads=(1, 1, 1, 1))), (3, 3), (2, 2), (1, 0, 1, 0))
    graph = net.graph(net.linear(net.relu(net.linear(net.flat(pooled), 12)), 5))
    return OPTIONS[name](rewrite(graph)), samples(graph, 3, seed=4)


@pytest.mark.parametrize(
    ("name", "most"),
    [("drive", 0.01), ("relus", 0.02), ("exponential", 0.2), ("fir", 0.2), ("poisson", 0.1)],
)
def test_an_option_approaches_the_trained_network(name: str, most: float) -> None:
    graph, x = optional(name)
    made = normalised(graph, x)
    network = check(convert(made, 0.0, float(x.max())), LONG)
    ann = wanted(made, x)
    (error,) = error_at(network, x, ann, (LONG,))
    assert error < most * float(np.abs(ann).max())


def test_resetting_to_zero_loses_what_exceeds_the_threshold() -> None:
    graph, x = optional("zero")
    made = normalised(graph, x)
    zero = check(convert(made, 0.0, 1.0), LONG)
    kept = check(convert(replace(made, reset="subtract"), 0.0, 1.0), LONG)
    ann = wanted(made, x)
    assert error_at(zero, x, ann, (LONG,))[0] > 3 * error_at(kept, x, ann, (LONG,))[0]


def test_steps_of_binary_neurons_are_all_alike() -> None:
    net = Net(5, (1, 6, 6))
    hidden = net.add(Heaviside(), net.conv(net.x, 4))
    graph = net.graph(net.linear(net.flat(net.add(Heaviside(), net.conv(hidden, 3))), 4))
    x = samples(graph, 20)
    network = check(convert(graph, 0.0, 1.0), 5)
    ann = wanted(graph, x)
    for step in simulate(network, {"x": x}, network.run_length(5)):
        taken = step.t - network.run_length(0)
        if taken > 0:
            found = step.v[network.readout].reshape(len(x), -1) / taken
            assert np.abs(found - ann).max() < 1e-5


def test_spikes_need_rates_that_are_not_negative() -> None:
    graph, _ = optional("poisson")
    with pytest.raises(UnsupportedError, match=r"goes down to -0.5, and a rate is not negative"):
        convert(graph, -0.5, 1.0)
