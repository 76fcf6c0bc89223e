"""One pass over a data set: accuracy against steps and operations, and each layer's precision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.evaluation.advice import advice
from neurocomp.evaluation.curve import Curve, interval, read
from neurocomp.evaluation.layers import Layer, Tally, edges
from neurocomp.evaluation.run import Meter, Run
from neurocomp.evaluation.turning import turning
from neurocomp.frontend.onnx import opened, to_model
from neurocomp.observe import Observe
from neurocomp.operations import ann_operations, neuron_updates
from neurocomp.readouts import Membrane, Readout, classes
from neurocomp.snn.boxes import volume
from neurocomp.snn.network import Network

MOST_REPLACED, LEAST_REPLACED = 500, 8  # samples whose layers are replaced
MOST_WORK = 10**12  # operations that replacing may take, if every sample turns wrong


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Evaluation:
    """What a converted network does on a data set."""

    curve: Curve
    trace: Array  # (samples, steps, classes) the readout's membrane after each step
    spent: Array  # (2, samples, steps) synaptic operations so far, with and without borders
    wanted: Array  # (samples,) the class that is right
    layers: tuple[Layer, ...]  # in running order; the readout is none
    samples: int
    labelled: bool  # "right" is the label's class, else the trained network's
    ann_right: int
    ann_operations: int
    advice: tuple[str, ...]


def evaluate(
    network: Network,
    graph: Graph,
    samples: Array,
    labels: Array | None,
    steps: int,
    readout: Readout | None = None,
    *,
    observe: Observe = lambda what, done, total: None,
) -> Evaluation:
    """Run `network` for `steps` steps on `samples`, (samples, *input shape).

    `graph`, with its units, is what it was converted from. Without `labels` the trained network's
    own classes are the wanted ones.
    """
    names = [p.name for p in network.populations if p.name in graph.index and _fires(graph, p.name)]
    meter, kept = Meter(network, steps, names), _Kept(graph, names, steps)
    run_ann = opened(to_model(graph, names), [graph.output, *names])
    few = min(len(samples), _replaceable(graph, len(names)))
    for start in range(0, len(samples), meter.chunk):
        part = slice(start, start + meter.chunk)
        wanted = None if labels is None else labels[part]
        values, run = run_ann(samples[part]), meter.run(samples[part])
        kept.add(graph, values, run, wanted)
        kept.replace(graph, samples[part], values, run, max(0, few - start), observe)
        observe("evaluate", min(part.stop, len(samples)), len(samples))
    trace, spent = np.concatenate(kept.traces), np.concatenate(kept.costs, axis=1)
    wanted = np.concatenate(kept.wanted)
    curve = read(trace, spent, wanted, readout or Membrane(), neuron_updates(network))
    layers = kept.layers(few)
    return Evaluation(
        curve=curve,
        trace=trace,
        spent=spent,
        wanted=wanted,
        layers=layers,
        samples=len(samples),
        labelled=labels is not None,
        ann_right=kept.ann_right,
        ann_operations=ann_operations(graph),
        advice=advice(layers, curve),
    )


def measure(
    network: Network,
    samples: Array,
    wanted: Array,
    steps: int,
    readout: Readout | None = None,
    *,
    observe: Observe = lambda what, done, total: None,
) -> Curve:
    """Give the curve alone; `wanted`, (samples,), are the classes that are right."""
    meter = Meter(network, steps)
    runs: list[Run] = []
    for start in range(0, len(samples), meter.chunk):
        runs.append(meter.run(samples[start : start + meter.chunk]))
        observe("run", min(start + meter.chunk, len(samples)), len(samples))
    trace = np.concatenate([r.trace for r in runs])
    spent = np.concatenate([r.spent for r in runs], axis=1)
    return read(trace, spent, wanted, readout or Membrane(), neuron_updates(network))


def _fires(graph: Graph, name: str) -> bool:
    return graph.index[name].op.role == "neuron"


def _replaceable(graph: Graph, layers: int) -> int:
    """Count the samples whose layers are replaced: to bisect one takes half a pass each time."""
    each = ann_operations(graph) * (1 + np.log2(max(1, layers))) / 2
    return max(LEAST_REPLACED, min(MOST_REPLACED, int(MOST_WORK / max(1, each))))


class _Kept:
    """What is kept of the chunks that were run."""

    def __init__(self, graph: Graph, names: Sequence[str], steps: int) -> None:
        self.traces: list[Array] = []
        self.costs: list[Array] = []
        self.wanted: list[Array] = []
        self.ann_right = 0
        self.tallies = {n: Tally(unit=_unit(graph, n), edges=edges(steps)) for n in names}
        self.replaced_right = dict.fromkeys(("", *names), 0)  # "" is the trained network

    def add(
        self, graph: Graph, values: Mapping[str, Array], run: Run, labels: Array | None
    ) -> None:
        """Add a chunk: the trained network's `values`, and its run."""
        self.traces.append(run.trace)
        self.costs.append(run.spent)
        given = classes(values[graph.output])
        self.wanted.append(given if labels is None else labels)
        self.ann_right += int((given == self.wanted[-1]).sum())
        for name, tally in self.tallies.items():
            tally.add(values[name], run.rates[name])

    def replace(
        self,
        graph: Graph,
        samples: Array,
        values: Mapping[str, Array],
        run: Run,
        most: int,
        observe: Observe,
    ) -> None:
        """Replace layers of the last chunk's first `most` samples, one more at a time."""
        few, names = slice(0, min(most, len(samples))), list(self.tallies)
        if not few.stop or not names:
            return
        wanted = self.wanted[-1][few]

        def right(layers: int, which: Array) -> Array:
            given = {}
            for name in names[:layers]:
                stand = run.rates[name][which] * _unit(graph, name).reshape(-1, 1, 1)
                given[name] = stand.reshape(values[name][which].shape)
            found: Array = classes(_resume(graph, samples[which], given)) == wanted[which]
            return found

        def seen(done: int) -> None:
            observe(f"layers of {few.stop} samples", done, (len(names) + 1) * few.stop)

        unreplaced = classes(values[graph.output][few]) == wanted
        found = turning(len(names), unreplaced, right, seen)
        for name, each in zip(self.replaced_right, found, strict=True):
            self.replaced_right[name] += int(each.sum())

    def layers(self, replaced: int) -> tuple[Layer, ...]:
        """Give every layer, of whose samples so many were replaced."""
        share = {name: right / replaced for name, right in self.replaced_right.items()}
        before = dict(zip(self.tallies, share.values(), strict=False))
        return tuple(
            tally.layer(name, share[name], before[name] - share[name])
            for name, tally in self.tallies.items()
        )


