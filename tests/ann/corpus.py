"""Small networks that between them use every operator in every place: `CORPUS`, name -> maker."""

from collections.abc import Callable

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Affine, Conv, Linear, Sum
from tests.ann.net import Net, floats


def one_layer() -> Graph:
    net = Net(1, (5,))
    return net.graph(net.linear(net.x, 4))


def one_convolution() -> Graph:
    net = Net(2, (2, 6, 6))
    return net.graph(net.conv(net.x, 3))


def two_dense() -> Graph:
    net = Net(3, (6,))
    return net.graph(net.linear(net.relu(net.linear(net.x, 8)), 3))


def twelve_layers() -> Graph:
    net = Net(4, (2, 6, 6))
    x = net.x
    for _ in range(9):
        x = net.relu(net.conv(x, 4, pads=(1, 1, 1, 1)))
    x = net.flat(net.average(x))
    for width in (10, 10):
        x = net.relu(net.linear(x, width))
    return net.graph(net.linear(x, 3))


def lenet() -> Graph:
    net = Net(5, (1, 10, 10))
    x = net.average(net.relu(net.conv(net.x, 3)))
    x = net.average(net.relu(net.conv(x, 5)))
    return net.graph(net.linear(net.relu(net.linear(net.flat(x), 8)), 4))


def stride() -> Graph:
    net = Net(6, (2, 7, 7))
    x = net.relu(net.conv(net.x, 4, strides=(2, 2)))
    return net.graph(net.linear(net.flat(net.relu(net.conv(x, 4, (2, 2), (2, 1)))), 3))


def dilation() -> Graph:
    net = Net(7, (2, 7, 6))
    x = net.relu(net.conv(net.x, 3, dilations=(2, 1)))
    x = net.relu(net.conv(x, 4, (2, 2), pads=(1, 1, 0, 2), dilations=(1, 2)))
    return net.graph(net.linear(net.flat(x), 3))


def odd_pads() -> Graph:
    net = Net(8, (1, 5, 6))
    x = net.relu(net.conv(net.x, 3, (3, 2), pads=(2, 0, 1, 1)))
    return net.graph(net.linear(net.flat(net.relu(net.conv(x, 3, (2, 3), pads=(0, 2, 1, 0)))), 3))


def groups() -> Graph:
    net = Net(9, (4, 5, 5))
    x = net.relu(net.conv(net.x, 6, groups=2))
    return net.graph(net.linear(net.flat(net.relu(net.conv(x, 4, (2, 2), groups=2))), 3))


def depthwise() -> Graph:
    net = Net(10, (2, 6, 6))
    x = net.relu(net.conv(net.x, 4, (1, 1)))
    x = net.relu(net.conv(x, 8, pads=(1, 1, 1, 1), strides=(2, 2), groups=4))
    return net.graph(net.linear(net.mean(net.relu(net.conv(x, 6, (1, 1)))), 3))


def one_dimension() -> Graph:
    net = Net(11, (2, 12))
    x = net.relu(net.conv(net.x, 4, (3,), pads=(1, 0)))
    x = net.relu(net.conv(x, 4, (3,), strides=(2,), dilations=(2,)))
    return net.graph(net.linear(net.flat(x), 3))


def one_dimension_pools() -> Graph:
    net = Net(12, (2, 12))
    x = net.average(net.relu(net.conv(net.x, 4, (3,))), (2,))
    x = net.max(net.relu(net.conv(x, 4, (2,))), (2,))
    return net.graph(net.linear(net.mean(net.relu(net.conv(x, 5, (1,)))), 3))


def norm_before_relu() -> Graph:
    net = Net(13, (2, 6, 6))
    x = net.relu(net.affine(net.conv(net.x, 4)))
    return net.graph(net.linear(net.relu(net.affine(net.linear(net.flat(x), 8))), 3))


def norm_after_relu() -> Graph:
    net = Net(14, (2, 6, 6))
    x = net.affine(net.relu(net.conv(net.x, 4)))
    x = net.affine(net.relu(net.conv(x, 4)))
    return net.graph(net.linear(net.flat(x), 3))


def norm_after_relu_before_pads() -> Graph:
    net = Net(15, (2, 5, 5))
    x = net.affine(net.relu(net.conv(net.x, 3)))
    return net.graph(net.linear(net.flat(net.relu(net.conv(x, 4, pads=(1, 1, 1, 1)))), 3))


def norm_of_input() -> Graph:
    net = Net(16, (3, 5, 5))
    return net.graph(net.linear(net.flat(net.relu(net.conv(net.affine(net.x), 4))), 3))


