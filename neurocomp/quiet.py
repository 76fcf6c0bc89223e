"""What rate 1 stands for in channels that hardly fire.

A channel that was silent on the samples has no range of its own. With the layer's, its spikes would
have weights that dwarf those of all other channels where its value is amplified behind it (a batch
normalisation divides a channel that never varied by sqrt(epsilon)): they would take up the levels
of the chip's weights and the bits of its membranes, and be used hardly ever.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.ann.linear import paths, readout_value, sources, spiking
from neurocomp.ann.order import reordered
from neurocomp.arrays import Array, readonly
from neurocomp.snn.coupling import coupling

LEAST_SHARE = 1 / 8  # of the layer's range: a channel of less is quiet


def spread(
    graph: Graph, ranges: Mapping[str, Array], common: Mapping[str, Array]
) -> Mapping[str, Array]:
    """Give what rate 1 stands for in each value, (channels,), from its `ranges`.

    `common` is what nearly all of a channel's values stay within, zeros too: where that is less
    than LEAST_SHARE of the layer's range the channel is quiet. It first gets at least that share,
    one that was silent the layer's range, so that the weights into it stay small. Where those out
    of it are then greater than any of the channels that are not quiet, the range falls until they
    are not, or until those into it stick out as much; but never below what is common.
    """
    first = {name: _raised(found) for name, found in ranges.items()}
    quiet = {n: common[n] < LEAST_SHARE * ranges[n].max(initial=0) for n in first}
    into = {n: np.zeros(len(u)) for n, u in first.items()}  # how far weights stick out
    out = {n: np.zeros(len(u)) for n, u in first.items()}
    for source, target, most in _weights(graph, first, quiet):
        if target in quiet:
            into[target] = np.maximum(into[target], _beside(most.max(axis=1), ~quiet[target]))
        if source in quiet:
            out[source] = np.maximum(out[source], _beside(most.max(axis=0), ~quiet[source]))
    units = {}
    for name, unit in first.items():
        fallen = np.maximum(common[name], unit * _factor(into[name], out[name]))
        units[name] = readonly(np.where(quiet[name], np.minimum(unit, fallen), unit))
    return units


def _raised(found: Array) -> Array:
    most = float(found.max(initial=0))
    raised: Array = np.where(found > 0, np.maximum(found, LEAST_SHARE * most), most)
    return raised


def _weights(
    graph: Graph, units: Mapping[str, Array], quiet: Mapping[str, Array]
) -> Iterator[tuple[str, str, Array]]:
    """Give source, target and greatest weights between rates, where either has quiet channels."""
    graph, _ = reordered(graph)
    result = readout_value(graph)
    ends = [(n.name, n.inputs[0]) for n in spiking(graph, result)]
    for target, value in [*ends, ("", result)]:
        asked = {target, *sources(graph, value)}
        if not any(name in quiet and quiet[name].any() for name in asked):
            continue
        for path in paths(graph, value):
            most = coupling(path.synapse)
            most = most * _known(units, path.source)
            yield path.source, target, most / np.reshape(_known(units, target), (-1, 1))


def _known(units: Mapping[str, Array], name: str) -> Array:
    """Give the units of a value; of a layer that was silent altogether 1, as the passes do."""
    found = np.asarray(units.get(name, 1.0))
    return np.where(found > 0, found, 1.0)


def _beside(weights: Array, loud: Array) -> Array:
    """Give each channel's greatest weight as a share of the greatest of the `loud` ones."""
    most = float(weights[loud].max(initial=0))
    beside: Array = weights / most if most else np.zeros(len(weights))
    return beside


def _factor(into: Array, out: Array) -> Array:
    """Give what a unit falls to: out * factor = 1, or into / factor where that is more."""
    over = np.maximum(out, 1)
    balanced = np.sqrt(into / over)
    factor: Array = np.minimum(1, np.maximum(1 / over, balanced))
    return factor
