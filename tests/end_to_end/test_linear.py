"""Inverted bottlenecks, depthwise, with residual sums and ReLU6; linear values are relayed."""

from pathlib import Path

import numpy as np
import pytest

from neurocomp.build import emit
from neurocomp.comparison import compare
from neurocomp.compiler import Linear, Options, compile, prepare
from neurocomp.errors import UnsupportedError
from neurocomp.hw.read import load_target
from neurocomp.quantize import quantize
from neurocomp.simulation import run
from neurocomp.snn.check import check as check_network
from neurocomp.snn.pairs import other_half
from neurocomp.snn.relays import relayed
from tests.end_to_end.exact import check, need, samples
from tests.passes.test_relay_linear import bottlenecks
from tests.passes.test_sum_in_parts import chip, net
from tests.quantize.test_quantize import TOP, check_proof

STEPS = 12


@pytest.mark.parametrize(
    ("target", "linear"), [("loihi2", "pairs"), ("ideal", "pairs"), ("ideal", "graded")]
)
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_every_spike_is_equal(target: str, linear: Linear, simulator: str, tmp_path: Path) -> None:
    need(simulator)
    report = check(bottlenecks(1), target, simulator, tmp_path, STEPS, linear)
    assert report is not None
    spikes = {p.name: p.spikes for p in report.populations if "(" in p.name}
    assert len(spikes) == (2 if linear == "graded" else 4)
    assert all(spikes.values())


@pytest.mark.parametrize("simulator", ["brian2", "lava"])
def test_sums_in_parts_are_equal_spike_by_spike(simulator: str, tmp_path: Path) -> None:
    need(simulator)
    graph, options = net(), Options(steps=STEPS)
    program = compile(graph, chip(), samples(graph, 8), options)
    build = emit(program, graph, tmp_path / "build", (simulator,), options)
    given = samples(graph, 2)
    report = compare(program, given, {simulator: run(build, simulator, given)}, np.zeros((2, 1)))
    assert report.exact, report.backends[simulator].first_difference
    spikes = {p.name: p.spikes for p in report.populations if "(part" in p.name}
    assert len(spikes) == 2 * sum("part" in value for value in relayed(program.network))
    assert sum(spikes.values()) > 0


def test_a_chip_without_graded_spikes_says_what_to_do() -> None:
    graph = bottlenecks(1)
    options = Options(steps=STEPS, linear="graded")
    with pytest.raises(UnsupportedError, match=r"loihi2 has no graded neuron.*--linear pairs"):
        compile(graph, load_target("loihi2"), samples(graph, 8), options)


def test_what_a_relay_adds_is_counted() -> None:
    graph = bottlenecks(1)
    made = prepare(graph, samples(graph, 8), Options(steps=STEPS, linear="pairs"))
    found = relayed(made.network)
    assert {n: tuple(r) for n, r in found.items()} == {
        "conv2": ("paired", 216, 1),
        "sum1": ("paired", 216, 1),
    }


def test_the_halves_of_a_pair_keep_one_scale_and_their_range_is_proved() -> None:
    graph = bottlenecks(2)
    made = prepare(graph, samples(graph, 8), Options(steps=STEPS, linear="pairs"))
    found = quantize(made.network, load_target("loihi2"), STEPS)
    network = check_network(found.network, STEPS)
    check_proof(network, TOP["state"], network.run_length(STEPS))
    halves = [p.name for p in network.populations if other_half(network, p.name)]
    assert len(halves) == 6
    for on, off in zip(halves[::2], halves[1::2], strict=True):
        assert np.array_equal(found.scale[on], found.scale[off])
        low, high = network.population(on).bias, network.population(off).bias
        assert np.array_equal(low, -high)
