"""Algebra on synapses: whatever the rule, the same map, on integers to the last bit."""

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.arrays import Array, Shape
from neurocomp.errors import UnsupportedError
from neurocomp.snn import compose as module
from neurocomp.snn.compose import (
    between,
    compose,
    drive_range,
    identity,
    matrix,
    pointwise,
    post_channels,
    scaled,
    with_weight,
)
from neurocomp.snn.synapses import Conv, Dense, Sparse, Synapse, Window
from tests.snn import naive
from tests.snn.strategies import Draw, convs, denses, pools, randoms, shapes, sparses, synapses

quick = settings(max_examples=60, deadline=None)


def rates(random: np.random.Generator, shape: Shape) -> Array:
    return random.integers(-9, 10, (2, *shape)).astype(np.float64)


@st.composite
def scales(draw: Draw, pre: Shape) -> Conv:
    """Draw what a batch normalisation or a padding becomes."""
    made = pointwise(draw(randoms).integers(-3, 4, pre[0]), pre)
    pads = tuple(draw(st.integers(0, 2)) for _ in range(4))
    return replace(made, pads=pads)


@st.composite
def branches(draw: Draw, pre: Shape) -> Sparse:
    """Draw the place of a branch in a concat on channels."""
    before, after = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    post = (before + pre[0] + after, *pre[1:])
    flat = np.arange(prod(pre))
    return Sparse(
        weight=np.ones(len(flat)),
        pre=flat,
        post=flat + before * prod(pre[1:]),
        pre_shape=pre,
        post_shape=post,
    )


@st.composite
def anything(draw: Draw, pre: Shape) -> Synapse:
    made: Synapse = draw(
        st.one_of(synapses(pre), pools(pre), scales(pre), branches(pre), convs(pre))
    )
    return made


@st.composite
def chains(draw: Draw, length: int) -> tuple[Synapse, ...]:
    chain: list[Synapse] = []
    shape = draw(shapes)
    for _ in range(length):
        chain.append(draw(anything(shape)))
        shape = chain[-1].post_shape
    return tuple(chain)


@settings(max_examples=150, deadline=None)
@given(chains(2), randoms)
def test_two_become_one(pair: tuple[Synapse, Synapse], random: np.random.Generator) -> None:
    a, b = pair
    x = rates(random, a.pre_shape)
    one = compose(a, b, "here")
    assert (one.pre_shape, one.post_shape) == (a.pre_shape, b.post_shape)
    assert np.array_equal(one.apply(x), b.apply(a.apply(x)))


@quick
@given(chains(3), randoms, st.booleans())
def test_three_become_one_from_either_end(
    chain: tuple[Synapse, Synapse, Synapse], random: np.random.Generator, forward: bool
) -> None:
    a, b, c = chain
    x = rates(random, a.pre_shape)
    one = compose(compose(a, b, "h"), c, "h") if forward else compose(a, compose(b, c, "h"), "h")
    assert np.array_equal(one.apply(x), c.apply(b.apply(a.apply(x))))


@quick
@given(chains(2))
def test_the_composed_matrix_is_the_product(pair: tuple[Synapse, Synapse]) -> None:
    a, b = pair
    assert np.array_equal(naive.matrix(compose(a, b, "h")), naive.matrix(b) @ naive.matrix(a))


@quick
@given(st.data())
def test_a_flattening_between_them_changes_nothing(data: st.DataObject) -> None:
    a = data.draw(shapes.flatmap(anything))
    flat = (prod(a.post_shape), 1, 1)
    b = data.draw(denses(flat, (3, 1, 1)))
    x = rates(data.draw(randoms), a.pre_shape)
    wanted = b.apply(a.apply(x).reshape(2, *flat))
    assert np.array_equal(compose(a, b, "h").apply(x), wanted)


@quick
@given(st.data())
def test_pool_then_conv_is_a_conv(data: st.DataObject) -> None:
    pool = data.draw(shapes.flatmap(pools))
    conv = replace(data.draw(convs(pool.post_shape)), pads=(0, 0, 0, 0))
    if min(conv.windows.counts) < 1:
        return
    one = compose(pool, conv, "h")
    assert isinstance(one, Conv)
    x = rates(data.draw(randoms), pool.pre_shape)
    assert np.array_equal(one.apply(x), conv.apply(pool.apply(x)))


