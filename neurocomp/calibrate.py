"""Graph + samples -> the range of the input and of every activation.

onnxruntime does the arithmetic. Percentiles are taken over the activations that are not zero
(Rueckauer et al. 2017, section 2.2.2; the authors' toolbox does the same).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Relay
from neurocomp.arrays import Array, readonly
from neurocomp.frontend.onnx import open_session, to_model
from neurocomp.observe import Observe
from neurocomp.ranges import MAXIMUM, Percentile, Rule, knees
from neurocomp.snn.boxes import volume

Granularity = Literal["channel", "layer"]
MOST_KEPT = 2**16  # activations of one channel; of more, evenly spaced ones are kept
BATCH = 32
PERCENTILE = Percentile()
COMMON = 99.9  # percentile of all values of a channel, which tells those that hardly ever fire
LEAST_SEEN = 256  # values of a channel; of fewer its range is not known, and the layer's is taken


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Ranges:
    """The calibrated range of the input, and of each activation what rate 1 shall stand for."""

    low: float
    high: float
    values: Mapping[str, Array]  # activation -> (channels,)
    common: Mapping[str, Array]  # what COMMON % of all, zeros too, stay within
    knees: Mapping[str, Array] = field(default_factory=dict)  # (pieces - 1, channels), as shares


def calibrate(
    graph: Graph,
    samples: Array,
    *,
    rule: Rule = PERCENTILE,
    per: Granularity = "channel",
    headroom: float = 1.0,
    pieces: Mapping[str, int] = MappingProxyType({}),
    observe: Observe = lambda what, done, total: None,
) -> Ranges:
    """Measure `graph` on `samples`, (samples, *input shape).

    Ranges are `headroom` times what was measured: a few samples do not show the greatest
    activation of all that will come. `pieces` says of activations how many neurons share
    their ranges: where those meet is given, too.
    """
    names = [n.name for n in graph.nodes if n.op.role == "neuron"]
    kept: dict[str, list[Array]] = {name: [] for name in names}
    most = {name: np.zeros(volume(graph.shapes[name])[0]) for name in names}
    spacing = {name: _spacing(graph, name, len(samples)) for name in names}
    observe("calibrate", 0, len(samples))
    session = open_session(to_model(graph, names))
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH].astype(np.float32)
        for name, value in zip(
            names, session.run(names or None, {graph.input: batch}), strict=False
        ):
            channels = volume(graph.shapes[name])[0]
            value = np.abs(value) if isinstance(graph.index[name].op, Relay) else value
            flat = np.moveaxis(value.reshape(len(value), channels, -1), 1, 0).reshape(channels, -1)
            # a copy: a view would keep every activation of every batch
            kept[name].append(flat[:, :: spacing[name]].copy())
            most[name] = np.maximum(most[name], flat.max(axis=1))
        observe("calibrate", min(start + BATCH, len(samples)), len(samples))
    seen = {name: np.concatenate(parts, axis=1) for name, parts in kept.items()}
    values = {n: headroom * _range(v, most[n], rule, per) for n, v in seen.items()}
    shared = {n: _knees(seen[n], values[n], count, per) for n, count in pieces.items() if count > 1}
    return Ranges(
        low=float(samples.min()),
        high=float(samples.max()),
        values={name: readonly(found) for name, found in values.items()},
        common={name: readonly(headroom * _common(v)) for name, v in seen.items()},
        knees={name: readonly(found) for name, found in shared.items()},
    )


def _spacing(graph: Graph, name: str, samples: int) -> int:
    _, rows, columns = volume(graph.shapes[name])
    return max(1, samples * rows * columns // MOST_KEPT)


def _range(values: Array, most: Array, rule: Rule, per: Granularity) -> Array:
    """Give the range of the positive activations, (channels,), 0 for a channel without.

    `most` is the greatest of all activations of a channel, of which `values` are some.
    """
    together = _together(values, per)
    if rule == MAXIMUM:
        return np.full(len(most), most.max()) if together else most
    if together:
        return np.full(len(values), rule(values.ravel()))
    return np.array([rule(channel) for channel in values])


def _knees(values: Array, ranges: Array, pieces: int, per: Granularity) -> Array:
    """Give where neurons that share a channel's range meet, (pieces - 1, channels), as shares."""
    if _together(values, per):
        found = knees(values.ravel(), float(ranges.max(initial=0)), pieces)
        return np.repeat(found[:, None], len(values), axis=1)
    each = [knees(v, float(r), pieces) for v, r in zip(values, ranges, strict=True)]
    return np.stack(each, axis=1)


def _together(values: Array, per: Granularity) -> bool:
    """Say whether all channels have the range of the layer."""
    return per == "layer" or _few(values)


def _common(values: Array) -> Array:
    """Give what COMMON % of each channel's values stay within, (channels,)."""
    if _few(values):
        return np.full(len(values), values.max(initial=0))
    common: Array = np.percentile(values, COMMON, axis=1)
    return common


def _few(values: Array) -> bool:
    return bool(values.shape[1] < LEAST_SEEN)
