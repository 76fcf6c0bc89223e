"""Where linear values get neurons of their own, and what that does."""

import numpy as np
import pytest

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Relay, Relu, Sum
from neurocomp.ann.reach import start, synapses, through
from neurocomp.ann.signs import never_negative
from neurocomp.arrays import Array
from neurocomp.compiler import Linear, Options, Prepared, prepare, rewrite
from neurocomp.errors import UnsupportedError
from neurocomp.passes import RelayLinear
from neurocomp.snn.boxes import whole
from neurocomp.snn.neurons import Accumulator, Graded, IntegrateAndFire
from neurocomp.snn.oracle import record
from tests.ann.net import Net, samples

STEPS = 64


def bottlenecks(blocks: int, wide: int = 12, narrow: int = 3) -> Graph:
    """Give inverted bottlenecks as MobileNet-v2's: ReLU6, depthwise, residual sums without one."""
    net = Net(7, (2, 6, 6))
    x = net.conv(net.clip(net.conv(net.x, wide, pads=(1, 1, 1, 1)), 6.0), narrow, kernel=(1, 1))
    for _ in range(blocks):
        y = net.clip(net.conv(x, wide, kernel=(1, 1)), 6.0)
        y = net.clip(net.conv(y, wide, pads=(1, 1, 1, 1), groups=wide), 6.0)
        x = net.sum(x, net.conv(y, narrow, kernel=(1, 1)))
    x = net.relu(net.conv(x, wide, kernel=(1, 1)))
    return net.graph(net.linear(net.flat(x), 4))


def names(graph: Graph) -> list[str]:
    """List the linear values that have relays."""
    return [n.inputs[0] for n in graph.nodes if isinstance(n.op, Relay)]


def test_a_residual_sum_is_relayed_once_and_not_its_branches_too() -> None:
    graph = bottlenecks(3)
    made = RelayLinear()(graph)
    assert names(made) == ["conv2", "sum1", "sum2", "sum3"]
    assert sum(isinstance(n.op, Relay) for n in made.nodes) == 4
    assert RelayLinear()(made) is made


def test_neurons_go_on_reading_what_a_value_is_made_of() -> None:
    net = Net(8, (2, 4, 4))
    x = net.conv(net.relu(net.conv(net.x, 16)), 2, kernel=(1, 1))
    both = net.concat(net.relu(x), net.relu(net.conv(x, 16, kernel=(1, 1))))
    made = RelayLinear()(net.graph(net.linear(net.flat(both), 3)))
    assert made.index["relu2"].inputs == ("conv2",)
    assert made.index["conv3"].inputs == ("conv2 (relay)",)


def test_an_average_of_activations_is_sent_on_by_rectifiers() -> None:
    net = Net(12, (2, 6, 6))
    pooled = net.average(net.relu(net.conv(net.x, 8)), (3, 3), strides=(1, 1), pads=(1, 1, 1, 1))
    graph = net.graph(net.linear(net.flat(net.relu(net.conv(pooled, 16, kernel=(1, 1)))), 3))
    made = RelayLinear()(graph)
    assert isinstance(made.index[f"{pooled} (relay)"].op, Relu)
    assert RelayLinear()(made) is made
    assert isinstance(RelayLinear(graded=True)(graph).index[f"{pooled} (relay)"].op, Relay)
    found = prepared(graph, "pairs")
    kinds = [type(p.neuron) for p in found.network.populations]
    assert kinds == [IntegrateAndFire] * 3 + [Accumulator]
    x = samples(graph, 10, seed=5)
    wanted = graph.run(x)[graph.output].reshape(10, -1)
    assert np.abs(outputs(found, x) - wanted).max() < 0.1 * np.abs(wanted).max()


@pytest.mark.parametrize("kind", ["difference", "input"])
def test_what_can_be_negative_needs_a_pair(kind: str) -> None:
    net = Net(13, (2, 6, 6))
    a = net.relu(net.conv(net.x, 8, pads=(1, 1, 1, 1)))
    b = net.add(Sum(signs=(1, -1)), a, net.relu(net.conv(net.x, 8, pads=(1, 1, 1, 1))))
    x = net.average(b if kind == "difference" else net.concat(a, net.x), (3, 3), strides=(1, 1))
    graph = net.graph(net.linear(net.flat(net.relu(net.conv(x, 16, kernel=(1, 1)))), 3))
    assert x not in never_negative(graph)
    assert a in never_negative(graph)


