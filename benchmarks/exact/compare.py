"""Count where the engine differs from the oracle: every spike and every membrane, no tolerance."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurocomp.engine import Keep, Result, simulate, spikes
from neurocomp.snn import oracle
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import MaxGate, MaxIntegrateAndFire

Array = np.ndarray
GROUP_BYTES = 2**30  # of membranes that one run of the engine keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was compared, and what was not the same."""

    neurons: int
    spikes: int  # that the oracle fired
    values: int  # spikes or their absence, membranes, counts, peaks, each compared with ==
    mismatches: Mapping[str, int]  # population -> values that differ


class Oracle:
    """A run of the oracle, on disk: a membrane at every step of VGG-16 is gigabytes."""

    def __init__(
        self, network: Network, samples: Mapping[str, Array], length: int, folder: Path
    ) -> None:
        """Run the oracle and keep what it did in `folder`."""
        self.fired: dict[str, Array] = {}  # (samples, steps, *shape)
        self.v: dict[str, Array] = {}  # as fired; not of taps
        self.peak: dict[str, Array] = {}  # (samples,)
        for step in oracle.simulate(network, samples, length):
            for i, p in enumerate(network.populations):
                self._keep(self.fired, folder / f"{i}.fired.npy", p, step.spikes, step.t, length)
                if not has_taps(p):
                    self._keep(self.v, folder / f"{i}.v.npy", p, step.v, step.t, length)
                if step.t >= p.start_step and not isinstance(p.neuron, MaxGate):
                    reached = np.abs(step.peak[p.name]).reshape(len(step.peak[p.name]), -1)
                    before = self.peak.get(p.name, 0)
                    self.peak[p.name] = np.maximum(before, reached.max(axis=1))

    @staticmethod
    def _keep(
        kept: dict[str, Array],
        path: Path,
        p: Population,
        values: Mapping[str, Array],
        t: int,
        length: int,
    ) -> None:
        value = values[p.name]
        if p.name not in kept:
            shape = (len(value), length, *value.shape[1:])
            kept[p.name] = np.lib.format.open_memmap(
                path, mode="w+", dtype=value.dtype, shape=shape
            )
        kept[p.name][:, t - 1] = value


def has_taps(p: Population) -> bool:
    """Say whether a population's state is one number a tap of a window, not one a neuron."""
    return isinstance(p.neuron, MaxGate | MaxIntegrateAndFire)


def compare(
    network: Network, samples: Mapping[str, Array], length: int, levels: tuple[str, ...]
) -> dict[str, Compared]:
    """Run the oracle once, and the engine with each build of its kernel, and count differences."""
    count = len(next(iter(samples.values())))
    with tempfile.TemporaryDirectory() as folder:
        wanted = Oracle(network, samples, length, Path(folder))
        found: dict[str, Compared] = {}
        for level in levels:
            wrong, values = dict.fromkeys((p.name for p in network.populations), 0), 0
            for group in groups(network, count * length * 8):
                names = tuple(p.name for p in group)
                keep = Keep(
                    operations=False,
                    peak=True,
                    rasters=names,
                    membranes=tuple(p.name for p in group if not has_taps(p)),
                )
                made = simulate(network, samples, length, keep=keep, level=level)
                for p in group:
                    for ours, its in pairs(network, made, wanted, p):
                        if ours.shape != its.shape:
                            raise ValueError(f"{p.name}: {ours.shape}, the oracle {its.shape}")
                        wrong[p.name] += int((ours != its).sum())
                        values += its.size
            found[level] = Compared(
                neurons=sum(int(np.prod(p.shape)) for p in network.populations),
                spikes=sum(int((f != 0).sum()) for f in wanted.fired.values()),
                values=values,
                mismatches=wrong,
            )
        return found


def pairs(
    network: Network, made: Result, wanted: Oracle, p: Population
) -> Iterator[tuple[Array, Array]]:
    """Give what the engine has of a population, and beside it what the oracle has."""
    fired = wanted.fired[p.name]
    yield made.counts[p.name], (fired != 0).sum(axis=1)
    if p.name in made.rasters or p.name in made.messages:
        yield spikes(made, p.name), fired
    if p.name in made.membranes:
        yield made.membranes[p.name], wanted.v[p.name]
    if p.name in wanted.peak:
        yield made.peak[p.name], wanted.peak[p.name]
    if p.name == network.readout:
        yield made.readout, wanted.v[p.name]


def groups(network: Network, each: int) -> Iterator[list[Population]]:
    """Divide the populations, of `each` bytes a neuron, so that a group stays within bounds."""
    group: list[Population] = []
    for p in network.populations:
        size = sum(int(np.prod(q.shape)) for q in (*group, p)) * each
        if group and size > GROUP_BYTES:
            yield group
            group = []
        group.append(p)
    yield group
