"""Random synapses and boxes, small enough to unfold."""

from math import gcd, prod

import numpy as np

from neurocomp.arrays import Shape
from neurocomp.snn.boxes import Box
from neurocomp.snn.synapses import Conv, Dense, Sparse, Synapse, Window


def shape(rng: np.random.Generator, most: int = 7) -> Shape:
    """Give (channels, rows, columns), sometimes flat."""
    if rng.random() < 0.2:
        return int(rng.integers(1, 12)), 1, 1
    channels, rows, columns = rng.integers(1, most, 3)
    return int(channels), int(rows), int(columns)


def box(rng: np.random.Generator, inside: Shape) -> Box:
    """Give a box with at least one neuron."""
    ranges = []
    for length in inside:
        first = int(rng.integers(0, length))
        ranges.append((first, int(rng.integers(first + 1, length + 1))))
    return Box(*ranges)


def dense(rng: np.random.Generator, pre: Shape, post: Shape) -> Dense:
    weight = rng.integers(-9, 10, (prod(post), prod(pre)))
    return Dense(weight=weight, pre_shape=pre, post_shape=post)


def sparse(rng: np.random.Generator, pre: Shape, post: Shape) -> Sparse:
    linked = rng.random((prod(post), prod(pre))) < rng.choice([0.05, 0.3])
    ends = np.nonzero(linked)
    weight = rng.integers(-9, 10, len(ends[0]))
    return Sparse(weight=weight, pre=ends[1], post=ends[0], pre_shape=pre, post_shape=post)


def conv(rng: np.random.Generator, pre: Shape, outs: int | None = None) -> Conv:
    """Give a convolution with any groups, strides, dilations and pads."""
    outs = outs or int(rng.integers(1, 4)) * int(rng.choice([1, pre[0]]))
    common = gcd(outs, pre[0])
    groups = int(rng.choice([g for g in range(1, common + 1) if common % g == 0]))
    while True:
        rows, columns = rng.integers(1, 4, 2)
        synapse = Conv(
            weight=rng.integers(-9, 10, (outs, pre[0] // groups, rows, columns)),
            pre_shape=pre,
            strides=pair(rng, 1, 4),
            pads=(*pair(rng, 0, 4), *pair(rng, 0, 4)),
            dilations=pair(rng, 1, 3),
            groups=groups,
        )
        if prod(synapse.post_shape):
            return synapse


def window(rng: np.random.Generator, pre: Shape) -> Window:
    while True:
        synapse = Window(
            pre_shape=pre,
            kernel=pair(rng, 1, 4),
            strides=pair(rng, 1, 4),
            pads=(*pair(rng, 0, 3), *pair(rng, 0, 3)),
            dilations=pair(rng, 1, 3),
        )
        if prod(synapse.post_shape):
            return synapse


def pair(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    first, second = rng.integers(low, high, 2)
    return int(first), int(second)


def linear(rng: np.random.Generator, pre: Shape) -> Synapse:
    """Give a synapse of a random kind that is not a window."""
    match rng.integers(4):
        case 0:
            return dense(rng, pre, shape(rng, 4))
        case 1:
            return sparse(rng, pre, shape(rng, 4))
        case _:
            return conv(rng, pre)
