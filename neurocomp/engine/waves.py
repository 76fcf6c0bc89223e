"""Populations one after the other, each over all steps: what the generic engine does without loops.

A synapse that is applied to many steps at once costs a few calls of numpy, not one a step, and a
population's spikes are dropped when all that read them have run. The numbers are the oracle's:
the same functions of the same values, which do not depend on the order of adding.
"""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine.schedule import schedule
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.neurons import Graded, MaxGate
from neurocomp.snn.oracle import constant_drive
from neurocomp.snn.synapses import Window

DRIVE_BYTES = 2**26  # of the drive that is computed at once
Trace = tuple[Array, Array, Array]  # spikes, v and peak of one step, as in the oracle's Step


def order(network: Network) -> tuple[str, ...] | None:
    """Give the populations in an order in which each can run to its end; None where there is none.

    Populations in a cycle, and one that reads itself, run step by step.
    """
    groups = schedule(network)
    alone = all(p.source != p.target for p in network.projections)
    return tuple(g[0] for g in groups) if alone and all(len(g) == 1 for g in groups) else None


class Waves:
    """A run, population by population."""

    def __init__(
        self, network: Network, samples: Mapping[str, Array], length: int, *, peaks: bool
    ) -> None:
        """Prepare `samples`, name of an input -> (samples, ...), for `length` steps.

        Without `peaks` what is given for a peak is the membrane before the step.
        """
        self._peaks = peaks
        self._network, self._length = network, length
        self._constant = constant_drive(network, samples)
        self.count = len(next(iter(samples.values())))
        self._sent: dict[str, Array] = {}  # (steps, samples, *population shape)
        self._unread = {p.name: 0 for p in network.populations}
        for j in network.projections:
            self._unread[j.source] += 1

    def run(self, name: str) -> Iterator[Trace]:
        """Give every step of the population called `name`; those that it reads have run."""
        p = self._network.population(name)
        into = self._network.into(name)
        kind = np.int64 if isinstance(p.neuron, Graded) else bool
        sent = np.zeros((self._length, self.count, *p.shape), dtype=kind)
        needed = self._peaks and not isinstance(p.neuron, MaxGate)
        state = self._rest(p)
        for t, drive in enumerate(self._drives(p, into), start=1):
            peak = state
            if drive is not None:
                peak = state + drive if needed else state
                state, sent[t - 1] = p.neuron.step(state, drive)
            yield sent[t - 1], state, peak
        self._close(name, sent, into)

    def arriving(self, j: Projection) -> Array:
        """Give what `j` brings in every step, (steps, samples, *source shape)."""
        return self._between(j, 0, self._length)

    def _close(self, name: str, sent: Array, into: tuple[Projection, ...]) -> None:
        """Keep what `name` sent, and drop what nothing reads any more."""
        self._sent[name] = sent
        for j in into:
            self._unread[j.source] -= 1
        for source in {name, *(j.source for j in into)}:
            if not self._unread[source]:
                del self._sent[source]
        del self._constant[name]

    def _rest(self, p: Population) -> Array:
        if isinstance(p.neuron, MaxGate):
            return p.neuron.estimate.rest((self.count, *self._network.drive_shape(p)))
        return np.broadcast_to(p.v_init, (self.count, *p.v_init.shape))

    def _drives(self, p: Population, into: tuple[Projection, ...]) -> Iterator[Array | None]:
        """Give the drive of every step; None before the population's first one."""
        for _ in range(min(p.start_step - 1, self._length)):
            yield None
        shapes = [p.bias.shape, *(j.synapse.pre_shape for j in into)]
        each = 8 * self.count * max(prod(s) for s in shapes)
        tile = max(1, DRIVE_BYTES // max(1, each))
        for start in range(p.start_step - 1, self._length, tile):
            end = min(start + tile, self._length)
            yield from self._tile(p, into, start, end)

    def _tile(
        self, p: Population, into: tuple[Projection, ...], start: int, end: int
    ) -> Iterator[Array]:
        """Give the drive of the steps from `start` to `end`, counted from 0."""
        drive = constant = self._constant[p.name]
        for j in into:
            sent = self._between(j, start, end)
            flat = j.synapse.apply(sent.reshape(-1, *sent.shape[2:]))
            arrived = flat.reshape(end - start, self.count, *flat.shape[1:])
            if isinstance(j.synapse, Window):
                yield from arrived
                return
            drive = drive + (arrived * 2**j.weight_exponent).astype(constant.dtype)
        yield from np.broadcast_to(drive, (end - start, *constant.shape))

    def _between(self, j: Projection, start: int, end: int) -> Array:
        """Give what arrived by `j` in the steps from `start` to `end`, counted from 0."""
        sent = self._sent[j.source]
        first = start - j.delay_steps
        found = sent[max(0, first) : max(0, end - j.delay_steps)]
        if first >= 0:
            return found
        silent = np.zeros((min(-first, end - start), *sent.shape[1:]), dtype=sent.dtype)
        return np.concatenate([silent, found])
