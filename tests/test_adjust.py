"""Corrections of a converted network: each takes the mean error of every channel away."""

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.adjust import Adjustment, adjust, rates
from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.clamp import clamp
from neurocomp.compiler import Options, prepare
from neurocomp.snn.check import check
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import simulate
from tests.ann.net import Net, samples

STEPS = 6


def small() -> tuple[Graph, Array]:
    net = Net(3, (1, 8, 8))
    pooled = net.max(net.relu(net.conv(net.x, 4)))
    hidden = net.relu(net.conv(pooled, 6))
    graph = net.graph(net.linear(net.relu(net.linear(net.flat(hidden), 20)), 5))
    return graph, samples(graph, 30)


def errors(network: Network, graph: Graph, x: Array) -> float:
    """Give the mean absolute error of all channels' mean rates."""
    values = graph.run(x)
    found = []
    for p in network.populations:
        if p.name in graph.units and p.name != network.readout:
            unit = graph.units[p.name].reshape(-1, 1, 1)
            wanted = np.minimum(values[p.name].reshape(len(x), *p.shape) / unit, 1).mean(axis=0)
            error = (wanted - rates(network, p.name, x, STEPS)).mean(axis=(1, 2))
            found.append(float(np.abs(error).mean()))
    return float(np.mean(found))


@pytest.mark.parametrize("what", ["bias", "potential"])
@pytest.mark.parametrize("max_pool", ["average", "drive"])
def test_a_correction_takes_most_of_the_mean_error_away(what: Adjustment, max_pool: str) -> None:
    graph, x = small()
    options = Options(steps=STEPS, half_threshold=False, percentile=95.0)
    made = prepare(graph, x, replace(options, max_pool=max_pool))  # type: ignore[arg-type]
    corrected = check(adjust(made.network, made.graph, x, STEPS, what), STEPS)
    before = errors(made.network, made.graph, x)
    assert errors(corrected, made.graph, x) < 0.6 * before


def test_a_correction_keeps_weights_and_thresholds() -> None:
    graph, x = small()
    made = prepare(graph, x, Options(steps=STEPS))
    corrected = adjust(made.network, made.graph, x, STEPS, "bias")
    assert corrected.projections is made.network.projections
    assert [p.neuron for p in corrected.populations] == [p.neuron for p in made.network.populations]


def test_a_clamp_releases_each_layer_later() -> None:
    graph, x = small()
    made = prepare(graph, x, Options(steps=STEPS)).network
    late = clamp(made, 3)
    assert clamp(made, 0) is made
    for before, after in zip(made.populations, late.populations, strict=True):
        assert after.start_step == before.start_step + 3 * (before.start_step - 1)
    for step in simulate(late, {"x": x[:2]}, late.run_length(2)):
        for p in late.populations:
            if step.t < p.start_step:
                assert not step.spikes[p.name].any()
