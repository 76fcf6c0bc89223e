"""The step-by-step simulator: short, obvious, the meaning of the representation.

Every other simulator must give the same spikes, to the last one.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import Graded, MaxGate
from neurocomp.snn.synapses import Window


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Step:
    """What every population did in one step."""

    t: int  # from 1
    spikes: Mapping[str, Array]  # bool, or int64 of graded neurons (samples, *population shape)
    v: Mapping[str, Array]  # (samples, channels, rows, columns); of taps, one more axis
    peak: Mapping[str, Array]  # before the reset, as v


def constant_drive(network: Network, samples: Mapping[str, Array]) -> dict[str, Array]:
    """Give what each population gets at every step, (samples, *drive shape): bias and current."""
    count = len(next(iter(samples.values())))
    dtype = np.int64 if network.integer else np.float64
    drive: dict[str, Array] = {
        p.name: np.broadcast_to(p.bias, (count, *p.bias.shape)).astype(dtype)
        for p in network.populations
    }
    prepared = {i.name: i.prepare(samples[i.name]) for i in network.inputs}
    for current in network.currents:
        steady = current.drive(prepared[current.source]).astype(dtype)
        drive[current.target] = drive[current.target] + steady
    return drive


def simulate(network: Network, samples: Mapping[str, Array], length: int) -> Iterator[Step]:
    """Run all samples side by side for `length` steps and give each step.

    `samples` maps each input's name to (samples, ...).
    """
    constant = constant_drive(network, samples)
    count = len(next(iter(constant.values())))
    state = {p.name: _rest(network, p, count) for p in network.populations}
    longest = max((p.delay_steps for p in network.projections), default=1)
    silent = {p.name: _silence(p, count) for p in network.populations}
    past: deque[Mapping[str, Array]] = deque([silent] * longest, maxlen=longest)
    for t in range(1, length + 1):
        spikes, peak = dict(silent), dict(state)
        for p in network.populations:
            if t >= p.start_step:
                drive = _drive(network, p, past, constant[p.name])
                if not isinstance(p.neuron, MaxGate):
                    peak[p.name] = state[p.name] + drive
                state[p.name], spikes[p.name] = p.neuron.step(state[p.name], drive)
        past.append(spikes)
        yield Step(t=t, spikes=spikes, v=dict(state), peak=peak)


def _rest(network: Network, population: Population, count: int) -> Array:
    """Give every sample's state before the first step: v_init, or a gate that knows no spikes."""
    if isinstance(population.neuron, MaxGate):
        return population.neuron.estimate.rest((count, *network.drive_shape(population)))
    return np.broadcast_to(population.v_init, (count, *population.v_init.shape))


def _silence(population: Population, count: int) -> Array:
    """Give what every sample's neurons send while they do nothing."""
    kind = np.int64 if isinstance(population.neuron, Graded) else bool
    return np.zeros((count, *population.shape), dtype=kind)


def _drive(
    network: Network, population: Population, past: deque[Mapping[str, Array]], constant: Array
) -> Array:
    drive: Array = constant
    for p in network.into(population.name):
        arrived = p.synapse.apply(past[-p.delay_steps][p.source])
        if isinstance(p.synapse, Window):
            return arrived
        drive = drive + (arrived * 2**p.weight_exponent).astype(constant.dtype)
    return drive


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Recording:
    """Every spike of a run, and the readout's membrane."""

    spikes: Mapping[str, Array]  # as in Step, (samples, steps, channels, rows, columns)
    readout: Array  # (samples, steps, channels, rows, columns), after each step


def record(network: Network, samples: Mapping[str, Array], length: int) -> Recording:
    """Run `length` steps and keep every spike."""
    spikes: dict[str, list[Array]] = {p.name: [] for p in network.populations}
    readout = []
    for step in simulate(network, samples, length):
        for name, fired in step.spikes.items():
            spikes[name].append(fired)
        readout.append(step.v[network.readout])
    del spikes[network.readout]
    return Recording(
        spikes={name: np.stack(fired, axis=1) for name, fired in spikes.items()},
        readout=np.stack(readout, axis=1),
    )