def norm_of_positions() -> Graph:
    net = Net(17, (2, 4, 4))
    x = net.relu(net.conv(net.x, 3, pads=(1, 1, 1, 1)))
    scale = net.random.uniform(0.5, 1.5, (1, 4, 4)).astype(np.float32)
    shift = net.random.uniform(-0.2, 0.2, (3, 4, 4)).astype(np.float32)
    x = net.relu(net.add(Affine(scale=scale, shift=shift), x))
    return net.graph(net.linear(net.flat(x), 3))


def negative_norm() -> Graph:
    net = Net(18, (2, 4, 4))
    x = net.relu(net.conv(net.x, 3))
    scale = floats([[[-1.0]], [[0.0]], [[1.5]]])
    x = net.add(Affine(scale=scale, shift=floats([[[0.7]], [[0.3]], [[-0.1]]])), x)
    return net.graph(net.linear(net.relu(net.linear(net.flat(x), 5)), 3))


def average_pool_padded() -> Graph:
    net = Net(19, (2, 6, 6))
    x = net.average(net.relu(net.conv(net.x, 3)), (2, 2), pads=(1, 1, 1, 1))
    return net.graph(net.linear(net.flat(x), 3))


def average_pool_counting_pads() -> Graph:
    net = Net(20, (2, 6, 6))
    x = net.average(net.relu(net.conv(net.x, 3)), (3, 2), pads=(1, 0, 1, 1), count_pads=True)
    return net.graph(net.linear(net.flat(net.relu(net.conv(x, 3, (2, 2)))), 3))


def average_pool_overlapping() -> Graph:
    net = Net(21, (2, 7, 7))
    x = net.average(net.relu(net.conv(net.x, 3)), (3, 3), strides=(2, 1))
    return net.graph(net.linear(net.flat(x), 3))


def average_pool_overhanging() -> Graph:
    net = Net(22, (2, 7, 7))
    x = net.average(net.relu(net.conv(net.x, 3)), (2, 2), ceil=True)
    return net.graph(net.linear(net.flat(net.relu(net.conv(x, 3, (2, 2)))), 3))


def average_pool_of_input() -> Graph:
    net = Net(23, (2, 6, 6))
    return net.graph(net.linear(net.flat(net.relu(net.conv(net.average(net.x), 4, (2, 2)))), 3))


def global_average_pool() -> Graph:
    net = Net(24, (2, 6, 6))
    x = net.relu(net.conv(net.relu(net.conv(net.x, 4)), 5, (1, 1)))
    return net.graph(net.linear(net.flat(net.mean(x, keep_axes=True)), 3))


def fully_convolutional() -> Graph:
    net = Net(25, (2, 6, 6))
    x = net.relu(net.conv(net.x, 4))
    return net.graph(net.mean(net.conv(x, 3, (1, 1))))


def max_pool_after_relu() -> Graph:
    net = Net(26, (2, 6, 6))
    x = net.max(net.relu(net.conv(net.x, 4)))
    return net.graph(net.linear(net.flat(x), 3))


def max_pool_before_relu() -> Graph:
    net = Net(27, (2, 6, 6))
    x = net.relu(net.max(net.conv(net.x, 4)))
    return net.graph(net.linear(net.relu(net.linear(net.flat(x), 6)), 3))


def max_pool_before_norm() -> Graph:
    net = Net(58, (2, 6, 6))
    x = net.relu(net.affine(net.max(net.conv(net.x, 4))))
    return net.graph(net.linear(net.flat(x), 3))


def max_pool_overlapping() -> Graph:
    net = Net(28, (2, 7, 7))
    x = net.max(net.relu(net.conv(net.x, 3)), (3, 3), strides=(2, 2))
    return net.graph(net.linear(net.flat(net.relu(net.conv(x, 4, (2, 2)))), 3))


def max_pool_padded() -> Graph:
    net = Net(29, (2, 6, 6))
    x = net.max(net.relu(net.conv(net.x, 3)), (3, 2), strides=(2, 2), pads=(1, 0, 1, 1))
    return net.graph(net.linear(net.flat(x), 3))


def residual_after_relu() -> Graph:
    net = Net(30, (2, 5, 5))
    x = net.relu(net.conv(net.x, 3, pads=(1, 1, 1, 1)))
    y = net.relu(net.conv(x, 3, pads=(1, 1, 1, 1)))
    return net.graph(net.linear(net.flat(net.relu(net.conv(net.sum(x, y), 3))), 3))


def residual_before_relu() -> Graph:
    net = Net(31, (2, 5, 5))
    x = net.relu(net.conv(net.x, 3, pads=(1, 1, 1, 1)))
    y = net.relu(net.conv(x, 3, pads=(1, 1, 1, 1)))
    y = net.affine(net.conv(y, 3, pads=(1, 1, 1, 1)))
    x = net.relu(net.sum(y, x))
    return net.graph(net.linear(net.flat(x), 3))


