"""Sums that are too wide for a core, made in parts."""

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.ann import ops
from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import Relay, Sum
from neurocomp.arrays import Array
from neurocomp.compiler import Options, compile, prepare, with_passes
from neurocomp.errors import CapacityError
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.passes import SumInParts
from neurocomp.passes.sum_in_parts import parts_of, wide
from neurocomp.snn.boxes import whole
from neurocomp.snn.channels import channels_read, edges_read
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import record
from neurocomp.snn.relays import relayed
from neurocomp.snn.synapses import Conv, Dense
from tests.ann.net import Net, samples

AXONS = 60
STEPS = 16


def net() -> Graph:
    """Give a network whose second convolution reads 108 neurons, and whose matrix 288."""
    net = Net(7, (2, 8, 8))
    x = net.relu(net.conv(net.x, 12))
    x = net.relu(net.conv(x, 8, pads=(1, 1, 1, 1)))
    x = net.relu(net.linear(net.flat(x), 20))
    return net.graph(net.linear(x, 4))


def chip(axons: int = AXONS) -> Target:
    target = load_target("loihi1")
    limits = {**target.core.limits, "in_axons": axons}
    return replace(target, core=replace(target.core, limits=limits))


def weight(node: Node) -> Array:
    """Give the weights of a convolution or a matrix."""
    assert isinstance(node.op, ops.Conv | ops.Linear)
    return node.op.weight


def most_axons(network: Network) -> int:
    """Recount the sources of the neuron that has most."""
    most = 0
    for p in network.populations:
        reached: dict[int, set[tuple[str, int]]] = {}
        for j in network.into(p.name):
            edges = edges_read(j.synapse, whole(j.synapse.post_shape))
            for pre, post in zip(edges.pre.tolist(), edges.post.tolist(), strict=True):
                reached.setdefault(post, set()).add((j.source, pre))
        most = max(most, *(len(found) for found in reached.values()), 0)
    return most


def test_a_sum_is_that_of_its_parts_which_read_other_channels() -> None:
    graph = net()
    made = SumInParts(parts={"conv2": 5, "linear1": 3})(graph)
    for name, count in (("conv2", 5), ("linear1", 3)):
        node = made.index[name]
        assert isinstance(node.op, Sum)
        assert node.inputs == tuple(f"{name} (part {i}) (relay)" for i in range(1, count + 1))
        parts = [made.index[f"{name} (part {i})"] for i in range(1, count + 1)]
        read = [channels_read(p.op.wiring(0, made.shapes[p.inputs[0]])) for p in parts]
        if name == "conv2":
            assert np.array_equal(np.sum(read, axis=0), np.ones(12))
        assert np.array_equal(np.sum([weight(p) for p in parts], axis=0), weight(graph.index[name]))
    x = samples(graph, 3)
    assert np.allclose(made.run(x)[made.output], graph.run(x)[graph.output], atol=1e-5)
    assert parts_of(n.name for n in made.nodes) == {"conv2": 5, "linear1": 3}


def test_what_the_input_feeds_stays_whole() -> None:
    graph = net()
    assert SumInParts(parts={"conv1": 2})(graph) is graph


def test_the_parts_are_as_few_as_fit() -> None:
    graph = net()
    assert wide(graph, {"relu2": 1.8, "relu3": 4.8, "conv1": 2.0}) == {
        "conv1": 2,
        "conv2": 2,
        "linear1": 8,
    }


@pytest.mark.parametrize("axons", [AXONS, 56, 54, 47])  # 54 is what half of conv2 reads itself
def test_a_sum_too_wide_for_a_core_compiles_and_no_core_reads_more(axons: int) -> None:
    graph, target = net(), chip(axons)
    with pytest.raises(CapacityError, match=r"in_axons.*--linear auto"):
        compile(graph, target, samples(graph, 8), Options(steps=STEPS, linear="compose"))
    program = compile(graph, target, samples(graph, 8), Options(steps=STEPS))
    assert {n.split(" (")[0] for n in relayed(program.network)} == {"conv2", "linear1"}
    assert 36 < most_axons(program.network) <= axons
    assert all(d["in_axons"] <= axons for d in program.placement.demand.values())


def test_what_no_parts_make_fit_is_refused() -> None:
    graph = net()
    with pytest.raises(CapacityError, match="in_axons") as caught:
        compile(graph, chip(8), samples(graph, 8), Options(steps=STEPS))
    assert "(part" not in str(caught.value)  # the user's network has none


def test_what_fits_is_not_parted() -> None:
    graph = net()
    program = compile(graph, load_target("loihi1"), samples(graph, 8), Options(steps=STEPS))
    assert not relayed(program.network)


def test_the_graph_of_a_program_has_its_parts_again() -> None:
    graph, options = net(), Options(steps=STEPS)
    program = compile(graph, chip(), samples(graph, 8), options)
    made = with_passes(graph, options, program.units)
    assert sum(isinstance(n.op, Relay) for n in made.nodes) == len(relayed(program.network))
    assert made.units.keys() == program.units.keys()


def test_parts_are_close_to_the_sum() -> None:
    graph = net()
    x = samples(graph, 8)
    made = prepare(graph, x, Options(steps=256), parts={"conv2": 3, "linear1": 5})
    network = made.network
    run = record(network, {i.name: x for i in network.inputs}, network.run_length(256))
    got = run.readout[:, -1].reshape(len(x), -1) / 256
    want = graph.run(x)[graph.output]
    assert np.abs(got - want).max() < 0.15 * np.abs(want).max()


@pytest.mark.parametrize("empty", [(), (1,), (0, 2)])
def test_channels_without_weights_are_not_read(empty: tuple[int, ...]) -> None:
    random = np.random.default_rng(3)
    kernel = random.standard_normal((4, 3, 2, 2))
    kernel[:, list(empty)] = 0
    conv = Conv(weight=kernel, pre_shape=(3, 5, 5))
    matrix = random.standard_normal((6, 3, 4))
    matrix[:, list(empty)] = 0
    dense = Dense(weight=matrix.reshape(6, 12), pre_shape=(3, 2, 2), post_shape=(6, 1, 1))
    wanted = [c not in empty for c in range(3)]
    for synapse, area in ((conv, 25), (dense, 4)):
        assert channels_read(synapse).tolist() == wanted
        read = {int(pre) // area for pre in edges_read(synapse, whole(synapse.post_shape)).pre}
        assert read == {c for c in range(3) if c not in empty}


def test_a_synapse_without_any_weight_is_not_known_and_reads_all() -> None:
    conv = Conv(weight=np.zeros((4, 3, 2, 2)), pre_shape=(3, 5, 5))
    assert channels_read(conv).all()
