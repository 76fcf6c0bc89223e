"""One pass over a data set: accuracy against steps and operations, and each layer's precision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.evaluation.advice import advice
from neurocomp.evaluation.curve import Curve, distances, interval, read
from neurocomp.evaluation.layers import Layer, Tally
from neurocomp.frontend.onnx import run_model, to_model
from neurocomp.operations import ann_operations, fan_outs, neuron_updates, synaptic_operations
from neurocomp.readouts import Membrane, Readout
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import simulate

CHUNK = 50  # samples that are simulated side by side
MOST_REPLACED = 500  # samples whose layers are replaced one by one

Observe = Callable[[str, int, int], None]


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
    model, kept = to_model(graph, names), _Kept(names)
    counted = fan_outs(network), fan_outs(network, borders=False)
    for start in range(0, len(samples), CHUNK):
        chunk = samples[start : start + CHUNK]
        values = run_model(model, chunk, [graph.output, *names])
        kept.add(graph, values, _Run(network, chunk, steps, counted), start < MOST_REPLACED)
        observe("evaluate", min(start + CHUNK, len(samples)), len(samples))
    outputs = np.concatenate(kept.outputs)
    wanted = np.argmax(outputs, axis=1) if labels is None else labels
    trace = np.concatenate(kept.traces)
    spent = np.cumsum(np.concatenate(kept.costs, axis=1), axis=2)
    curve = read(trace, spent, wanted, readout or Membrane(), neuron_updates(network))
    parts = {name: np.concatenate(given) for name, given in kept.rates.items()}
    few = len(next(iter(parts.values()), samples))
    reached = _replaced(graph, samples[:few], parts, wanted[:few])
    first = float((np.argmax(outputs[:few], axis=1) == wanted[:few]).mean())
    before = dict(zip(names, [first, *reached.values()], strict=False))
    layers = tuple(
        kept.tallies[name].layer(name, reached[name], before[name] - reached[name])
        for name in names
    )
    return Evaluation(
        curve=curve,
        trace=trace,
        spent=spent,
        wanted=wanted,
        layers=layers,
        samples=len(samples),
        labelled=labels is not None,
        ann_right=int((np.argmax(outputs, axis=1) == wanted).sum()),
        ann_operations=ann_operations(graph),
        advice=advice(layers, curve),
    )


def _fires(graph: Graph, name: str) -> bool:
    return graph.index[name].op.role == "neuron"


class _Kept:
    """What is kept of the chunks that were run."""

    def __init__(self, names: Sequence[str]) -> None:
        self.traces: list[Array] = []
        self.costs: list[Array] = []
        self.outputs: list[Array] = []
        self.tallies = {name: Tally() for name in names}
        self.rates: dict[str, list[Array]] = {name: [] for name in names}  # what they stand for

    def add(self, graph: Graph, values: Mapping[str, Array], run: "_Run", replace: bool) -> None:
        """Add a chunk: the trained network's `values`, and its run."""
        count = len(run.trace)
        self.traces.append(run.trace)
        self.costs.append(run.costs)
        self.outputs.append(values[graph.output].reshape(count, -1))
        for name, tally in self.tallies.items():
            unit = np.asarray(graph.units.get(name, np.ones(1))).reshape(-1, 1, 1)
            rates, value = run.rates[name], values[name]
            activations = value.reshape(rates.shape) / unit
            tally.add(activations.reshape(count, -1), rates.reshape(count, -1))
            if replace:
                self.rates[name].append((rates * unit).reshape(value.shape))


class _Run:
    """One chunk's run: the readout's trace, each population's rates, and what its spikes cost."""

    def __init__(
        self, network: Network, chunk: Array, steps: int, counted: Sequence[Mapping[str, Array]]
    ) -> None:
        first = network.population(network.readout).start_step
        away = distances(network)
        self.costs = np.zeros((2, len(chunk), steps))  # at the step when the readout has them
        count = {p.name: np.zeros((len(chunk), *p.shape)) for p in network.populations}
        trace = []
        inputs = {network.inputs[0].name: chunk}
        for step in simulate(network, inputs, network.run_length(steps)):
            if step.t >= first:
                trace.append(step.v[network.readout].reshape(len(chunk), -1))
            for name, far in away.items():
                read = step.t + far - first  # 0 for a spike that the readout's first step gets
                if name == network.readout or read >= steps:
                    continue
                fired = step.spikes[name]
                count[name] += fired
                for n, cost in enumerate(counted):
                    one = synaptic_operations({name: fired}, {name: cost[name]})
                    self.costs[n, :, max(0, read)] += one
        self.trace = np.stack(trace, axis=1).astype(np.float64)
        lengths = {
            p.name: first + steps - away.get(p.name, 0) - p.start_step for p in network.populations
        }
        self.rates = {name: each / max(1, lengths[name]) for name, each in count.items()}


def _replaced(
    graph: Graph, samples: Array, rates: Mapping[str, Array], wanted: Array
) -> dict[str, float]:
    """Give the accuracy with the layers up to each one replaced by what their rates stand for."""
    found: dict[str, float] = {}
    given: dict[str, Array] = {}
    for name, values in rates.items():
        given[name] = values
        output = _resume(graph, samples, given).reshape(len(samples), -1)
        found[name] = float((np.argmax(output, axis=1) == wanted).mean())
    return found


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
