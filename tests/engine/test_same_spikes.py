"""The engine gives the oracle's spikes: hand-made, random and converted networks, every build."""

import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurocomp.compiler import Options, compile, in_numbers, prepare
from neurocomp.engine import Keep, active, load, native, simulate, stream
from neurocomp.engine.native import levels
from neurocomp.engine.plan import plan
from neurocomp.errors import BackendError, UnsupportedError
from neurocomp.frontend import onnx
from neurocomp.hw.read import load_target
from neurocomp.quantize import quantize
from neurocomp.snn import oracle
from neurocomp.snn.estimates import Fir
from neurocomp.snn.membrane import Overflow
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Graded, IntegrateAndFire, Integrating
from tests.ann.corpus import CORPUS
from tests.backends.corpus import CORPUS as BACKENDS
from tests.backends.corpus import dense
from tests.backends.corpus import narrow as with_narrow
from tests.backends.corpus import samples as backend_samples
from tests.engine.against import assert_same
from tests.engine.nets import NETS, convolution, gated, recurrent, samples
from tests.snn.strategies import inputs_for, networks

EXAMPLES = Path(__file__).parents[2] / "examples" / "mnist"
BUILDS = (*levels(), "generic")
STEPS = 12


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", NETS)
def test_every_form_gives_the_oracles_numbers(name: str, build: str) -> None:
    network = NETS[name]()
    found = assert_same(network, samples(network, 3), STEPS, level=build, threads=1)
    assert found.counts[network.populations[-2].name].any(), "nothing fires, nothing is compared"


@pytest.mark.parametrize("name", NETS)
def test_no_network_of_ours_falls_back(name: str) -> None:
    plan(NETS[name](), STEPS)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_threads_change_nothing(threads: int, count: int) -> None:
    for network in (convolution(0, (5, 130)), recurrent(1)):
        assert_same(network, samples(network, count), STEPS, threads=threads)


@pytest.mark.parametrize("budget", [0, 20_000, 2**30])
def test_chunks_change_nothing(budget: int) -> None:
    network = convolution(0)
    assert_same(network, samples(network, 5), STEPS, budget_bytes=budget)


def test_tiles_of_steps_change_nothing() -> None:
    for network in (convolution(0), recurrent(1, delay=3)):
        assert_same(network, samples(network, 2), 70, budget_bytes=0)


def test_memory_is_bounded_by_the_budget() -> None:
    network = convolution(0)
    parts = list(stream(network, samples(network, 40), STEPS, budget_bytes=100_000))
    assert len(parts) > 1
    assert sum(len(p.readout) for p in parts) == 40


def test_memory_does_not_grow_with_the_samples() -> None:
    network = convolution(0)
    one = samples(network, 1)

    def most(count: int) -> int:
        many = {
            name: np.broadcast_to(array, (count, *array.shape[1:])) for name, array in one.items()
        }
        tracemalloc.start()
        try:
            for _ in stream(network, many, STEPS, budget_bytes=200_000):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(100)  # what is made once does not count
    assert most(10_000) < most(1_000) + 50_000


@pytest.mark.parametrize("integer", [True, False])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_networks(integer: bool, data: st.DataObject) -> None:
    network = data.draw(networks(integer=integer))
    threads = data.draw(st.integers(1, 2))
    build = data.draw(st.sampled_from(BUILDS))
    assert_same(network, inputs_for(network, 2), 10, threads=threads, level=build)


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDS)
@given(data=st.data())
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_thousand_random_networks(build: str, data: st.DataObject) -> None:
    network = data.draw(networks(most=4))
    assert_same(network, inputs_for(network, 2), 16, level=build)


@pytest.mark.parametrize("target", ["ideal", "loihi1", "loihi2"])
@pytest.mark.parametrize("name", CORPUS)
def test_converted_networks(name: str, target: str) -> None:
    graph = CORPUS[name]()
    random = np.random.default_rng(7)
    x = random.standard_normal((4, *graph.input_shape)).astype(np.float32)
    reference = compile(graph, load_target("ideal"), x, Options(steps=STEPS)).reference
    network = quantize(reference, load_target(target), STEPS).network
    plan(network, network.run_length(STEPS))
    assert_same(network, {network.inputs[0].name: x}, network.run_length(STEPS))


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("chip", [None, "loihi1"])
def test_a_trained_network(chip: str | None, build: str) -> None:
    """The oracle runs a whole LeNet step by step; longer than all other tests of the engine."""
    graph = onnx.load(EXAMPLES / "lenet.onnx")
    digits = np.load(EXAMPLES / "digits.npz")["inputs"].reshape(-1, *graph.input_shape)[:8]
    options = Options(steps=32)
    network = prepare(graph, digits, options).network
    if chip is not None:
        network = in_numbers(network, load_target(chip), digits, options).network
    found = assert_same(network, {network.inputs[0].name: digits}, 32, level=build)
    assert all(found.counts[p.name].any() for p in network.populations[:-1])


def test_membranes_of_64_bits() -> None:
    small = convolution(0)
    wide = tuple(_times(p, 2**36) for p in small.populations)
    network = replace(
        small,
        populations=wide,
        projections=tuple(replace(p, weight_exponent=36) for p in small.projections),
        currents=tuple(replace(c, scale=c.scale * 2.0**36) for c in small.currents),
    )
    plan(network, STEPS)
    assert_same(network, samples(network, 2), STEPS)


def _times(population: object, factor: int) -> object:
    p = population
    neuron = p.neuron  # type: ignore[attr-defined]
    if isinstance(neuron, IntegrateAndFire):
        neuron = replace(neuron, v_threshold=neuron.v_threshold * factor + 1)
    return replace(p, neuron=neuron, v_init=p.v_init * factor, bias=p.bias * factor)  # type: ignore


