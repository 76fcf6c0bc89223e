"""The engine without the kernel: the oracle's own steps, gathered into the same result."""

from collections.abc import Mapping

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine.result import Keep, Result, packed
from neurocomp.engine.waves import Waves, order
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Network, Projection
from neurocomp.snn.neurons import Accumulator, Graded, Integrating, MaxGate, MaxIntegrateAndFire
from neurocomp.snn.oracle import simulate
from neurocomp.snn.synapses import Dense, Synapse


def run(network: Network, samples: Mapping[str, Array], length: int, keep: Keep) -> Result:
    """Run `samples`, name of an input -> (samples, ...).

    A population after the other where none waits for itself, else step by step.
    """
    notes = _Notes(network, len(next(iter(samples.values()))), length, keep)
    names = order(network)
    if names is None:
        _step_by_step(network, samples, length, notes)
    else:
        waves = Waves(network, samples, length, peaks=keep.peak)
        for name in names:
            _wave(network, name, waves, notes)
    return notes.result()


def _step_by_step(
    network: Network, samples: Mapping[str, Array], length: int, notes: "_Notes"
) -> None:
    """Run all populations side by side: those in a cycle need each other's last step."""
    past: list[Mapping[str, Array]] = []
    longest = max((p.delay_steps for p in network.projections), default=1)
    for step in simulate(network, samples, length):
        for j in network.projections:
            t = step.t - j.delay_steps
            if t >= 1:
                notes.arrived(j, step.t, past[t - step.t][j.source])
        past = [*past, step.spikes][-longest:]
        for name, spikes in step.spikes.items():
            notes.add(name, step.t, spikes, step.v[name], step.peak[name])


def _wave(network: Network, name: str, waves: Waves, notes: "_Notes") -> None:
    """Run one population over all steps."""
    if notes.keep.operations:
        for j in network.into(name):
            for t, spikes in enumerate(waves.arriving(j), start=1):
                notes.arrived(j, t, spikes)
    for t, (spikes, v, peak) in enumerate(waves.run(name), start=1):
        notes.add(name, t, spikes, v, peak)


class _Notes:
    """What is kept of a run."""

    def __init__(self, network: Network, count: int, length: int, keep: Keep) -> None:
        populations = network.populations
        self.keep = keep
        self._network, self._length = network, length
        self._gated = {p.name for p in populations if isinstance(p.neuron, MaxGate)}
        self._fired = {p.name: np.zeros((count, *p.shape), dtype=np.int32) for p in populations}
        self._peak = {p.name: np.zeros(count) for p in populations if p.name not in self._gated}
        self._limits = {
            p.name: p.neuron.membrane
            for p in populations
            if keep.peak and isinstance(p.neuron, Integrating) and p.neuron.membrane is not None
        }
        self._overflows = {n: np.zeros(count, dtype=np.int64) for n in self._limits}
        self._fans = [_fan_out(j.synapse) for j in network.projections] if keep.operations else []
        self._operations = {p.name: np.zeros((count, length), dtype=np.int64) for p in populations}
        self._kept: dict[str, list[Array]] = {n: [] for n in (*keep.membranes, network.readout)}
        self._rasters: dict[str, list[Array]] = {n: [] for n in keep.rasters}

    def arrived(self, projection: Projection, t: int, spikes: Array) -> None:
        """Note `spikes`, (samples, *source shape), that arrive in step `t`."""
        target = projection.target
        if self._fans and t >= self._network.population(target).start_step:
            fan = self._fans[self._network.projections.index(projection)]
            self._operations[target][:, t - 1] += (spikes.reshape(len(spikes), -1) != 0) @ fan

    def add(self, name: str, t: int, spikes: Array, v: Array, peak: Array) -> None:
        """Note what the population called `name` did in step `t`."""
        if t <= self._length - self.keep.uncounted.get(name, 0):
            self._fired[name] += spikes != 0
        # v_init is no peak: nothing has been added to it
        if self.keep.peak and name in self._peak and t >= self._network.population(name).start_step:
            top = self._peak[name]
            np.maximum(top, np.abs(peak).reshape(len(top), -1).max(axis=1), out=top)
            if name in self._limits:
                past = self._limits[name].hold(peak) != peak
                self._overflows[name] += past.reshape(len(past), -1).sum(axis=1)
        if name in self._kept:
            self._kept[name].append(v)
        if name in self._rasters:
            self._rasters[name].append(spikes)

    def result(self) -> Result:
        """Give what was asked for."""
        network, keep, populations = self._network, self.keep, self._network.populations
        several = {p.name for p in populations if isinstance(p.neuron, MaxIntegrateAndFire)}
        membranes = {n: v for n, v in self._kept.items() if n not in self._gated | several}
        single = {n: np.stack(v, axis=1) for n, v in membranes.items()}
        graded = {p.name for p in populations if isinstance(p.neuron, Graded)}
        silent = {p.name for p in populations if isinstance(p.neuron, Accumulator)} | graded
        rasters = {n: v for n, v in self._rasters.items() if n not in silent}
        kind = np.int64 if network.integer else np.float64
        return Result(
            network=network,
            readout=single[network.readout],
            counts=self._fired if keep.counts else {},
            operations=self._operations if keep.operations else {},
            peak={n: v.astype(kind) for n, v in self._peak.items()} if keep.peak else {},
            rasters={n: packed(np.stack(v, axis=1)) for n, v in rasters.items()},
            membranes={n: v for n, v in single.items() if n in keep.membranes},
            overflows=self._overflows,
            messages={n: np.stack(v, axis=1) for n, v in self._rasters.items() if n in graded},
        )


def _fan_out(synapse: Synapse) -> Array:
    """Count the synapses of each source neuron, int64 (neurons,)."""
    channels, rows, columns = synapse.pre_shape
    if isinstance(synapse, Dense):
        return np.full(channels * rows * columns, len(synapse.weight), dtype=np.int64)
    edges = synapse.edges(whole(synapse.post_shape))
    return np.bincount(edges.pre, minlength=channels * rows * columns)
