"""Runs that are measured: the readout at every step, rates, and what spikes cost so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine import Engine, Keep, Result, load
from neurocomp.evaluation.curve import distances
from neurocomp.operations import fan_outs
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, Graded
from neurocomp.snn.synapses import Dense

BUDGET_BYTES = 2**29  # of a chunk's run


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Run:
    """One chunk of samples."""

    trace: Array  # (samples, steps, classes) the readout's membrane after each step
    spent: Array  # (2, samples, steps) synaptic operations so far, with and without borders
    rates: Mapping[str, Array]  # population -> (samples, channels, rows, columns)


class Meter:
    """A network that is ready to run, with meters on it.

    A spike counts at the step at which the readout can have it; one that cannot arrive any more
    neither counts nor enters a rate. What the spikes of a population have cost is a weighted sum
    of them, which is what the membrane of one more accumulator holds; of graded neurons each
    message other than 0 is one.
    """

    def __init__(self, network: Network, steps: int, rated: Sequence[str] = ()) -> None:
        """Measure `steps` steps of the readout, and the rates of the populations `rated`."""
        self._network, self._steps, self._rated = network, steps, tuple(rated)
        self._away = distances(network)
        self._first = network.population(network.readout).start_step
        self._graded = _graded(network, self._away)
        unmetered = {network.readout, *self._graded}
        self._sources = tuple(n for n in self._away if n not in unmetered)
        self._balanced = balanced(network, self._away) and not self._graded
        keep = Keep(
            counts=bool(rated),
            operations=self._balanced,
            membranes=tuple(_meter(n) for n in self._sources),
            rasters=tuple(self._graded),
            uncounted={n: self._away[n] for n in rated if n in self._away},
        )
        made = metered(network, self._sources, borders=not self._balanced)
        length = network.run_length(steps)
        self._loaded = load(made, length, keep, budget_bytes=BUDGET_BYTES)
        self.chunk = self._loaded.chunk

    @property
    def engine(self) -> Engine:
        """Say which engine runs."""
        return self._loaded.engine

    def run(self, samples: Array) -> Run:
        """Run `samples`, (samples, *input shape), at most `chunk` of them."""
        found = self._loaded.run({self._network.inputs[0].name: samples})
        trace = found.readout[:, self._first - 1 :].reshape(len(samples), self._steps, -1)
        return Run(
            trace=trace.astype(np.float64),
            spent=self._spent(found, len(samples)),
            rates={name: self._rates(name, found.counts[name]) for name in self._rated},
        )

    def _spent(self, found: Result, count: int) -> Array:
        spent = np.zeros((2, count, self._steps))
        for name in self._sources:
            cost = found.membranes[_meter(name)].reshape(count, -1, 1 + (not self._balanced))
            for kind, each in zip((1, 0), cost.transpose(2, 0, 1), strict=False):
                spent[kind] += self._read(each, self._first - self._away[name])
        for name, costs in self._graded.items():
            messages = found.messages[name].reshape(count, -1, costs.shape[1]) != 0
            for kind, each in enumerate(costs):
                sent = np.cumsum(messages @ each, axis=1)
                spent[kind] += self._read(sent, self._first - self._away[name] - 1)
        for name in self._away if self._balanced else ():
            arrived = np.cumsum(found.operations[name], axis=1)
            spent[0] += self._read(arrived, self._first - self._away[name] - 1)
        return spent

    def _read(self, each: Array, place: int) -> Array:
        """Give `each`, (samples, steps of the run), from `place` on, for the readout's steps."""
        early = np.zeros((len(each), max(0, -place)))
        whole: Array = np.concatenate([early, each[:, max(0, place) :]], axis=1)
        return whole[:, : self._steps]

    def _rates(self, name: str, counts: Array) -> Array:
        if name not in self._away:
            return np.zeros(counts.shape)
        start = self._network.population(name).start_step
        return counts / max(1, self._first + self._steps - self._away[name] - start)


def _graded(network: Network, away: Mapping[str, int]) -> dict[str, Array]:
    """Give what a message of each graded neuron costs, (2, neurons), with and without borders."""
    names = [n for n in away if isinstance(network.population(n).neuron, Graded)]
    exact, plain = fan_outs(network), fan_outs(network, borders=False)
    return {n: np.stack([exact[n].ravel(), plain[n].ravel()]).astype(float) for n in names}


def balanced(network: Network, away: Mapping[str, int]) -> bool:
    """Say whether every spike arrives in a population that is active, on a way of one length.

    Then the operations at arrival, which the engine counts, are those of the spikes.
    """
    return all(
        j.source in away
        and j.target in away
        and away[j.source] == away[j.target] + j.delay_steps
        and network.population(j.source).start_step + j.delay_steps
        >= network.population(j.target).start_step
        for j in network.projections
    )


def metered(network: Network, sources: Sequence[str], *, borders: bool) -> Network:
    """Give `network` with a meter for each of `sources`: what its spikes cost, without borders.

    With `borders`, a second neuron of each meter counts them, too.
    """
    kind = np.int64 if network.integer else np.float64
    counted = [fan_outs(network, borders=False)]
    counted += [fan_outs(network)] if borders else []
    zero = np.zeros((len(counted), 1, 1), dtype=kind)
    meters = tuple(
        Population(name=_meter(n), shape=zero.shape, neuron=Accumulator(), v_init=zero, bias=zero)
        for n in sources
    )
    wires = tuple(
        Projection(
            source=n,
            target=_meter(n),
            synapse=Dense(
                weight=np.stack([each[n].ravel() for each in counted]).astype(kind),
                pre_shape=network.population(n).shape,
                post_shape=zero.shape,
            ),
        )
        for n in sources
    )
    return replace(
        network,
        populations=(*network.populations, *meters),
        projections=(*network.projections, *wires),
    )


def _meter(name: str) -> str:
    return f"cost of {name}"