def test_what_only_the_input_feeds_is_composed_on_the_host() -> None:
    net = Net(9, (3, 4, 4))
    x = net.conv(net.conv(net.x, 1, kernel=(1, 1)), 16, kernel=(1, 1))
    graph = net.graph(net.linear(net.flat(net.relu(x)), 3))
    assert RelayLinear()(graph) is graph


def test_composing_stays_where_it_is_cheap() -> None:
    graph = bottlenecks(2, wide=4, narrow=3)
    assert RelayLinear()(graph) is graph
    assert names(RelayLinear(graded=True)(bottlenecks(1))) == ["conv2", "sum1"]


def test_many_paths_are_counted_and_not_walked() -> None:
    """Sixty residual sums without activations have 2^60 paths."""
    net = Net(10, (2, 3, 3))
    x = net.relu(net.conv(net.x, 4, pads=(1, 1, 1, 1)))
    for _ in range(60):
        x = net.sum(x, net.conv(x, 4, kernel=(1, 1)))
    graph = net.graph(net.linear(net.flat(net.relu(x)), 2))
    seen = {"relu1": start("relu1", graph.shapes["relu1"])}
    for node in graph.nodes[2:]:
        if node.op.role == "linear":
            seen[node.name] = through(graph, node, seen)
    assert seen["sum60"].total() == 2**60
    assert RelayLinear(worth=4.0)(graph) is not graph


def test_a_count_is_that_of_the_composed_synapse_where_borders_do_not_matter() -> None:
    net = Net(11, (3, 9, 9))
    x = net.conv(net.relu(net.conv(net.x, 4, kernel=(1, 1))), 5, strides=(2, 2))
    graph = net.graph(net.relu(net.conv(x, 6, kernel=(2, 2))))
    seen = {"relu1": start("relu1", graph.shapes["relu1"])}
    for name in ("conv2", "conv3"):
        seen[name] = through(graph, graph.index[name], seen)
    network = prepared(graph, "compose").network
    (projection,) = network.into("conv3")
    found = synapses(seen["conv3"], graph.shapes["conv3"])
    assert found == projection.synapse.fan_in(whole(projection.synapse.post_shape)) == 54 * 100


def prepared(graph: Graph, linear: Linear, **options: object) -> Prepared:
    return prepare(graph, samples(graph, 40), Options(steps=STEPS, linear=linear, **options))  # type: ignore[arg-type]


def outputs(made: Prepared, x: Array) -> Array:
    """Give the readout's mean drive after all steps, (samples, classes)."""
    network = made.network
    found = record(network, {network.inputs[0].name: x}, network.run_length(STEPS))
    mean: Array = found.readout[:, -1].reshape(len(x), -1) / STEPS
    return mean


@pytest.mark.parametrize("linear", ["compose", "pairs", "graded"])
def test_every_way_comes_close_to_the_trained_network(linear: Linear) -> None:
    graph = rewrite(bottlenecks(2))
    x = samples(graph, 10, seed=5)
    wanted = graph.run(x)[graph.output].reshape(10, -1)
    made = prepared(graph, linear)
    error = np.abs(outputs(made, x) - wanted).max() / np.abs(wanted).max()
    assert error < {"compose": 0.05, "graded": 0.05, "pairs": 0.15}[linear]


def test_each_way_has_its_neurons() -> None:
    graph = bottlenecks(1)
    kinds = {
        linear: [type(p.neuron) for p in prepared(graph, linear).network.populations]
        for linear in ("compose", "pairs", "graded")
    }
    assert kinds["compose"] == [IntegrateAndFire] * 4 + [Accumulator]
    assert kinds["pairs"].count(IntegrateAndFire) == 8
    assert kinds["graded"].count(Graded) == 2


def test_the_default_composes_all_but_what_is_four_times_as_many_synapses() -> None:
    graph = bottlenecks(2)
    assert not names(prepared(graph, "auto").graph)
    assert names(prepared(bottlenecks(2, wide=64, narrow=1), "auto").graph)


def test_a_pair_resets_by_subtraction() -> None:
    with pytest.raises(UnsupportedError, match="resets by subtraction, not to zero"):
        prepared(bottlenecks(1), "pairs", reset="zero")
    assert not names(prepared(bottlenecks(2, wide=64, narrow=1), "auto", reset="zero").graph)
