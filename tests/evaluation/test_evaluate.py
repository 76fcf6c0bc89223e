"""Evaluation: its sums against sums done slowly, and a conversion made bad on purpose is named."""

from pathlib import Path

import numpy as np
import pytest

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.compiler import Options, Prepared, prepare
from neurocomp.evaluation import evaluate, interval, read, to_json
from neurocomp.evaluation.curve import distances
from neurocomp.frontend.onnx import load
from neurocomp.operations import fan_outs
from neurocomp.readouts import EarlyExit, Membrane
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import record
from tests.ann.net import Net, samples

STEPS = 12
EXAMPLE = Path(__file__).parents[2] / "examples" / "mnist"


def small() -> Graph:
    net = Net(8, (1, 8, 8))
    hidden = net.relu(net.conv(net.max(net.relu(net.conv(net.x, 4))), 6))
    return net.graph(net.linear(net.relu(net.linear(net.flat(hidden), 20)), 5))


def prepared(**options: object) -> tuple[Prepared, Array]:
    graph = small()
    x = samples(graph, 60)
    return prepare(graph, x, Options(steps=STEPS, **options)), x  # type: ignore[arg-type]


def slowly(network: Network, x: Array, steps: int) -> float:
    """Count what a run of exactly `steps` steps costs: every spike that can still arrive."""
    length = network.run_length(steps)
    away = distances(network)
    total = 0.0
    spikes = record(network, {"x": x}, length).spikes
    for name, each in fan_outs(network).items():
        if name != network.readout:
            arriving = spikes[name][:, : length - away[name]]
            total += float((arriving * each).sum())
    return total / len(x)


@pytest.mark.parametrize("clamp", [0, 2])
def test_operations_are_those_of_a_run_of_that_length(clamp: int) -> None:
    made, x = prepared(clamp=clamp)
    found = evaluate(made.network, made.graph, x, None, STEPS)
    for steps in (1, 5, STEPS):
        assert found.curve.operations[steps - 1] == slowly(made.network, x, steps)


def test_classes_of_every_length_come_from_one_run() -> None:
    made, x = prepared()
    found = evaluate(made.network, made.graph, x, None, STEPS)
    for steps in (1, 4, STEPS):
        shorter = record(made.network, {"x": x}, made.network.run_length(steps)).readout
        classes = shorter[:, -1].reshape(len(x), -1).argmax(axis=1)
        assert (found.curve.classes[:, steps - 1] == classes).all()


def test_layers_are_compared_as_numpy_compares_them() -> None:
    made, x = prepared()
    found = evaluate(made.network, made.graph, x, None, STEPS)
    name = found.layers[-1].name
    p = made.network.population(name)
    spikes = record(made.network, {"x": x}, made.network.run_length(STEPS)).spikes[name]
    rates = spikes[:, p.start_step - 1 : p.start_step - 1 + STEPS].mean(axis=1).ravel()
    activations = (made.graph.run(x)[name].reshape(len(x), -1) / made.graph.units[name]).ravel()
    assert found.layers[-1].pearson == pytest.approx(np.corrcoef(rates, activations)[0, 1])
    rms = np.sqrt(((rates - activations) ** 2).mean())
    assert found.layers[-1].rms == pytest.approx(rms, rel=1e-4)
    assert found.layers[-1].saturated == pytest.approx((activations > 1 + 1e-6).mean())


def test_the_last_layer_replaced_is_the_whole_network() -> None:
    made, x = prepared()
    found = evaluate(made.network, made.graph, x, None, STEPS)
    assert found.layers[-1].accuracy == found.curve.accuracy[-1]
    lost = sum(layer.loss or 0 for layer in found.layers)
    assert lost == pytest.approx(1 - found.curve.accuracy[-1])


def test_a_layer_that_clips_is_found_and_the_remedy_named() -> None:
    digits = np.load(EXAMPLE / "digits.npz")
    x, labels = digits["inputs"][:60], digits["labels"][:60]
    graph = load(EXAMPLE / "lenet.onnx")
    calibration = np.load(EXAMPLE / "calibration.npz")["inputs"]
    bad = prepare(graph, calibration, Options(steps=8, percentile=50.0))
    found = evaluate(bad.network, bad.graph, x, labels, 8)
    assert found.ann_right >= 58
    worst = max(found.layers, key=lambda each: each.loss or 0)
    assert worst.name == "relu1" and (worst.loss or 0) > 0.3
    assert found.advice[0].startswith("relu1 loses most: ")
    assert (
        "of its activations exceed what a rate of 1 stands for: raise --percentile"
        in (found.advice[0])
    )
    good = prepare(graph, calibration, Options(steps=8))
    assert not any(
        "percentile" in line for line in evaluate(good.network, good.graph, x, labels, 8).advice
    )


def test_an_early_exit_costs_no_more_than_the_whole_run() -> None:
    made, x = prepared()
    found = evaluate(made.network, made.graph, x, None, STEPS)
    exit_ = EarlyExit(margin=float(np.abs(found.trace).max()) / STEPS / 8)
    early = read(found.trace, found.spent, found.wanted, exit_, 0)
    whole = read(found.trace, found.spent, found.wanted, Membrane(), 0)
    assert early.operations[-1] < whole.operations[-1]
    stops = exit_.stops(found.trace) - 1
    paid = found.spent[0][np.arange(len(x)), stops].mean()
    assert early.operations[-1] == pytest.approx(paid)


@pytest.mark.parametrize(
    ("right", "samples", "low", "high"),
    [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (9_900, 10_000, 0.9879, 0.9918)],
)
def test_intervals_are_wilsons(right: int, samples: int, low: float, high: float) -> None:
    found = interval(right, samples)
    assert found == pytest.approx((low, high), abs=6e-4)


def test_json_holds_every_step_or_those_asked_for() -> None:
    made, x = prepared()
    found = evaluate(made.network, made.graph, x, np.zeros(len(x), dtype=np.int64), STEPS)
    assert [point["steps"] for point in to_json(found)["curve"]] == list(range(1, STEPS + 1))
    assert [point["steps"] for point in to_json(found, [2, 4])["curve"]] == [2, 4]
    assert to_json(found)["labelled"] is True