def residual_projected() -> Graph:
    net = Net(32, (2, 6, 6))
    x = net.relu(net.conv(net.x, 3, pads=(1, 1, 1, 1)))
    y = net.relu(net.conv(x, 4, strides=(2, 2), pads=(1, 1, 1, 1)))
    y = net.conv(y, 4, pads=(1, 1, 1, 1))
    x = net.relu(net.sum(y, net.conv(x, 4, (1, 1), strides=(2, 2))))
    return net.graph(net.linear(net.mean(x), 3))


def skip_from_input() -> Graph:
    net = Net(33, (2, 5, 5))
    y = net.relu(net.conv(net.x, 2, pads=(1, 1, 1, 1)))
    x = net.relu(net.sum(net.conv(y, 2, pads=(1, 1, 1, 1)), net.x))
    return net.graph(net.linear(net.flat(x), 3))


def difference_of_branches() -> Graph:
    net = Net(34, (6,))
    x = net.relu(net.linear(net.x, 6))
    y = net.relu(net.linear(x, 6))
    x = net.relu(net.add(Sum(signs=(1, -1)), y, x))
    return net.graph(net.linear(x, 3))


def three_branches() -> Graph:
    net = Net(35, (4,))
    x = net.relu(net.linear(net.x, 5))
    y = net.relu(net.linear(x, 5))
    z = net.relu(net.linear(y, 5))
    return net.graph(net.linear(net.relu(net.sum(x, y, z)), 3))


def value_added_to_itself() -> Graph:
    net = Net(36, (4,))
    x = net.relu(net.linear(net.x, 5))
    return net.graph(net.linear(net.sum(x, x), 3))


def concat() -> Graph:
    net = Net(37, (2, 5, 5))
    x = net.relu(net.conv(net.x, 2, (1, 1)))
    y = net.relu(net.conv(net.x, 3, pads=(1, 1, 1, 1)))
    return net.graph(net.linear(net.flat(net.relu(net.conv(net.concat(x, y), 4))), 3))


def concat_of_unequal_depth() -> Graph:
    net = Net(38, (2, 5, 5))
    x = net.relu(net.conv(net.x, 2, pads=(1, 1, 1, 1)))
    y = net.relu(net.conv(net.relu(net.conv(x, 3, (1, 1))), 3, pads=(1, 1, 1, 1)))
    return net.graph(net.linear(net.flat(net.relu(net.conv(net.concat(x, y), 3))), 3))


def concat_into_dense() -> Graph:
    net = Net(39, (2, 4, 4))
    x = net.flat(net.relu(net.conv(net.x, 2)))
    y = net.relu(net.linear(net.flat(net.x), 5))
    return net.graph(net.linear(net.concat(x, y), 3))


def concat_with_input() -> Graph:
    net = Net(40, (2, 5, 5))
    x = net.concat(net.relu(net.conv(net.x, 2, pads=(1, 1, 1, 1))), net.x)
    return net.graph(net.linear(net.flat(net.relu(net.conv(x, 3))), 3))


def concat_of_rows() -> Graph:
    net = Net(41, (2, 4, 4))
    x = net.relu(net.conv(net.x, 3, pads=(1, 1, 1, 1)))
    y = net.relu(net.conv(net.x, 3, (2, 1), strides=(2, 1)))
    return net.graph(net.linear(net.flat(net.concat(x, y, axis=1)), 3))


def concat_before_relu() -> Graph:
    net = Net(42, (2, 4, 4))
    x = net.concat(net.conv(net.x, 2), net.average(net.x, (3, 3), strides=(1, 1)))
    return net.graph(net.linear(net.flat(net.relu(x)), 3))


def inception() -> Graph:
    net = Net(43, (2, 4, 4))
    x = net.relu(net.conv(net.x, 3, pads=(1, 1, 1, 1)))
    a = net.relu(net.conv(x, 2, (1, 1)))
    b = net.relu(net.conv(net.relu(net.conv(x, 2, (1, 1))), 2, pads=(1, 1, 1, 1)))
    pooled = net.average(x, (3, 3), strides=(1, 1), pads=(1, 1, 1, 1))
    c = net.relu(net.conv(pooled, 2, (1, 1)))
    d = net.max(x, (3, 3), strides=(1, 1), pads=(1, 1, 1, 1))
    return net.graph(net.linear(net.mean(net.relu(net.conv(net.concat(a, b, c, d), 4))), 3))


def bias_only() -> Graph:
    net = Net(44, (4,))
    weight = net.weights(6, 4)
    weight[::2] = 0
    bias = floats([0.5, 0.1, 0.25, -0.1, 0.0, 0.2])
    x = net.relu(net.add(Linear(weight=weight, bias=bias), net.x))
    return net.graph(net.linear(x, 3))


def dead_neurons() -> Graph:
    net = Net(45, (2, 5, 5))
    weight = net.weights(4, 2, 3, 3)
    weight[1] = -np.abs(weight[1])
    bias = floats([0.1, -1.0, 0.0, 0.1])
    x = net.relu(net.add(Conv(weight=weight, bias=bias), net.x))
    x = net.relu(net.linear(net.flat(x), 6))
    return net.graph(net.linear(x, 3))


