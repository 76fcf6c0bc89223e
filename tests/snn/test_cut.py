"""A box cut out of a population computes what the whole population computes there."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.errors import GraphError
from neurocomp.snn.boxes import Box, whole
from neurocomp.snn.cut import cut, cut_population, cut_whole
from neurocomp.snn.network import Population
from neurocomp.snn.neurons import IntegrateAndFire, MaxIntegrateAndFire
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Synapse, Window
from tests.snn import draws


def expected(synapse: Synapse, box: Box, spikes: Array) -> Array:
    return synapse.apply(spikes)[:, *box.slices]


def spikes_for(rng: np.random.Generator, synapse: Synapse) -> Array:
    return rng.random((3, *synapse.pre_shape)) < 0.5


@pytest.mark.parametrize("seed", range(300))
def test_a_cut_synapse_gives_the_box_its_drive_from_its_field_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    synapse = draws.linear(rng, draws.shape(rng))
    box = draws.box(rng, synapse.post_shape)
    spikes = spikes_for(rng, synapse)
    piece = cut(synapse, box)
    assert piece.synapse.pre_shape == piece.field.shape
    assert piece.synapse.post_shape == box.shape
    found = piece.synapse.apply(spikes[:, *piece.field.slices])
    assert np.array_equal(found, expected(synapse, box, spikes))
    from_all = cut_whole(synapse, box)
    assert from_all.pre_shape == synapse.pre_shape
    assert np.array_equal(from_all.apply(spikes), expected(synapse, box, spikes))
    if not isinstance(synapse, Dense):
        assert piece.field.size <= prod(synapse.pre_shape)


@pytest.mark.parametrize("seed", range(200))
def test_a_cut_pool_gives_the_box_its_taps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inner = draws.linear(rng, draws.shape(rng))
    assert isinstance(inner, Conv | Dense | Sparse)
    window = draws.window(rng, inner.post_shape)
    box = draws.box(rng, window.post_shape)
    spikes = spikes_for(rng, inner)
    pooled = Pooled(inner=inner, window=window)
    try:
        piece, alone = cut(pooled, box), cut(window, box)
    except GraphError as error:
        assert "the padding alone" in str(error)
        assert not expected(pooled, box, spikes).any()
        return
    found = piece.synapse.apply(spikes[:, *piece.field.slices])
    assert np.array_equal(found, expected(pooled, box, spikes))
    assert np.array_equal(cut_whole(pooled, box).apply(spikes), expected(pooled, box, spikes))
    taps = rng.random((2, *window.pre_shape)) < 0.5
    assert np.array_equal(
        alone.synapse.apply(taps[:, *alone.field.slices]), expected(window, box, taps)
    )


@pytest.mark.parametrize("seed", range(100))
def test_the_field_of_a_convolution_is_the_smallest_box_of_its_channels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    synapse = draws.conv(rng, draws.shape(rng))
    box = draws.box(rng, synapse.post_shape)
    reached = synapse.edges(box).pre
    if not len(reached):
        return
    field = cut(synapse, box).field
    for axis, (low, high) in zip(
        np.unravel_index(reached, synapse.pre_shape), field.ranges, strict=True
    ):
        # Dilation and padding may leave the outer rows unread, never by more than a window.
        assert low <= axis.min() and axis.max() < high


def test_no_layer_is_unfolded() -> None:
    weight = np.ones((512, 512, 3, 3), dtype=np.int8)
    layer = Conv(weight=weight, pre_shape=(512, 4096, 4096), pads=(1, 1, 1, 1))
    piece = cut(layer, Box((5, 9), (0, 10), (4086, 4096)))
    assert piece.field == Box((0, 512), (0, 11), (4085, 4096))
    assert isinstance(piece.synapse, Conv)
    assert piece.synapse.pads == (1, 0, 0, 1)
    assert np.shares_memory(piece.synapse.weight, weight)


def test_a_box_that_ends_inside_a_group_stays_a_convolution() -> None:
    weight = np.arange(1, 17).reshape(8, 2, 1, 1)
    layer = Conv(weight=weight, pre_shape=(4, 2, 2), groups=2)
    piece = cut(layer, Box((3, 6), (0, 2), (0, 2)))
    assert isinstance(piece.synapse, Conv)
    assert (piece.synapse.groups, piece.field) == (1, whole((4, 2, 2)))
    aligned = cut(layer, Box((0, 8), (0, 1), (0, 1))).synapse
    assert isinstance(aligned, Conv)
    assert aligned.groups == 2


def test_every_array_of_a_population_is_cut() -> None:
    shape, box = (3, 4, 5), Box((1, 3), (0, 2), (2, 5))
    numbers = np.arange(60).reshape(shape)
    made = Population(
        name="p",
        shape=shape,
        neuron=IntegrateAndFire(v_threshold=numbers + 1000),
        v_init=numbers,
        bias=-numbers,
        start_step=4,
    )
    kept = cut_population(made, box, "q")
    assert (kept.name, kept.shape, kept.start_step) == ("q", (2, 2, 3), 4)
    assert isinstance(kept.neuron, IntegrateAndFire)
    assert np.array_equal(kept.v_init, numbers[1:3, :2, 2:])
    assert np.array_equal(kept.bias, -kept.v_init)
    assert np.array_equal(kept.neuron.v_threshold, kept.v_init + 1000)
    taps = numbers[..., None] + np.array([0, 100])
    pooled = replace(made, neuron=MaxIntegrateAndFire(v_threshold=taps), v_init=taps, bias=taps)
    several = cut_population(pooled, box, "q")
    assert isinstance(several.neuron, MaxIntegrateAndFire)
    assert several.bias.shape == several.neuron.v_threshold.shape == (2, 2, 3, 2)


def test_a_pool_of_padding_alone_is_refused() -> None:
    window = Window(pre_shape=(1, 2, 2), kernel=(1, 1), pads=(2, 0, 0, 0))
    with pytest.raises(GraphError, match=r"lie in the padding alone"):
        cut(window, Box((0, 1), (0, 2), (0, 1)))
