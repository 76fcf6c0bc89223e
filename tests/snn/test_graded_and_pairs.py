"""Linear values on neurons: graded messages, and pairs that count both ways."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocomp.arrays import Array
from neurocomp.errors import GraphError
from neurocomp.snn.check import check
from neurocomp.snn.compose import identity
from neurocomp.snn.intervals import sent
from neurocomp.snn.network import Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, Graded, IntegrateAndFire
from neurocomp.snn.oracle import record
from neurocomp.snn.synapses import Dense
from tests.backends.corpus import STEPS, bottlenecks

ONE = (1, 1, 1)


def test_a_message_is_the_drive_rounded_to_the_nearest_quantum() -> None:
    drive = np.array([-0.76, -0.75, -0.25, -0.24, 0.0, 0.24, 0.25, 0.74, 0.75, 100.1])
    v, message = Graded(quantum=0.5).step(np.full(10, 99.0), drive)
    assert v.tolist() == drive.tolist()  # what was there is gone
    assert message.tolist() == [-2, -1, 0, 0, 0, 0, 1, 1, 2, 200]


def test_a_graded_relay_passes_on_a_mean_to_within_half_a_quantum() -> None:
    random = np.random.default_rng(1)
    drive = random.uniform(-3, 3, (50, 7))
    total = sum(Graded(quantum=2.0**-6).step(d, d)[1] for d in drive)
    assert np.abs(total * 2.0**-6 - drive.sum(axis=0)).max() <= 50 * 2.0**-7


def pair(drives: Array, v_init: float = 0.5) -> tuple[Array, Array]:
    """Run the two halves of a pair by their equations; give the spikes of each, (steps,)."""
    half = IntegrateAndFire(v_threshold=np.array(1.0))
    v, back = [np.array(v_init)] * 2, [0.0, 0.0]
    spikes = []
    for drive in drives:
        (v[0], on), (v[1], off) = (
            half.step(v[n], sign * drive + back[n]) for n, sign in ((0, 1), (1, -1))
        )
        back = [float(off), float(on)]
        spikes.append((float(on), float(off)))
    on, off = np.array(spikes).T
    return on, off


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60))
def test_a_pair_stands_for_the_sum_of_any_drive_to_within_half_a_spike(drives: list[float]) -> None:
    on, off = pair(np.array(drives))
    error = np.cumsum(drives) - np.cumsum(on - off)
    assert np.abs(error).max() <= 0.5 + 1e-9
    assert not (on * off).any()


def test_two_neurons_that_know_nothing_of_each_other_would_not() -> None:
    drives = np.repeat([0.875, -0.875], 5)  # up, and down again by as much
    half, counts = IntegrateAndFire(v_threshold=np.array(1.0)), []
    for sign in (1, -1):
        v, count = np.array(0.5), 0
        for drive in drives:
            v, fired = half.step(v, sign * drive)
            count += int(fired)
        counts.append(count)
    assert counts == [4, 0]
    on, off = pair(drives)
    assert (on - off).sum() == 0


def test_a_rate_of_a_pair_is_signed_drive_over_threshold() -> None:
    for drive in (-1.0, -0.37, 0.0, 0.25, 0.99):
        on, off = pair(np.full(100, drive))
        assert (on - off).sum() == pytest.approx(100 * drive, abs=0.5 + 1e-9)


def test_what_is_sent_is_bounded_by_the_weights_and_the_quantum() -> None:
    network = bottlenecks("graded", integer=False)
    bounds = sent(network)
    x = np.random.default_rng(2).uniform(0, 1, (5, 1, 5, 4))
    found = record(network, {"x": x}, network.run_length(STEPS)).spikes
    assert bounds["a"] == (0.0, 1.0)
    for name in ("n", "m"):
        low, high = bounds[name]
        assert low <= found[name].min() < 0 < found[name].max() <= high


def test_a_graded_neuron_sends_nothing_before_its_first_step() -> None:
    network = bottlenecks("graded", integer=False)
    start = network.population("m").start_step
    x = np.random.default_rng(3).uniform(0, 1, (2, 1, 5, 4))
    found = record(network, {"x": x}, network.run_length(STEPS)).spikes["m"]
    assert found.dtype == np.int64
    assert not found[:, : start - 1].any()
    assert found[:, start - 1].any()


def changed(network: Network, name: str, **fields: object) -> Network:
    found = tuple(
        replace(p, **fields) if p.name == name else p  # type: ignore[arg-type]
        for p in network.populations
    )
    return replace(network, populations=found)


def test_a_pair_gives_its_own_threshold_back() -> None:
    network = bottlenecks("pair", integer=True)
    threshold = IntegrateAndFire(v_threshold=np.full((2, 5, 4), 251))
    for name in ("n on", "n off"):
        with pytest.raises(GraphError, match="resets by something else than the threshold"):
            check(changed(network, name, neuron=threshold), STEPS)


def test_a_pair_has_two_halves() -> None:
    network = bottlenecks("pair", integer=True)
    lonely = tuple(p for p in network.projections if (p.source, p.resets) != ("n off", True))
    with pytest.raises(GraphError, match=r"n on -> n off.*not one half of a pair"):
        check(replace(network, projections=lonely), STEPS)
    late = tuple(replace(p, delay_steps=2) if p.resets else p for p in network.projections)
    with pytest.raises(GraphError, match="not one half of a pair"):
        check(replace(network, projections=late), STEPS)


def test_graded_neurons_stand_in_the_order_of_their_sources() -> None:
    network = bottlenecks("graded", integer=False)
    backwards = tuple(reversed(network.populations))
    with pytest.raises(GraphError, match="is graded and gets spikes of"):
        check(replace(network, populations=backwards), STEPS)


def test_a_quantum_is_a_power_of_two() -> None:
    network = bottlenecks("graded", integer=False)
    with pytest.raises(GraphError, match=r"quantum of 0\.3"):
        check(changed(network, "n", neuron=Graded(quantum=0.3)), STEPS)


def test_messages_are_counted_in_what_a_sum_needs() -> None:
    """Messages of 2^40 with weights of 24 bits do not add up exactly."""
    weight = np.full((1, 1), 1 + 2.0**-24)
    ends = {"pre_shape": ONE, "post_shape": ONE}
    zero = np.zeros(ONE)
    graded = Population(
        name="g", shape=ONE, neuron=Graded(quantum=1.0), v_init=zero, bias=zero + 2.0**40
    )
    out = Population(name="out", shape=ONE, neuron=Accumulator(), v_init=zero, bias=zero)
    network = Network(
        inputs=(Input(name="x", shape=ONE, low=0.0, high=1.0, grid=1.0),),
        currents=(),
        populations=(graded, out),
        projections=(Projection(source="g", target="out", synapse=Dense(weight=weight, **ends)),),
        readout="out",
    )
    with pytest.raises(GraphError, match="sums need"):
        check(network, 8)
    assert check(changed(network, "g", bias=zero + 2.0**20), 8)
    assert identity(ONE).weight.tolist() == [[[[1.0]]]]
