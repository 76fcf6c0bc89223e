"""Calibration: ranges of channels, and what it takes to know one."""

import tracemalloc

import numpy as np
import pytest

from neurocomp.ann.graph import Graph
from neurocomp.calibrate import LEAST_SEEN, Granularity, calibrate
from neurocomp.compiler import Options, prepare
from neurocomp.errors import ModelError
from neurocomp.ranges import Percentile, knees
from tests.ann.net import Net, samples

MOST = Percentile(percentile=100)


def dense() -> Graph:
    net = Net(7, (6,))
    return net.graph(net.linear(net.relu(net.linear(net.x, 12)), 3))


@pytest.mark.parametrize("count", [2, LEAST_SEEN - 1])
def test_of_few_values_a_channel_has_the_range_of_its_layer(count: int) -> None:
    graph = dense()
    x = samples(graph, count)
    most = graph.run(x)["relu1"].max()
    found = calibrate(graph, x, rule=MOST)
    assert np.allclose(found.values["relu1"], most)
    assert np.allclose(found.common["relu1"], most)


def test_of_more_values_each_channel_has_its_own() -> None:
    graph = dense()
    x = samples(graph, LEAST_SEEN)
    values = graph.run(x)["relu1"]
    found = calibrate(graph, x, rule=MOST)
    assert np.allclose(found.values["relu1"], values.max(axis=0))
    assert (found.common["relu1"] <= found.values["relu1"]).all()
    assert np.ptp(found.values["relu1"]) > 0


def test_positions_of_a_map_count_as_values() -> None:
    net = Net(7, (1, 20, 20))
    graph = net.graph(net.linear(net.flat(net.relu(net.conv(net.x, 4))), 3))
    x = samples(graph, 1)
    found = calibrate(graph, x, rule=MOST)
    assert np.allclose(found.values["relu1"], graph.run(x)["relu1"].max(axis=(0, 2, 3)))


def test_what_is_common_counts_zeros() -> None:
    net = Net(7, (1, 20, 20))
    graph = net.graph(net.linear(net.flat(net.relu(net.conv(net.x, 4))), 3))
    x = np.zeros((20, 1, 20, 20))
    x[0] = samples(graph, 1)[0]
    found = calibrate(graph, x, rule=MOST)
    values = graph.run(x)["relu1"]
    assert np.allclose(found.common["relu1"], np.percentile(values, 99.9, axis=(0, 2, 3)))
    assert (found.common["relu1"] < found.values["relu1"]).any()


@pytest.mark.parametrize("per", ["channel", "layer"])
def test_ranges_are_as_much_wider_as_the_headroom(per: Granularity) -> None:
    graph = dense()
    x = samples(graph, LEAST_SEEN)
    measured, wider = (calibrate(graph, x, rule=MOST, per=per, headroom=h) for h in (1.0, 1.5))
    assert np.array_equal(wider.values["relu1"], 1.5 * measured.values["relu1"])
    assert np.array_equal(wider.common["relu1"], 1.5 * measured.common["relu1"])
    assert (wider.low, wider.high) == (measured.low, measured.high)


@pytest.mark.parametrize("per", ["channel", "layer"])
def test_the_greatest_activation_is_found_among_more_than_are_kept(per: Granularity) -> None:
    net = Net(7, (1, 40, 40))
    graph = net.graph(net.linear(net.flat(net.relu(net.conv(net.x, 4))), 3))
    x = samples(graph, 200)
    most = graph.run(x)["relu1"].max(axis=(0, 2, 3))
    found = calibrate(graph, x, rule=MOST, per=per).values["relu1"]
    assert np.allclose(found, most if per == "channel" else most.max())


def test_knees_are_shares_of_each_channels_range() -> None:
    net = Net(7, (1, 20, 20))
    graph = net.graph(net.linear(net.flat(net.relu(net.conv(net.x, 4))), 3))
    x = samples(graph, 3)
    found = calibrate(graph, x, rule=MOST, headroom=2.0, pieces={"relu1": 3}).knees["relu1"]
    assert found.shape == (2, 4)
    values = np.moveaxis(graph.run(x)["relu1"], 1, 0).reshape(4, -1)
    for channel, each in enumerate(values):
        assert np.allclose(found[:, channel], knees(each, 2 * float(each.max()), 3))
    few = calibrate(dense(), samples(dense(), 9), pieces={"relu1": 2}).knees["relu1"]
    assert np.ptp(few) == 0  # of a layer whose channels are not known
    layer = calibrate(graph, x, per="layer", pieces={"relu1": 3}).knees["relu1"]
    assert np.ptp(layer, axis=1).tolist() == [0, 0]
    assert np.ptp(found, axis=1).any()
    assert calibrate(graph, x).knees == {}


@pytest.mark.parametrize("headroom", [0.0, -1.0, float("nan"), float("inf")])
def test_refuses_a_headroom_that_is_none(headroom: float) -> None:
    graph = dense()
    with pytest.raises(ModelError, match=r"headroom: is .*, it lies in \(0, 1024"):
        prepare(graph, samples(graph, 4), Options(headroom=headroom))


def test_keeps_what_ranges_are_taken_of_not_every_activation() -> None:
    net = Net(7, (1, 64, 64))
    graph = net.graph(net.linear(net.flat(net.relu(net.conv(net.x, 8))), 3))
    x = samples(graph, 256)
    activations = 4 * 8 * 64 * 64 * len(x)
    tracemalloc.start()
    calibrate(graph, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < activations / 2
