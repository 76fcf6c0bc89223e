"""Figures of an evaluation, and what they are drawn from."""

from pathlib import Path

import numpy as np
import pytest

from neurocomp.compiler import Options, Prepared, prepare
from neurocomp.evaluation import evaluate, rasters
from neurocomp.evaluation.layers import edges
from neurocomp.figures import draw
from neurocomp.snn.oracle import record
from tests.ann.net import Net, samples

STEPS = 12


def prepared() -> Prepared:
    net = Net(8, (1, 12, 12))
    hidden = net.relu(net.conv(net.max(net.relu(net.conv(net.x, 4))), 6))
    graph = net.graph(net.linear(net.relu(net.linear(net.flat(hidden), 20)), 5))
    return prepare(graph, samples(graph, 60), Options(steps=STEPS))


def test_a_raster_holds_the_spikes_of_evenly_spaced_neurons() -> None:
    made = prepared()
    x, length = samples(made.graph, 1, seed=3), made.network.run_length(STEPS)
    spikes = record(made.network, {"x": x}, length).spikes
    found = rasters(made.network, x[0], STEPS)
    assert [r.name for r in found] == [n for n in spikes if n != made.network.readout]
    for raster in found:
        fired = spikes[raster.name][0].reshape(length, -1) != 0
        shown = np.unique(np.linspace(0, fired.shape[1] - 1, min(100, fired.shape[1])).astype(int))
        assert np.array_equal(raster.fired, fired[:, shown])
        assert (raster.neurons, raster.rate) == (fired.shape[1], fired.mean())
    assert found[0].fired.shape == (length, 100) and found[0].neurons == 400


@pytest.mark.parametrize("steps", [1, 7, 16, 32, 64, 100, 1000])
def test_every_bin_holds_as_many_rates(steps: int) -> None:
    ends = edges(steps)
    assert np.ptp(np.diff(ends)) < 1e-9 and len(ends) <= 51 and ends[-1] > 1.4
    bins = np.digitize(np.arange(steps + 1) / steps, ends)
    each = np.bincount(bins)[1:]
    assert (each[: bins[-1] - 1] == each[0]).all(), "bins hold as many rates each"


def test_histograms_count_every_activation_and_rate_within_their_bins() -> None:
    made = prepared()
    x = samples(made.graph, 30, seed=4)
    layer = evaluate(made.network, made.graph, x, None, STEPS).layers[0]
    values = made.graph.run(x)[layer.name]
    wanted, _ = np.histogram(values, layer.plain_edges)
    assert np.array_equal(layer.plain, wanted)
    divided = values / layer.range.reshape(-1, 1, 1)
    assert np.array_equal(layer.activations, np.histogram(divided, layer.edges)[0])
    assert layer.rates.sum() == values.size


def test_all_figures_are_drawn(tmp_path: Path) -> None:
    made = prepared()
    x = samples(made.graph, 10, seed=5)
    found = evaluate(made.network, made.graph, x, None, STEPS)
    drawn = draw(found, rasters(made.network, x[0], STEPS), tmp_path / "figures")
    names = ["error_operations", "error_steps", "correlation", "histograms", "raster"]
    assert [path.stem for path in drawn] == names
    assert all(path.stat().st_size > 5000 for path in drawn)
