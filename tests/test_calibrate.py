"""Calibration: ranges of channels, and what it takes to know one."""

import numpy as np
import pytest

from neurocomp.ann.graph import Graph
from neurocomp.calibrate import LEAST_SEEN, calibrate
from neurocomp.ranges import Percentile
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
