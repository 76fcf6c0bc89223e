"""Activations whose range several neurons share."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Clip, MaxRelu, Relu
from neurocomp.arrays import Array
from neurocomp.compiler import Options, compile, prepare, with_passes
from neurocomp.engine import simulate
from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import run_model, to_model
from neurocomp.hw.read import load_target
from neurocomp.passes import MaxPoolOnDrive, Normalise, SplitRange
from neurocomp.passes.split_range import MOST_PIECES, SMALL, knees_of, pieces_of, splittable
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import record
from tests.ann.net import Net, samples

STEPS = 32


def net() -> Graph:
    """Give a network with a rectifier, a ceiling, a pool and a dense layer."""
    net = Net(11, (2, 8, 8))
    x = net.relu(net.conv(net.x, 6, pads=(1, 1, 1, 1)))
    x = net.clip(net.conv(x, 6, pads=(1, 1, 1, 1)), 1.5)
    x = net.max(net.relu(net.conv(x, 8)))
    x = net.relu(net.linear(net.flat(x), 20))
    return net.graph(net.linear(x, 4))


def logits(network: Network, x: Array, steps: int) -> Array:
    found = simulate(network, {network.inputs[0].name: x}, network.run_length(steps))
    mean: Array = found.readout[:, -1].reshape(len(x), -1) / steps
    return mean


def test_pieces_stand_in_the_place_of_the_rectifier() -> None:
    graph = MaxPoolOnDrive()(net())
    knees = {n: np.full((2, graph.shapes[n][0]), [[0.25], [0.5]]) for n in splittable(graph)}
    made = SplitRange(knees=knees)(graph)
    kinds = {n.name: type(n.op) for n in made.nodes if "(piece" in n.name and n.op.role == "neuron"}
    assert [kinds[f"relu1 (piece {n})"] for n in (1, 2, 3)] == [Clip, Clip, Relu]
    assert [kinds[f"clip1 (piece {n})"] for n in (1, 2, 3)] == [Clip, Clip, Clip]
    assert [kinds[f"maxpool1 (piece {n})"] for n in (1, 2, 3)] == [MaxRelu] * 3
    last = made.index["clip1 (piece 3)"].op
    assert isinstance(last, Clip)
    assert np.allclose(last.maximum, 1.0)
    assert set(splittable(made)) == set()


def test_the_written_model_computes_the_same() -> None:
    graph = MaxPoolOnDrive()(net())
    knees = {n: np.full((1, graph.shapes[n][0]), 0.3) for n in splittable(graph)}
    x = samples(graph, 5)
    (wanted,) = run_model(to_model(graph), x).values()
    (found,) = run_model(to_model(SplitRange(knees=knees)(graph)), x).values()
    assert np.allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_units_are_the_widths_of_the_pieces_and_give_the_knees_back() -> None:
    graph = MaxPoolOnDrive()(net())
    ranges = {n: np.linspace(1, 2, graph.shapes[n][0]) for n in splittable(graph)}
    plain = Normalise(ranges=ranges)(graph)
    knees = {n: np.array([0.25, 0.5])[:, None] * unit for n, unit in plain.units.items()}
    made = SplitRange(knees=knees)(plain)
    assert not set(plain.units) & set(made.units)
    for name, unit in plain.units.items():
        widths = [made.units[f"{name} (piece {n})"] for n in (1, 2, 3)]
        assert np.allclose(np.sum(widths, axis=0), unit)
        assert np.allclose(knees_of(made.units)[name], knees[name])


def test_a_rectifier_before_a_gate_stays_whole() -> None:
    graph = net()
    assert "relu2" not in splittable(graph)
    assert {"relu1", "clip1", "relu3"} <= splittable(graph)
    made = SplitRange(knees={"relu2": np.full((1, 8), 0.5)})(graph)
    assert made is graph


def test_more_than_ten_pieces_keep_their_order() -> None:
    graph = net()
    knees = {"relu1": np.linspace(0.1, 1.1, 11)[:, None] * np.ones(6)}
    units = SplitRange(knees=knees)(Normalise(ranges={"relu1": np.full(6, 2.0)})(graph)).units
    assert np.allclose(knees_of(units)["relu1"], knees["relu1"])


@pytest.mark.parametrize("max_pool", ["average", "drive"])
def test_the_options_and_the_units_make_the_graph_again(
    max_pool: Literal["average", "drive"],
) -> None:
    graph = net()
    options = Options(steps=STEPS, pieces=3, max_pool=max_pool)
    made = prepare(graph, samples(graph, 8), options).graph
    again = with_passes(graph, options, made.units)
    assert [n.name for n in again.nodes] == [n.name for n in made.nodes]
    assert again.units.keys() == made.units.keys()
    for name, unit in made.units.items():
        assert np.allclose(again.units[name], unit, rtol=1e-6)


def test_more_pieces_bring_rates_closer_at_the_same_steps() -> None:
    graph = net()
    x = samples(graph, 40, seed=3)
    wanted = graph.run(x)[graph.output]
    errors = []
    for pieces in (1, 2, 4):
        options = Options(steps=64, pieces=pieces, max_pool="drive", percentile=100.0, headroom=2.0)
        found = logits(prepare(graph, samples(graph, 40), options).network, x, 64)
        errors.append(float(np.abs(found - wanted).mean()))
    assert errors[1] < 0.75 * errors[0]
    assert errors[2] < 0.75 * errors[1]


@pytest.mark.parametrize(("target", "pool"), [("ideal", "drive"), ("loihi2", "relus")])
def test_the_oracle_and_the_engine_agree(target: str, pool: Literal["drive", "relus"]) -> None:
    graph = net()
    chip = load_target(target)
    options = Options(steps=STEPS, pieces=2, max_pool=pool)
    network = compile(graph, chip, samples(graph, 8), options).network
    x, length = {network.inputs[0].name: samples(graph, 2, seed=5)}, network.run_length(STEPS)
    rasters = record(network, x, length).spikes
    counts = simulate(network, x, length).counts
    upper = [p.name for p in network.populations if p.name.endswith("(piece 2)")]
    assert len(upper) >= 4
    for name, raster in rasters.items():
        if name != network.readout:
            assert np.array_equal(raster.sum(axis=1), counts[name]), name
    assert any(counts[name].any() for name in upper)


def test_small_layers_get_more_pieces_within_their_share_of_all_neurons() -> None:
    net = Net(12, (1, 40, 40))
    x = net.relu(net.conv(net.x, 8, pads=(1, 1, 1, 1)))
    x = net.relu(net.linear(net.flat(x), 40))
    x = net.relu(net.linear(x, 4))
    graph = net.graph(net.linear(x, 2))
    found = pieces_of(graph, 2)
    every = 8 * 40 * 40 + 40 + 4
    assert found == {"relu1": 2, "relu2": 6, "relu3": MOST_PIECES}
    assert found["relu2"] * 40 <= SMALL * every < (found["relu2"] + 1) * 40
    assert pieces_of(graph, 1) == {}


@pytest.mark.parametrize("pieces", [0, -1, MOST_PIECES + 1])
def test_refuses_a_number_of_pieces_that_is_none(pieces: int) -> None:
    graph = net()
    with pytest.raises(ModelError, match=rf"pieces: are {pieces}, from 1 to {MOST_PIECES}"):
        prepare(graph, samples(graph, 4), Options(pieces=pieces))


def test_refuses_pieces_of_no_range() -> None:
    graph = net()
    with pytest.raises(ModelError, match=r"share a range, and there is none.*--ranges percentile"):
        prepare(graph, samples(graph, 4), replace(Options(), pieces=2, ranges="none"))
