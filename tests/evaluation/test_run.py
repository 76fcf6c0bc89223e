"""Measured runs, whose meters the engine reads, against the same sums over the oracle's spikes."""

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.evaluation.curve import distances
from neurocomp.evaluation.run import Meter, balanced
from neurocomp.operations import fan_outs, synaptic_operations
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import simulate
from tests.backends.corpus import CORPUS, samples
from tests.programs import program

STEPS = 7
NETWORKS = {**CORPUS, "residual": lambda: program("residual_before_relu").network}


def slowly(network: Network, x: Array, steps: int) -> tuple[Array, Array, dict[str, Array]]:
    """Give trace, operations so far and rates, spike by spike."""
    first = network.population(network.readout).start_step
    away = distances(network)
    counted = fan_outs(network), fan_outs(network, borders=False)
    costs = np.zeros((2, len(x), steps))
    count = {p.name: np.zeros((len(x), *p.shape)) for p in network.populations}
    trace = []
    for step in simulate(network, {network.inputs[0].name: x}, network.run_length(steps)):
        if step.t >= first:
            trace.append(step.v[network.readout].reshape(len(x), -1))
        for name, far in away.items():
            read = step.t + far - first
            if name == network.readout or read >= steps:
                continue
            fired = step.spikes[name]
            count[name] += fired != 0
            for n, cost in enumerate(counted):
                costs[n, :, max(0, read)] += synaptic_operations({name: fired}, {name: cost[name]})
    lengths = {
        p.name: first + steps - away.get(p.name, 0) - p.start_step for p in network.populations
    }
    rates = {name: each / max(1, lengths[name]) for name, each in count.items()}
    return np.stack(trace, axis=1), np.cumsum(costs, axis=2), rates


def assert_same(network: Network, x: Array) -> None:
    rated = [p.name for p in network.populations]
    meter = Meter(network, STEPS, rated)
    found = meter.run(x)
    trace, spent, rates = slowly(network, x, STEPS)
    assert np.array_equal(found.trace, trace)
    assert np.array_equal(found.spent, spent)
    for name in rated:
        assert np.array_equal(found.rates[name], rates[name]), name


@pytest.mark.parametrize("name", NETWORKS)
def test_meters_read_what_the_oracles_spikes_add_up_to(name: str) -> None:
    network = NETWORKS[name]()
    assert_same(network, samples(network))


def test_spikes_that_come_too_early_cost_all_the_same() -> None:
    network = NETWORKS["residual"]()
    late = replace(
        network,
        populations=tuple(
            replace(p, start_step=p.start_step + 3 * n) for n, p in enumerate(network.populations)
        ),
    )
    assert balanced(network, distances(network)) and not balanced(late, distances(late))
    assert_same(late, samples(late))
