"""Closed forms against unfolded edges, and edges against what the synapse computes."""

from math import prod

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.snn.boxes import Box, whole
from neurocomp.snn.synapses import Conv, Edges, Synapse, Window
from tests.snn import draws

SEEDS = range(100)


def draw(seed: int) -> tuple[np.random.Generator, Synapse]:
    rng = np.random.default_rng(seed)
    pre = draws.shape(rng)
    return rng, draws.window(rng, pre) if seed % 5 == 0 else draws.linear(rng, pre)


def spikes(rng: np.random.Generator, synapse: Synapse) -> Array:
    return rng.random((2, *synapse.pre_shape)) < 0.4


def inside(box: Box, shape: tuple[int, ...]) -> Array:
    marked = np.zeros(shape, dtype=bool)
    marked[box.slices] = True
    return marked


def drive(edges: Edges, fired: Array, synapse: Synapse) -> Array:
    """Add up the edges one by one: the drive, (samples, *post_shape)."""
    flat = fired.reshape(len(fired), -1)
    total = np.zeros((len(fired), prod(synapse.post_shape)))
    for pre, post, weight, _ in zip(*edges, strict=True):
        total[:, post] += weight * flat[:, pre]
    return total.reshape(len(fired), *synapse.post_shape)


@pytest.mark.parametrize("seed", SEEDS)
def test_edges_add_up_to_what_the_synapse_computes(seed: int) -> None:
    rng, synapse = draw(seed)
    fired, box = spikes(rng, synapse), draws.box(rng, synapse.post_shape)
    given = synapse.apply(fired)
    if isinstance(synapse, Window):
        given = given.sum(axis=-1)
    expected = np.where(inside(box, synapse.post_shape), given, 0)
    assert np.array_equal(drive(synapse.edges(box), fired, synapse), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_edges_are_sorted_and_each_tap_of_a_neuron_stands_once(seed: int) -> None:
    rng, synapse = draw(seed)
    edges = synapse.edges(draws.box(rng, synapse.post_shape))
    keys = list(zip(edges.post.tolist(), edges.tap.tolist(), strict=True))
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("seed", SEEDS)
def test_fan_in_counts_the_edges(seed: int) -> None:
    rng, synapse = draw(seed)
    for _ in range(5):
        box = draws.box(rng, synapse.post_shape)
        assert synapse.fan_in(box) == len(synapse.edges(box).pre)


@pytest.mark.parametrize("seed", SEEDS)
def test_sources_counts_the_distinct_presynaptic_neurons(seed: int) -> None:
    rng, synapse = draw(seed)
    for _ in range(5):
        box, within = draws.box(rng, synapse.post_shape), draws.box(rng, synapse.pre_shape)
        reached = np.unique(synapse.edges(box).pre)
        held = inside(within, synapse.pre_shape).ravel()[reached]
        assert synapse.sources(box, within) == held.sum()


@pytest.mark.parametrize("seed", range(40))
def test_a_window_keeps_each_tap_in_its_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    synapse = draws.window(rng, draws.shape(rng))
    fired = spikes(rng, synapse)
    taps = np.zeros((len(fired), prod(synapse.post_shape), prod(synapse.kernel)), dtype=bool)
    edges = synapse.edges(whole(synapse.post_shape))
    taps[:, edges.post, edges.tap] = fired.reshape(len(fired), -1)[:, edges.pre]
    given = synapse.apply(fired)
    assert np.array_equal(given, taps.reshape(given.shape))


def by_definition(conv: Conv, values: Array) -> Array:
    """Give the convolution of one sample by the loops of its definition."""
    outs, ins, rows, columns = conv.weight.shape
    total = np.zeros(conv.post_shape)
    for o, y, x in np.ndindex(*conv.post_shape):
        for i, ky, kx in np.ndindex(ins, rows, columns):
            row = y * conv.strides[0] - conv.pads[0] + ky * conv.dilations[0]
            column = x * conv.strides[1] - conv.pads[1] + kx * conv.dilations[1]
            if 0 <= row < conv.pre_shape[1] and 0 <= column < conv.pre_shape[2]:
                channel = o // (outs // conv.groups) * ins + i
                total[o, y, x] += conv.weight[o, i, ky, kx] * values[channel, row, column]
    return total


@pytest.mark.parametrize("seed", range(30))
def test_a_convolution_is_what_its_definition_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    conv = draws.conv(rng, draws.shape(rng))
    values = rng.integers(-5, 6, conv.pre_shape)
    assert np.array_equal(conv.apply(values[None])[0], by_definition(conv, values))