@quick
@given(st.data())
def test_a_padded_pool_then_a_conv_is_a_conv_of_that_padding(data: st.DataObject) -> None:
    pads = tuple(data.draw(st.integers(0, 1)) for _ in range(4))
    pool = replace(data.draw(shapes.flatmap(pools)), pads=pads)
    conv = replace(data.draw(convs(pool.post_shape)), pads=(0, 0, 0, 0))
    if min(conv.windows.counts) < 1:
        return
    one = compose(pool, conv, "h")
    assert isinstance(one, Conv)
    x = rates(data.draw(randoms), pool.pre_shape)
    assert np.array_equal(one.apply(x), conv.apply(pool.apply(x)))


def test_a_pool_that_tiles_then_a_padded_conv_is_a_conv() -> None:
    weight = np.arange(18).reshape(1, 2, 3, 3)
    pool = Conv(weight=np.ones((2, 1, 2, 2)), pre_shape=(2, 6, 4), strides=(2, 2), groups=2)
    conv = Conv(weight=weight, pre_shape=pool.post_shape, pads=(1, 0, 1, 2))
    one = compose(pool, conv, "h")
    assert isinstance(one, Conv)
    assert (one.strides, one.pads, one.kernel) == ((2, 2), (2, 0, 2, 4), (6, 6))


def test_a_pool_that_leaves_a_rest_then_a_padded_conv_stays_right() -> None:
    pool = Conv(weight=np.ones((1, 1, 2, 2)), pre_shape=(1, 5, 5), strides=(2, 2), groups=1)
    conv = Conv(weight=np.arange(9).reshape(1, 1, 3, 3), pre_shape=(1, 2, 2), pads=(1, 1, 1, 1))
    x = rates(np.random.default_rng(0), (1, 5, 5))
    assert np.array_equal(compose(pool, conv, "h").apply(x), conv.apply(pool.apply(x)))


@quick
@given(st.data())
def test_scale_then_conv_is_a_conv_of_the_same_kernel(data: st.DataObject) -> None:
    scale = data.draw(shapes.flatmap(scales))
    conv = data.draw(convs(scale.post_shape))
    one = compose(scale, conv, "h")
    assert isinstance(one, Conv)
    assert one.weight.shape == conv.weight.shape


@quick
@given(data=st.data(), first=st.booleans())
def test_a_convolution_beside_one_that_mixes_channels_is_a_conv(
    data: st.DataObject, first: bool
) -> None:
    drawn = data.draw(shapes.flatmap(convs))
    conv = replace(drawn, groups=1, weight=_of_one_group(drawn))
    channels, *area = conv.pre_shape if first else conv.post_shape
    random = data.draw(randoms)
    size = (channels, 3, 1, 1) if first else (3, channels, 1, 1)
    mixer = Conv(weight=random.integers(-3, 4, size), pre_shape=(size[1], area[0], area[1]))
    pair = (mixer, conv) if first else (conv, mixer)
    one = compose(*pair, "h")
    assert isinstance(one, Conv)
    x = rates(random, pair[0].pre_shape)
    assert np.array_equal(one.apply(x), pair[1].apply(pair[0].apply(x)))


def _of_one_group(conv: Conv) -> Array:
    outs, ins = conv.weight.shape[0] // conv.groups, conv.weight.shape[1]
    whole = np.zeros((conv.weight.shape[0], conv.pre_shape[0], *conv.kernel))
    for g in range(conv.groups):
        part = slice(g * outs, (g + 1) * outs)
        whole[part, g * ins : (g + 1) * ins] = conv.weight[part]
    return whole


@quick
@given(st.data())
def test_anything_then_a_scale_keeps_its_form(data: st.DataObject) -> None:
    first = data.draw(shapes.flatmap(synapses))
    scale = pointwise(data.draw(randoms).integers(-3, 4, first.post_shape[0]), first.post_shape)
    one = compose(first, scale, "h")
    assert type(one) is type(first)
    assert one.weight.shape == first.weight.shape


@quick
@given(st.data())
def test_a_branch_then_a_conv_is_a_slice_of_its_kernels(data: st.DataObject) -> None:
    branch = data.draw(shapes.flatmap(branches))
    random = data.draw(randoms)
    weight = random.integers(-5, 6, (2, branch.post_shape[0], 1, 1))
    conv = Conv(weight=weight, pre_shape=branch.post_shape, pads=(1, 0, 0, 1))
    one = compose(branch, conv, "h")
    assert isinstance(one, Conv)
    assert one.weight.shape == (2, branch.pre_shape[0], 1, 1)
    x = rates(random, branch.pre_shape)
    assert np.array_equal(one.apply(x), conv.apply(branch.apply(x)))


