"""Everything that the engine gives, compared with the oracle's own steps."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine import Keep, Result, simulate, spikes
from neurocomp.snn import oracle
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Accumulator, MaxGate, MaxIntegrateAndFire


def everything(network: Network) -> Keep:
    names = tuple(p.name for p in network.populations)
    return Keep(peak=True, rasters=names, membranes=names)


def assert_same(
    network: Network, samples: Mapping[str, Array], length: int, **options: Any
) -> Result:
    """Run both and compare every spike, membrane, peak and count of operations with `==`."""
    found = simulate(network, samples, length, keep=everything(network), **options)
    steps = list(oracle.simulate(network, samples, length))
    for p in network.populations:
        fired = np.stack([s.spikes[p.name] for s in steps], axis=1)
        assert np.array_equal(found.counts[p.name], (fired != 0).sum(axis=1)), p.name
        assert np.array_equal(found.operations[p.name], operations(network, p.name, steps)), p.name
        if not isinstance(p.neuron, Accumulator):
            assert np.array_equal(spikes(found, p.name), fired), p.name
        if not isinstance(p.neuron, MaxGate):
            v = np.stack([s.v[p.name] for s in steps], axis=1)
            peak = np.stack([np.abs(s.peak[p.name]) for s in steps], axis=1)
            active = peak[:, p.start_step - 1 :].reshape(len(peak), -1)
            if not isinstance(p.neuron, MaxIntegrateAndFire):
                assert np.array_equal(found.membranes[p.name], v), p.name
                assert found.membranes[p.name].dtype == v.dtype, p.name
            assert np.array_equal(found.peak[p.name], active.max(axis=1, initial=0)), p.name
    expected = np.stack([s.v[network.readout] for s in steps], axis=1)
    assert np.array_equal(found.readout, expected)
    return found


def operations(network: Network, name: str, steps: list[oracle.Step]) -> Array:
    """Count the synapses that spikes arrive at, (samples, steps), by listing them."""
    count = len(steps[0].spikes[name])
    total = np.zeros((count, len(steps)), dtype=np.int64)
    start = network.population(name).start_step
    for p in network.into(name):
        pre = p.synapse.edges(whole(p.synapse.post_shape)).pre
        for step in steps:
            t = step.t - p.delay_steps
            if t >= 1 and step.t >= start:
                flat = steps[t - 1].spikes[p.source].reshape(count, -1)
                total[:, step.t - 1] += (flat[:, pre] != 0).sum(axis=1)
    return total
