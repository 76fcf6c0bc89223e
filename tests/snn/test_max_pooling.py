"""Max pooling in time: each gate's estimate in closed form, and the neuron that pools its drive."""

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.snn.boxes import Box, whole
from neurocomp.snn.estimates import Average, Estimate, Exponential, Fir
from neurocomp.snn.neurons import MaxGate, MaxIntegrateAndFire
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Window

STEPS = 40


def run(estimate: Estimate, trains: Array) -> tuple[Array, Array]:
    """Give the estimates, (steps, taps), and the spikes passed, (steps,), of (steps, taps)."""
    taps = trains.shape[1]
    state, estimates, passed = estimate.rest((1, 1, 1, 1, taps)), [], []
    gate_state, gate = state, MaxGate(estimate=estimate)
    for spikes in trains.reshape(len(trains), 1, 1, 1, 1, taps):
        state, rates = estimate.update(state, spikes)
        gate_state, fired = gate.step(gate_state, spikes)
        estimates.append(rates.ravel())
        passed.append(bool(fired.ravel()[0]))
    return np.array(estimates), np.array(passed)


def trains(*periods: int) -> Array:
    """Give regular spikes, (steps, taps), of each period."""
    t = np.arange(1, STEPS + 1)[:, None]
    return t % np.array(periods) == 0


def test_the_online_average_counts() -> None:
    estimates, _ = run(Average(), trains(1, 3))
    t = np.arange(1, STEPS + 1)
    assert (estimates == np.stack([t, t // 3], axis=1)).all()


@pytest.mark.parametrize("shift", [1, 3, 5])
def test_the_exponential_average_approaches_its_closed_form(shift: int) -> None:
    estimates, _ = run(Exponential(shift=shift), trains(1))
    t = np.arange(1, STEPS + 1)
    exact = 2 ** (16 + shift) * (1 - (1 - 2.0**-shift) ** t)
    assert (np.abs(estimates[:, 0] - exact) <= 2**shift).all()  # what the shift drops adds up to


def test_the_exponential_average_forgets() -> None:
    early = np.zeros((STEPS, 1), dtype=bool)
    early[0] = True
    estimates, _ = run(Exponential(shift=2), early)
    assert estimates[0, 0] == 2**16
    assert estimates[-1, 0] < 10


def test_a_fir_filter_is_the_convolution_with_its_weights() -> None:
    random = np.random.default_rng(3)
    spikes = random.random((STEPS, 2)) < 0.4
    weights = (5, 3, 1)
    estimates, _ = run(Fir(weights=weights), spikes)
    for k in range(2):
        assert (estimates[:, k] == np.convolve(spikes[:, k], weights)[:STEPS]).all()


@pytest.mark.parametrize(
    "estimate", [Average(), Exponential(), Fir()], ids=["average", "exponential", "fir"]
)
def test_a_gate_passes_the_faster_train_and_the_first_of_equals(estimate: Estimate) -> None:
    _, passed = run(estimate, trains(5, 2))
    late = slice(STEPS // 2, None)
    assert (passed[late] == trains(2)[late, 0]).mean() > 0.9
    _, same = run(estimate, trains(2, 2))
    assert (same == trains(2)[:, 0]).all()


def test_a_change_of_rates_moves_the_filters_and_not_the_average() -> None:
    first, second = trains(1, 8)[: STEPS // 2], trains(8, 1)[: STEPS // 2]
    changed = np.concatenate([first, second])
    late = slice(STEPS // 2 + 12, STEPS - 1)
    for estimate in (Exponential(), Fir()):
        _, passed = run(estimate, changed)
        assert passed[late].all()
    _, slow = run(Average(), changed)
    assert not slow[late].all()


def test_pooled_drive_gives_the_rate_of_the_largest_tap() -> None:
    drives = np.array([0.25, 0.625, -0.5, 0.0])
    neuron = MaxIntegrateAndFire(v_threshold=np.ones((1, 1, 1, 4)))
    v, count = np.full((1, 1, 1, 1, 4), 0.5), 0
    for t in range(1, STEPS + 1):
        v, fired = neuron.step(v, drives.reshape(1, 1, 1, 1, 4))
        count += int(fired.ravel()[0])
        assert count == np.floor(t * 0.625 + 0.5)


def test_pooled_drive_forgives_a_tap_that_leads_for_a_while() -> None:
    """The drive of tap 0 comes early, that of tap 1 late and larger: the rate is tap 1's."""
    neuron = MaxIntegrateAndFire(v_threshold=np.ones((1, 1, 1, 2)))
    v, count = np.zeros((1, 1, 1, 1, 2)), 0
    for t in range(1, 23):
        drive = [0.5, 0.0] if t <= 10 else [0.0, 0.75]
        v, fired = neuron.step(v, np.array(drive).reshape(1, 1, 1, 1, 2))
        count += int(fired.ravel()[0])
    assert count == 9


POOLED = {
    "conv": Pooled(
        inner=Conv(weight=np.arange(1.0, 37).reshape(2, 2, 3, 3), pre_shape=(2, 6, 7)),
        window=Window(pre_shape=(2, 4, 5), kernel=(2, 2), strides=(2, 2)),
    ),
    "overlap": Pooled(
        inner=Conv(weight=np.ones((3, 1, 2, 2)), pre_shape=(3, 5, 5), groups=3, pads=(1, 0, 0, 1)),
        window=Window(pre_shape=(3, 5, 5), kernel=(3, 2), strides=(1, 2), pads=(1, 0, 1, 0)),
    ),
    "dense": Pooled(
        inner=Dense(
            weight=np.arange(1.0, 49).reshape(16, 3), pre_shape=(3, 1, 1), post_shape=(1, 4, 4)
        ),
        window=Window(pre_shape=(1, 4, 4), kernel=(2, 2), strides=(2, 2)),
    ),
    "sparse": Pooled(
        inner=Sparse(
            weight=np.array([1.0, 2, 3]),
            pre=np.array([2, 0, 1]),
            post=np.array([0, 0, 3]),
            pre_shape=(3, 1, 1),
            post_shape=(1, 2, 2),
        ),
        window=Window(pre_shape=(1, 2, 2), kernel=(2, 1)),
    ),
}


@pytest.mark.parametrize("name", POOLED)
def test_the_listed_synapses_of_pooled_drive_are_what_it_applies(name: str) -> None:
    synapse = POOLED[name]
    spikes = np.random.default_rng(1).random((2, *synapse.pre_shape)) < 0.5
    drive = synapse.apply(spikes)
    taps = drive.shape[-1]
    edges = synapse.edges(whole(synapse.post_shape))
    for n in range(2):
        listed = np.bincount(
            edges.post * taps + edges.tap,
            edges.weight * spikes[n].ravel()[edges.pre],
            drive[n].size,
        )
        assert (listed == drive[n].ravel()).all()
    assert synapse.fan_in(whole(synapse.post_shape)) == len(edges.pre)
    order = np.lexsort((edges.tap, edges.post))
    assert (order == np.arange(len(order))).all()


def test_a_box_lists_its_part() -> None:
    synapse = POOLED["conv"]
    box = Box((1, 2), (0, 2), (1, 2))
    every = synapse.edges(whole(synapse.post_shape))
    kept = np.isin(every.post, box.indices(synapse.post_shape))
    part = synapse.edges(box)
    assert (part.pre == every.pre[kept]).all()
    assert (part.weight == every.weight[kept]).all()
    reached = len(np.unique(part.pre))
    assert synapse.sources(box, whole(synapse.pre_shape)) == reached