def test_a_composition_that_grows_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WEIGHTS", 1000)
    wide = Dense(weight=np.ones((40, 4)), pre_shape=(4, 1, 1), post_shape=(40, 1, 1))
    last = Dense(weight=np.ones((251, 40)), pre_shape=(40, 1, 1), post_shape=(251, 1, 1))
    with pytest.raises(
        UnsupportedError,
        match=r"conv3: the linear operators before it compose to 1004 weights, at most 1000 are "
        r"composed \(put an activation between them\)",
    ):
        compose(wide, last, "conv3")


@quick
@given(st.data())
def test_scaled_multiplies_by_both_channels(data: st.DataObject) -> None:
    synapse, random = data.draw(shapes.flatmap(synapses)), data.draw(randoms)
    pre = random.integers(-3, 4, synapse.pre_shape[0])
    post = random.integers(-3, 4, synapse.post_shape[0])
    x = rates(random, synapse.pre_shape)
    wanted = synapse.apply(x * pre[:, None, None]) * post[:, None, None]
    assert np.array_equal(scaled(synapse, pre, post).apply(x), wanted)


def test_a_window_is_not_scaled() -> None:
    window = Window(pre_shape=(1, 2, 2), kernel=(2, 2))
    assert scaled(window, np.full(1, 2), np.full(1, 2)) is window
    assert with_weight(window, np.zeros(1)) is window


@quick
@given(st.data())
def test_between_other_shapes_the_flat_map_is_the_same(data: st.DataObject) -> None:
    synapse = data.draw(shapes.flatmap(anything))
    pre, post = (1, 1, prod(synapse.pre_shape)), (prod(synapse.post_shape), 1, 1)
    other = between(synapse, pre, post)
    assert (other.pre_shape, other.post_shape) == (pre, post)
    x = rates(data.draw(randoms), synapse.pre_shape)
    wanted = synapse.apply(x).reshape(2, *post)
    assert np.array_equal(other.apply(x.reshape(2, *pre)), wanted)


def test_between_the_same_shapes_it_is_the_same_object() -> None:
    synapse = identity((2, 3, 3))
    assert between(synapse, (2, 3, 3), (2, 3, 3)) is synapse


@quick
@given(shapes, randoms)
def test_identity_passes_everything_on(shape: Shape, random: np.random.Generator) -> None:
    x = rates(random, shape)
    assert np.array_equal(identity(shape).apply(x), x)


@quick
@given(st.data())
def test_matrix_is_the_map_of_unit_vectors(data: st.DataObject) -> None:
    synapse = data.draw(shapes.flatmap(anything))
    found = matrix(synapse)
    assert np.array_equal(found.toarray(), naive.matrix(synapse))
    assert np.all(found.data != 0)


def corners(low: float, high: float, count: int) -> Array:
    """List every way in which `count` sources lie at either end, (2^count, count)."""
    bits = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    return np.where(bits == 1, high, low)


@quick
@given(st.data(), st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (-2.0, -1.0), (1.0, 3.0)]))
def test_the_drive_range_is_reached_and_never_left(
    data: st.DataObject, ends: tuple[float, float]
) -> None:
    small = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 2))
    synapse = data.draw(small.flatmap(synapses))
    low, high = drive_range(synapse, *ends)
    each = corners(*ends, prod(synapse.pre_shape)).reshape(-1, *synapse.pre_shape)
    drives = synapse.apply(each)
    assert np.array_equal(drives.min(axis=0), low)
    assert np.array_equal(drives.max(axis=0), high)


@quick
@given(st.data())
def test_post_channels_name_the_target_of_every_weight(data: st.DataObject) -> None:
    synapse = data.draw(shapes.flatmap(synapses))
    factor = np.arange(1, synapse.post_shape[0] + 1)
    channels = np.broadcast_to(post_channels(synapse), synapse.weight.shape)
    marked: Any = with_weight(synapse, synapse.weight * factor[channels])
    x = rates(data.draw(randoms), synapse.pre_shape)
    assert np.array_equal(marked.apply(x), synapse.apply(x) * factor[:, None, None])


@quick
@given(st.data())
def test_what_was_given_is_not_written(data: st.DataObject) -> None:
    a = data.draw(shapes.flatmap(anything))
    b = data.draw(sparses(a.post_shape, (2, 1, 1)))
    before = a.weight.copy(), b.weight.copy()
    compose(a, b, "h")
    drive_range(a, 0, 1)
    assert np.array_equal(a.weight, before[0])
    assert np.array_equal(b.weight, before[1])
