"""Channels that hardly fire: they leave the weights' levels and the membranes' bits to others."""

import tracemalloc
from dataclasses import replace

import numpy as np

import neurocomp as nc
from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Affine, GlobalAveragePool, Transpose
from neurocomp.arrays import Array
from neurocomp.compiler import Options, in_numbers, prepare
from neurocomp.quiet import LEAST_SHARE, spread
from tests.ann.net import Net, samples

GAIN = 30.0  # 1 / sqrt(epsilon) of a batch normalisation
QUIET = 2  # the channel
OPTIONS = Options(steps=32)


def amplified(bias: float, gain: float = GAIN) -> tuple[Graph, Array]:
    """Give a graph one of whose channels, with that bias, is amplified behind its activation."""
    net = Net(5, (1, 8, 8))
    first = net.conv(net.x, 4)
    conv = net.nodes[-1].op
    shift = np.where(np.arange(4) == QUIET, bias, conv.bias).astype(np.float32)  # type: ignore[attr-defined]
    net.nodes[-1] = replace(net.nodes[-1], op=replace(conv, bias=shift))  # type: ignore[type-var]
    scale = np.where(np.arange(4) == QUIET, gain, 1.0).reshape(-1, 1, 1)
    norm = net.add(Affine(scale=scale, shift=np.zeros((4, 1, 1))), net.relu(first))
    hidden = net.relu(net.conv(norm, 6))
    graph = net.graph(net.linear(net.flat(hidden), 5))
    return graph, samples(graph, 200)


def worst(graph: Graph, x: Array) -> float:
    """Give the signal to noise of the second layer's drive at 8 bits, in dB."""
    chip = nc.load_target("loihi2")
    made = in_numbers(prepare(graph, x, OPTIONS).network, chip, x, OPTIONS)
    return next(p.drive_db or 0.0 for p in made.precision if p.name == "relu2")


def test_a_silent_channel_takes_no_levels_from_the_others() -> None:
    graph, x = amplified(-100.0)
    assert graph.run(x)["relu1"][:, QUIET].max() == 0
    assert worst(graph, x) > 30


def test_a_channel_that_fires_once_in_a_while_stands_for_less() -> None:
    graph, x = amplified(0.0)
    each = graph.run(x)["conv1"][:, QUIET]
    graph, x = amplified(-float(np.quantile(each, 0.9997)), gain=1000.0)
    share = (graph.run(x)["relu1"][:, QUIET] > 0).mean()
    assert 0 < share < 0.001
    unit = prepare(graph, x, OPTIONS).graph.units["relu1"]
    assert unit[QUIET] < 0.5 * LEAST_SHARE * unit.max()


def test_weights_out_of_a_quiet_channel_are_no_greater_than_those_into_it_allow() -> None:
    graph, x = amplified(-100.0)
    network = prepare(graph, x, OPTIONS).network
    out = np.abs(network.into("relu2")[0].synapse.weight).max(axis=(0, 2, 3))
    into = np.abs(network.currents[0].synapse.weight).max(axis=(1, 2, 3))
    loud = np.arange(4) != QUIET
    beside = out[QUIET] / out[loud].max()
    assert beside < 1.01 or beside < 1.01 * into[QUIET] / into[loud].max()


def test_channels_that_fire_keep_their_ranges() -> None:
    graph, _ = amplified(-100.0)
    ranges = {"relu1": np.array([1.0, 2.0, 0.0, 0.2]), "relu2": np.ones(6)}
    common = {"relu1": np.array([0.9, 1.8, 0.0, 0.15]), "relu2": np.ones(6)}
    found = spread(graph, ranges, common)
    assert np.array_equal(found["relu1"][:2], ranges["relu1"][:2])
    assert np.array_equal(found["relu2"], ranges["relu2"])
    assert 0 < found["relu1"][QUIET] < 2
    assert 0.15 <= found["relu1"][3] <= LEAST_SHARE * 2


def test_an_input_whose_channels_come_last_is_turned_round_first() -> None:
    """Composed with it, a Transpose would make single synapses of the convolution."""
    net = Net(5, (64, 64, 3))
    turned = net.add(Transpose(order=(2, 0, 1)), net.x)
    hidden = net.relu(net.conv(turned, 64))
    graph = net.graph(net.linear(net.flat(net.add(GlobalAveragePool(), hidden)), 2))
    ranges = {"relu1": np.where(np.arange(64) == QUIET, 0.0, 1.0)}
    tracemalloc.start()
    spread(graph, ranges, ranges)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # 6.6 million single synapses are 160 MB


def test_a_layer_that_is_silent_altogether_has_a_unit() -> None:
    graph, x = amplified(-100.0)
    silent = {"relu1": np.zeros(4), "relu2": np.zeros(6)}
    assert all((unit == 0).all() for unit in spread(graph, silent, silent).values())
    network = prepare(graph, np.zeros_like(x[:2]), OPTIONS).network
    assert all(np.isfinite(j.synapse.weight).all() for j in network.projections)
