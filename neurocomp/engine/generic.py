"""The engine without the kernel: the oracle's own steps, gathered into the same result."""

from collections.abc import Mapping

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine.result import Keep, Result, packed
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Accumulator, Graded, MaxGate, MaxIntegrateAndFire
from neurocomp.snn.oracle import Step, simulate
from neurocomp.snn.synapses import Dense, Synapse


def run(network: Network, samples: Mapping[str, Array], length: int, keep: Keep) -> Result:
    """Run `samples`, name of an input -> (samples, ...), step by step."""
    count = len(next(iter(samples.values())))
    fired = {p.name: np.zeros((count, *p.shape), dtype=np.int32) for p in network.populations}
    gated = {p.name for p in network.populations if isinstance(p.neuron, MaxGate)}
    peak = {p.name: np.zeros(count) for p in network.populations if p.name not in gated}
    fans = [_fan_out(p.synapse) for p in network.projections] if keep.operations else []
    past: list[Mapping[str, Array]] = []
    operations = {p.name: np.zeros((count, length), dtype=np.int64) for p in network.populations}
    several = {p.name for p in network.populations if isinstance(p.neuron, MaxIntegrateAndFire)}
    kept: dict[str, list[Array]] = {n: [] for n in (*keep.membranes, network.readout)}
    rasters: dict[str, list[Array]] = {n: [] for n in keep.rasters}
    longest = max((p.delay_steps for p in network.projections), default=1)
    for step in simulate(network, samples, length):
        for p, fan in zip(network.projections, fans, strict=False):
            t = step.t - p.delay_steps
            if t >= 1 and step.t >= network.population(p.target).start_step:
                spikes = past[t - step.t][p.source].reshape(count, -1) != 0
                operations[p.target][:, step.t - 1] += spikes @ fan
        past = [*past, step.spikes][-longest:]
        for n, total in fired.items():
            if step.t <= length - keep.uncounted.get(n, 0):
                total += step.spikes[n] != 0
        _note(network, step, peak, kept, rasters)
    single = {n: np.stack(v, axis=1) for n, v in kept.items() if n not in gated | several}
    graded = {p.name for p in network.populations if isinstance(p.neuron, Graded)}
    silent = {p.name for p in network.populations if isinstance(p.neuron, Accumulator)} | graded
    kind = np.int64 if network.integer else np.float64
    return Result(
        network=network,
        readout=single[network.readout],
        counts=fired if keep.counts else {},
        operations=operations if keep.operations else {},
        peak={n: v.astype(kind) for n, v in peak.items()} if keep.peak else {},
        rasters={n: packed(np.stack(v, axis=1)) for n, v in rasters.items() if n not in silent},
        membranes={n: v for n, v in single.items() if n in keep.membranes},
        messages={n: np.stack(v, axis=1) for n, v in rasters.items() if n in graded},
    )


def _note(
    network: Network,
    step: Step,
    peak: Mapping[str, Array],
    kept: Mapping[str, list[Array]],
    rasters: Mapping[str, list[Array]],
) -> None:
    for n, top in peak.items():
        if step.t < network.population(n).start_step:
            continue  # v_init is no peak: nothing has been added to it
        np.maximum(top, np.abs(step.peak[n]).reshape(len(top), -1).max(axis=1), out=top)
    for n, membranes in kept.items():
        membranes.append(step.v[n])
    for n, spikes in rasters.items():
        spikes.append(step.spikes[n])


def _fan_out(synapse: Synapse) -> Array:
    """Count the synapses of each source neuron, int64 (neurons,)."""
    channels, rows, columns = synapse.pre_shape
    if isinstance(synapse, Dense):
        return np.full(channels * rows * columns, len(synapse.weight), dtype=np.int64)
    edges = synapse.edges(whole(synapse.post_shape))
    return np.bincount(edges.pre, minlength=channels * rows * columns)
