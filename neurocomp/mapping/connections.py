"""What a chip's connections cannot express, and what would have to change."""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from neurocomp.errors import UnsupportedError
from neurocomp.hw.target import Target
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.demand import out_of
from neurocomp.mapping.grid import Grid, grids
from neurocomp.mapping.regular import Regular
from neurocomp.snn.network import Network
from neurocomp.snn.synapses import Conv, Sparse, Synapse

REMEDIES = {
    "inputs": "make the samples smaller",
    "fan_in": "make the window smaller, or prune the layer",
    "fan_out": "prune the layers that read it",
    "cores": "make the layers that read it fit that many cores, or copy its spikes by relays",
    "weights": "quantize the layer to so few values, or repeat axons of other types",
}


def connection_problems(network: Network, target: Target) -> Iterator[UnsupportedError]:
    """Say what the target's connections cannot express; the cores of a neuron depend on the cut."""
    inputs = sum(prod(i.shape) for i in network.inputs)
    yield from _problem(target, "inputs", "the input", inputs, "has {} values")
    counts = Counts()
    rounded = target.arithmetic is None or network.integer  # else weights are not yet what they are
    for p in network.populations:
        into = [j.synapse for j in network.into(p.name)]
        alone = grids(p.shape)[-1]
        if "fan_in" in target.connections:
            each = [counts.of(s).fan_in(alone).max() for s in into]
            most = sum(map(int, each))
            yield from _problem(target, "fan_in", p.name, most, "has neurons with {} inputs")
        if "fan_out" in target.connections:
            most = sum(fan_out(counts, j.synapse) for j in out_of(network, p.name))
            wrong = "has neurons with {} synapses out of them"
            yield from _problem(target, "fan_out", p.name, most, wrong)
        if "weights" in target.connections and rounded:
            most = sum(distinct_weights(s) for s in into)
            yield from _problem(
                target, "weights", p.name, most, "has neurons with {} distinct weights"
            )


def refuse_spread(network: Network, target: Target, cut: Mapping[str, Grid]) -> None:
    """Raise UnsupportedError where a neuron's spikes go to more cores than the target can say."""
    if "cores" not in target.connections:
        return
    counts = Counts()
    for p in network.populations:
        alone = grids(p.shape)[-1]
        each = [counts.of(j.synapse).targets(alone, cut[j.target]) for j in out_of(network, p.name)]
        most = int(np.max(sum(each, start=np.zeros(alone.shape, dtype=np.int64))))
        for problem in _problem(target, "cores", p.name, most, "has neurons that send to {} cores"):
            raise problem


def fan_out(counts: Counts, synapse: Synapse) -> int:
    """Count the synapses out of the neuron that has most."""
    found = counts.of(synapse)
    if not isinstance(found, Regular):
        return int(np.bincount(found.pre).max(initial=0))
    each = [len(a.taps) if a.reach is None else a.reach.sum(axis=0).max() for a in found.axes]
    return int(prod(each))


def distinct_weights(synapse: Synapse) -> int:
    """Count the distinct weights, but 0, of the neuron that has most."""
    if isinstance(synapse, Sparse):
        ends = np.unique(np.stack([synapse.post, synapse.weight]), axis=1)
        return int(np.bincount(ends[0][ends[1] != 0].astype(np.int64)).max(initial=0))
    first = synapse.weight.shape[0] if isinstance(synapse, Conv) else len(synapse.weight)
    rows = synapse.weight.reshape(first, -1)
    return max((len(np.unique(row[row != 0])) for row in rows), default=0)


def _problem(
    target: Target, key: str, where: str, found: int, wrong: str
) -> Iterator[UnsupportedError]:
    limit = target.connections.get(key)
    if limit is not None and found > limit:
        text = f"{wrong.format(found)}, {target.name} allows {limit}"
        yield UnsupportedError(where, text, REMEDIES[key])