def dead_layer() -> Graph:
    net = Net(46, (4,))
    dead = Linear(weight=-np.ones((3, 4), np.float32), bias=-np.ones(3, np.float32))
    return net.graph(net.linear(net.relu(net.add(dead, net.x)), 3))


def relu6() -> Graph:
    net = Net(47, (2, 6, 6))
    x = net.clip(net.conv(net.x, 4))
    x = net.clip(net.conv(x, 4, groups=4))
    return net.graph(net.linear(net.flat(x), 3))


def relu_with_low_ceiling() -> Graph:
    net = Net(48, (5,))
    x = net.clip(net.linear(net.x, 8), 0.5)
    return net.graph(net.linear(net.clip(net.linear(x, 6), 0.25), 3))


def channels_last() -> Graph:
    net = Net(49, (6, 6, 2))
    x = net.relu(net.conv(net.transpose(net.x, 2, 0, 1), 4))
    x = net.flat(net.transpose(net.average(x), 1, 2, 0))
    return net.graph(net.linear(x, 3))


def transposed_dense() -> Graph:
    net = Net(50, (3, 4))
    x = net.flat(net.transpose(net.relu(net.affine(net.x)), 1, 0))
    return net.graph(net.linear(x, 3))


def reshaped() -> Graph:
    net = Net(51, (12,))
    x = net.relu(net.conv(net.reshape(net.x, 3, 2, 2), 4, (2, 2), pads=(1, 1, 0, 0)))
    return net.graph(net.linear(net.flat(x), 3))


def pad() -> Graph:
    net = Net(52, (2, 4, 4))
    x = net.relu(net.conv(net.pad(net.x, (0, 1, 2), (0, 2, 0)), 3))
    return net.graph(
        net.linear(net.flat(net.relu(net.conv(net.pad(x, (0,) * 3, (0, 1, 1)), 3))), 3)
    )


def pad_channels() -> Graph:
    net = Net(53, (2, 4, 4))
    x = net.relu(net.conv(net.x, 2, pads=(1, 1, 1, 1)))
    y = net.conv(x, 4, pads=(1, 1, 1, 1))
    x = net.relu(net.sum(y, net.pad(x, (1, 0, 0), (1, 0, 0))))
    return net.graph(net.linear(net.flat(x), 3))


def final_relu() -> Graph:
    net = Net(54, (6,))
    return net.graph(net.relu(net.linear(net.relu(net.linear(net.x, 8)), 4)))


def final_softmax() -> Graph:
    net = Net(55, (2, 4, 4))
    x = net.linear(net.flat(net.relu(net.conv(net.x, 3))), 4)
    return net.graph(net.softmax(x))


def final_average() -> Graph:
    net = Net(56, (2, 5, 5))
    return net.graph(net.flat(net.mean(net.relu(net.conv(net.x, 4)), keep_axes=True)))


def linear_chain() -> Graph:
    net = Net(57, (2, 5, 5))
    x = net.affine(net.average(net.conv(net.x, 3), (2, 2), strides=(1, 1)))
    return net.graph(net.linear(net.linear(net.flat(net.relu(x)), 6), 3))


_MAKERS: tuple[Callable[[], Graph], ...] = (
    one_layer,
    one_convolution,
    two_dense,
    twelve_layers,
    lenet,
    stride,
    dilation,
    odd_pads,
    groups,
    depthwise,
    one_dimension,
    one_dimension_pools,
    norm_before_relu,
    norm_after_relu,
    norm_after_relu_before_pads,
    norm_of_input,
    norm_of_positions,
    negative_norm,
    average_pool_padded,
    average_pool_counting_pads,
    average_pool_overlapping,
    average_pool_overhanging,
    average_pool_of_input,
    global_average_pool,
    fully_convolutional,
    max_pool_after_relu,
    max_pool_before_relu,
    max_pool_before_norm,
    max_pool_overlapping,
    max_pool_padded,
    residual_after_relu,
    residual_before_relu,
    residual_projected,
    skip_from_input,
    difference_of_branches,
    three_branches,
    value_added_to_itself,
    concat,
    concat_of_unequal_depth,
    concat_into_dense,
    concat_with_input,
    concat_of_rows,
    concat_before_relu,
    inception,
    bias_only,
    dead_neurons,
    dead_layer,
    relu6,
    relu_with_low_ceiling,
    channels_last,
    transposed_dense,
    reshaped,
    pad,
    pad_channels,
    final_relu,
    final_softmax,
    final_average,
    linear_chain,
)

CORPUS: dict[str, Callable[[], Graph]] = {maker.__name__: maker for maker in _MAKERS}