def _unit(graph: Graph, name: str) -> Array:
    """Give what a rate of 1 stands for, (channels,)."""
    return np.asarray(graph.units.get(name, np.ones(volume(graph.shapes[name])[0])))


def _resume(graph: Graph, samples: Array, given: Mapping[str, Array]) -> Array:
    """Compute the output with some values given; what only they need is not computed."""
    needed, read = {graph.output}, []
    for node in reversed(graph.nodes):
        if node.name in needed and node.name not in given:
            needed.update(node.inputs)
            read.append(node)
    values: dict[str, Array] = {graph.input: samples, **given}
    for node in reversed(read):
        values[node.name] = node.op.run(*(values[i] for i in node.inputs))
    return values[graph.output]


def to_json(found: Evaluation, steps: Sequence[int] | None = None) -> dict[str, Any]:
    """Give the evaluation as JSON values; of the curve `steps`, or all."""
    curve = found.curve
    chosen = steps or range(1, len(curve.right) + 1)
    return {
        "samples": found.samples,
        "labelled": found.labelled,
        "ann": {
            "accuracy": found.ann_right / found.samples,
            "interval": interval(found.ann_right, found.samples),
            "operations": found.ann_operations,
        },
        "curve": [
            {
                "steps": t,
                "accuracy": float(curve.accuracy[t - 1]),
                "interval": interval(int(curve.right[t - 1]), curve.samples),
                "operations": float(curve.operations[t - 1]),
                "operations_without_borders": float(curve.operations_without_borders[t - 1]),
                "neuron_updates": t * curve.neuron_updates,
            }
            for t in chosen
        ],
        "layers": [
            {
                "name": layer.name,
                "neurons": layer.neurons,
                "pearson": layer.pearson if np.isfinite(layer.pearson) else None,
                "rms": layer.rms,
                "saturated": layer.saturated,
                "dead": layer.dead,
                "accuracy": layer.accuracy,
                "loss": layer.loss,
            }
            for layer in found.layers
        ],
        "advice": list(found.advice),
    }
