"""Neuron models beyond plain integrate-and-fire, in a chip's integers."""

import numpy as np
import pytest

from neurocomp.compiler import Options, prepare
from neurocomp.hw.target import Arithmetic, Core, Target
from neurocomp.quantize import quantize
from neurocomp.snn.check import check
from neurocomp.snn.neurons import NoMembrane
from neurocomp.snn.oracle import simulate
from tests.ann.net import Net, samples

STEPS = 32
CHIP = Target(
    name="chip",
    title="8 bits",
    compartments={},
    threshold_per="neuron",
    max_delay_steps=None,
    synapse_bits=8,
    arithmetic=Arithmetic(
        weight_bits=8,
        weight_exponent=6,
        threshold_bits=17,
        threshold_exponent=6,
        bias_bits=13,
        bias_exponent_max=7,
        state_bits=24,
    ),
    core=Core(count=None, limits={}),
    mesh=None,
    sources={},
)


@pytest.mark.parametrize(
    "options", [{"max_pool": "drive"}, {"max_pool": "fir"}, {"spikes": "poisson"}, {"clamp": 2}]
)
def test_integers_stay_close_to_the_float_network_and_in_range(options: dict[str, object]) -> None:
    net = Net(4, (1, 8, 8))
    pooled = net.max(net.relu(net.conv(net.x, 4)))
    graph = net.graph(net.linear(net.relu(net.linear(net.flat(pooled), 16)), 5))
    x = samples(graph, 10)
    network = prepare(graph, x, Options(steps=STEPS, **options)).network  # type: ignore[arg-type]
    integer = quantize(network, CHIP, STEPS)
    check(integer.network, STEPS)
    length = network.run_length(STEPS)
    exact = list(simulate(integer.network, {"x": x}, length))
    wanted = list(simulate(network, {"x": x}, length))
    for p in network.populations:
        if p.name == network.readout:
            continue
        rate = np.mean([s.spikes[p.name] for s in exact], axis=0)
        float_rate = np.mean([s.spikes[p.name] for s in wanted], axis=0)
        assert np.abs(rate - float_rate).mean() < 0.04
        if not isinstance(p.neuron, NoMembrane):
            assert max(np.abs(s.peak[p.name]).max() for s in exact) < 2**23
