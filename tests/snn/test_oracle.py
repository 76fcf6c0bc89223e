"""The oracle against a second writing of its meaning, and against numbers worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.arrays import Array, Shape
from neurocomp.snn.check import check
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, Neuron
from neurocomp.snn.oracle import record, simulate
from neurocomp.snn.synapses import Dense
from tests.snn import naive
from tests.snn.strategies import inputs_for, networks

quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@quick
@given(networks(), seeds)
def test_every_spike_is_that_of_the_second_writing(network: Network, seed: int) -> None:
    samples, length = inputs_for(network, 1, seed), 8
    spikes, readout = naive.simulate(network, samples["x"][0], length)
    found = record(check(network, length), samples, length)
    for name, fired in found.spikes.items():
        assert np.array_equal(fired[0].reshape(length, -1), spikes[name]), name
    assert np.array_equal(found.readout[0].reshape(length, -1), readout)


@quick
@given(networks(balanced=True), seeds)
def test_start_at_depth_gives_the_network_without_delays_shifted(
    network: Network, seed: int
) -> None:
    samples, steps = inputs_for(network, 1, seed), 8
    wanted = naive.simulate_without_delays(network, samples["x"][0], steps)
    latest = max(p.start_step for p in network.populations)
    found = record(network, samples, steps + latest - 1).spikes
    for name, fired in found.items():
        before = network.population(name).start_step - 1
        assert not fired[0, :before].any()
        shifted = fired[0, before : before + steps].reshape(steps, -1)
        assert np.array_equal(shifted, wanted[name]), name


@quick
@given(networks(), seeds)
def test_samples_do_not_touch_each_other(network: Network, seed: int) -> None:
    samples = inputs_for(network, 3, seed)
    together = record(network, samples, 8)
    for i in range(3):
        alone = record(network, {"x": samples["x"][i : i + 1]}, 8)
        assert np.array_equal(alone.readout[0], together.readout[i])
        for name, fired in alone.spikes.items():
            assert np.array_equal(fired[0], together.spikes[name][i])


@quick
@given(networks(), seeds)
def test_the_peak_is_the_membrane_before_its_reset(network: Network, seed: int) -> None:
    for step in simulate(network, inputs_for(network, 2, seed), 8):
        for p in network.populations:
            if isinstance(p.neuron, IntegrateAndFire):
                peak, fired = step.peak[p.name], step.spikes[p.name]
                if step.t >= p.start_step:
                    assert np.array_equal(fired, peak >= p.neuron.v_threshold)
                assert np.array_equal(step.v[p.name][~fired], peak[~fired])


# By hand: x -> a (integrate and fire) -> out

ONE: Shape = (1, 1, 1)


def numbers(*values: float) -> Array:
    return np.array(values).reshape(-1, 1, 1)


def population(name: str, neuron: Neuron, **more: Any) -> Population:
    size = getattr(neuron, "v_threshold", numbers(0)).shape
    zero = np.zeros(size, dtype=np.int64)
    return Population(
        **{"name": name, "shape": size, "neuron": neuron, "v_init": zero, "bias": zero} | more
    )


def dense(*rows: tuple[float, ...]) -> Dense:
    weight = np.array(rows)
    return Dense(weight=weight, pre_shape=(weight.shape[1], 1, 1), post_shape=(len(weight), 1, 1))


def join(
    populations: list[Population], projections: list[Projection], *currents: Current
) -> Network:
    source = Input(name="x", shape=ONE, low=-1, high=1, grid=2.0**-8)
    return Network(
        inputs=(source,),
        currents=currents,
        populations=tuple(populations),
        projections=tuple(projections),
        readout=populations[-1].name,
    )


def readout(network: Network, steps: int, x: float = 0) -> list[float]:
    values: list[float] = record(network, {"x": np.full((1, 1), x)}, steps).readout.ravel().tolist()
    return values


EVERY_THIRD = IntegrateAndFire(v_threshold=numbers(3))  # with a bias of 1: spikes at 3, 6, 9


def delayed(delay_steps: int, **more: Any) -> Network:
    a = population("a", EVERY_THIRD, bias=numbers(1))
    synapse = Projection(
        source="a", target="out", synapse=dense((5,)), delay_steps=delay_steps, **more
    )
    return join([a, population("out", Accumulator())], [synapse])


@pytest.mark.parametrize("delay_steps", [1, 2, 3, 7])
def test_a_spike_arrives_after_its_delay(delay_steps: int) -> None:
    arrivals = [3 + delay_steps, 6 + delay_steps, 9 + delay_steps]
    wanted = [5 * sum(t >= a for a in arrivals) for t in range(1, 13)]
    assert readout(delayed(delay_steps), 12) == wanted


def test_unequal_delays_into_one_population_add_up() -> None:
    first, second = delayed(1), delayed(4)
    both = replace(first, projections=first.projections + second.projections)
    wanted = [a + b for a, b in zip(readout(first, 15), readout(second, 15), strict=True)]
    assert readout(both, 15) == wanted


@pytest.mark.parametrize("exponent", [0, 1, 6])
def test_the_exponent_scales_the_weights(exponent: int) -> None:
    plain = readout(delayed(1), 9)
    assert readout(delayed(1, weight_exponent=exponent), 9) == [2**exponent * v for v in plain]


@pytest.mark.parametrize("start", [1, 2, 5])
def test_nothing_happens_before_the_first_step(start: int) -> None:
    out = population("out", Accumulator(), bias=numbers(2), v_init=numbers(7), start_step=start)
    wanted = [7 + 2 * max(0, t - start + 1) for t in range(1, 8)]
    assert readout(join([out], []), 7) == wanted


def test_a_neuron_above_its_threshold_waits_for_its_first_step() -> None:
    a = population("a", EVERY_THIRD, v_init=numbers(9), start_step=4)
    network = join([a, population("out", Accumulator())], [])
    fired = record(network, {"x": np.zeros((1, 1))}, 8).spikes["a"].ravel()
    assert fired.tolist() == [False] * 3 + [True] * 3 + [False] * 2


def test_what_arrives_before_the_first_step_is_lost() -> None:
    network = delayed(1)
    late = replace(
        network, populations=(network.populations[0], replace(network.populations[1], start_step=7))
    )
    assert readout(late, 10) == [0] * 6 + [5, 5, 5, 10]  # the spike of step 3 came at step 4


def test_the_run_is_longer_by_what_the_readout_waits() -> None:
    out = population("out", Accumulator(), bias=numbers(1), start_step=4)
    network = join([out], [])
    assert network.run_length(10) == 13
    assert readout(network, 13)[-1] == 10


def test_the_membrane_starts_at_v_init() -> None:
    a = population("a", EVERY_THIRD, bias=numbers(1), v_init=numbers(2))
    network = join([a, population("out", Accumulator())], [])
    fired = record(network, {"x": np.zeros((1, 1))}, 7).spikes["a"].ravel()
    assert np.flatnonzero(fired).tolist() == [0, 3, 6]


def current(scale: float, quantum: float = 1) -> Current:
    return Current(
        source="x", target="out", synapse=dense((1.0,)), scale=numbers(scale), quantum=quantum
    )


@pytest.mark.parametrize(
    ("x", "scale", "quantum", "drive"),
    [
        (0.25, 10, 1, 2),  # 2.5 rounds to even
        (0.375, 10, 1, 4),  # 3.75
        (0.25, 12, 1, 3),
        (-0.25, 13, 1, -3),  # -3.25
        (0.25, 10, 2, 2),  # 1.25 quanta
        (0.375, 10, 4, 4),  # 0.9375 quanta
        (2.0, 10, 1, 10),  # clipped to 1
        (-7.0, 10, 1, -10),
        (0.2512, 4096, 1, 1024),  # x is rounded to multiples of 1/256 first
    ],
)
def test_a_current_is_a_rounded_drive_beside_the_bias(
    x: float, scale: float, quantum: float, drive: int
) -> None:
    network = join(
        [population("out", Accumulator(), bias=numbers(100))], [], current(scale, quantum)
    )
    assert readout(network, 4, x) == [t * (100 + drive) for t in (1, 2, 3, 4)]


def test_each_current_is_rounded_on_its_own() -> None:
    out = population("out", Accumulator())
    network = join([out], [], current(1.4), current(1.4))
    assert readout(network, 1, 1) == [2]


def test_float_numbers_stay_on_their_grid() -> None:
    unit = 2.0**-20
    out = population("out", Accumulator(), bias=numbers(3 * unit), v_init=numbers(0.0))
    assert readout(join([out], []), 1000)[-1] == 3000 * unit


def test_a_recording_holds_every_spike_but_the_readouts() -> None:
    network = delayed(2)
    kept = record(network, {"x": np.zeros((4, 1))}, 6)
    assert kept.spikes.keys() == {"a"}
    assert kept.spikes["a"].shape == kept.readout.shape == (4, 6, 1, 1, 1)
    assert kept.spikes["a"].dtype == bool


def test_the_same_run_twice_is_the_same() -> None:
    network = delayed(2)
    assert readout(network, 9) == readout(network, 9)