def test_numbers_off_any_grid_run_without_the_kernel() -> None:
    network = convolution(0)
    off = tuple(
        replace(
            p,
            bias=p.bias + 0.1,
            v_init=p.v_init * 0.3,
            neuron=replace(p.neuron, v_threshold=p.neuron.v_threshold / 3)
            if isinstance(p.neuron, IntegrateAndFire)
            else p.neuron,
        )
        for p in network.populations
    )
    float_network = replace(network, populations=off)
    with pytest.raises(UnsupportedError, match=r"bits"):
        plan(float_network, STEPS)
    assert_same(float_network, samples(float_network, 2), STEPS)


def test_what_is_not_kept_is_absent() -> None:
    network = convolution(0)
    found = simulate(network, samples(network, 2), 4, keep=Keep(counts=False, operations=False))
    assert not (found.counts or found.operations or found.peak or found.rasters or found.membranes)
    assert found.readout.shape == (2, 4, 3, 1, 1)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", NETS)
def test_late_spikes_are_left_out_of_the_counts(name: str, build: str) -> None:
    network = NETS[name]()
    late = {p.name: n % 4 * 3 for n, p in enumerate(network.populations)}
    keep = Keep(operations=False, uncounted=late)
    found = simulate(network, samples(network, 3), STEPS, keep=keep, level=build)
    assert not found.rasters
    for p in network.populations:
        steps = list(oracle.simulate(network, samples(network, 3), STEPS - late[p.name]))
        fired = sum((s.spikes[p.name].astype(int) for s in steps), np.zeros((3, *p.shape), int))
        assert np.array_equal(found.counts[p.name], fired), p.name


def test_a_loaded_network_runs_as_often_as_wanted_and_says_in_which_engine() -> None:
    network = convolution(0)
    x = samples(network, 4)["x"]
    loaded = load(network, STEPS, Keep(peak=True))
    assert loaded.engine == active()
    whole = loaded.run({"x": x})
    parts = [loaded.run({"x": x[i : i + 2]}) for i in (0, 2)]
    assert np.array_equal(whole.readout, np.concatenate([p.readout for p in parts]))
    lacking = load(gated(25, estimate=Fir(weights=(1,) * 33)), STEPS).engine
    assert (lacking.name, bool(lacking.lost)) == ("generic", True)


def test_progress_counts_the_samples() -> None:
    network: Network = convolution(0)
    seen: list[tuple[str, int, int]] = []
    simulate(
        network,
        samples(network, 3),
        4,
        budget_bytes=0,
        observe=lambda what, done, total: seen.append((what, done, total)),
    )
    assert [done for _, done, _ in seen] == [0, 1, 2, 3]
    assert {(what, total) for what, _, total in seen} == {("simulate", 3)}


def test_the_active_engine_says_what_is_lost() -> None:
    engine = active()
    assert (engine.name == "native") == (not engine.lost) == bool(engine.level)


@pytest.mark.parametrize("name", NETS)
def test_without_the_kernel_the_generic_engine_runs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, native.MODULE, None)  # as where nothing was compiled
    assert active().name == "generic"
    assert "the kernel is not compiled (install a C++17 compiler" in active().lost
    network = NETS[name]()
    assert load(network, STEPS).engine == active()
    assert_same(network, samples(network, 2), STEPS)


@pytest.mark.parametrize("name", BACKENDS)
def test_the_networks_that_backends_run(name: str) -> None:
    network = BACKENDS[name]()
    neurons = [p.neuron for p in network.populations]
    graded = any(isinstance(n, Graded) for n in neurons)
    narrow = any(isinstance(n, Integrating) and n.membrane is not None for n in neurons)
    if graded or narrow:
        with pytest.raises(UnsupportedError, match=r"of graded neurons|leave 10 bits"):
            plan(network, STEPS)  # the generic engine runs it
    else:
        plan(network, STEPS)
    assert_same(network, {"x": backend_samples(network)}, STEPS)


def test_a_model_that_the_kernel_lacks_is_run_by_the_generic_engine() -> None:
    network = gated(25, estimate=Fir(weights=tuple(range(33))))
    with pytest.raises(UnsupportedError, match=r"looks back 33 steps, the kernel's most is 32"):
        plan(network, STEPS)
    assert_same(network, samples(network, 2), STEPS)


def test_a_kernel_of_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "INTERFACE", 1000)
    with pytest.raises(BackendError, match=r"kernel: was compiled for interface .*speaks 1000"):
        active()


def test_a_kernel_whose_plan_was_loaded_keeps_no_weights() -> None:
    network = convolution(0)
    kernel = native.load(plan(network, STEPS))
    assert not any(layer.links for layer in kernel.plan.layers)


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_membranes_that_leave_their_bits_run_in_the_generic_engine(overflow: Overflow) -> None:
    network = with_narrow(dense(), 10, overflow)
    x = {"x": backend_samples(network, 3)}
    assert load(network, STEPS).engine.name == "generic"
    found = simulate(network, x, STEPS, keep=Keep(peak=True))
    steps = list(oracle.simulate(network, x, STEPS))
    assert np.array_equal(found.readout[:, -1], steps[-1].v[network.readout])
    for p in network.populations:
        assert isinstance(p.neuron, Integrating) and p.neuron.membrane is not None
        past = [p.neuron.membrane.hold(s.peak[p.name]) != s.peak[p.name] for s in steps]
        wanted = np.sum(past[p.start_step - 1 :], axis=0).reshape(3, -1).sum(axis=1)
        assert np.array_equal(found.overflows[p.name], wanted)
