"""Known networks as shapes: every array is a broadcast zero, so that none takes memory.

Pools have neurons of their own; the host injects the input. A concatenated value is the tuple of
the populations that it joins: a layer that reads it has one projection from each.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, Neuron
from neurocomp.snn.synapses import Conv, Dense, Synapse

Value = tuple[str, ...]  # populations, joined along channels
Pair = tuple[int, int]


def zeros(*shape: int) -> Array:
    return np.broadcast_to(np.int64(0), shape)


@dataclass
class Shapes:
    """A network that grows layer by layer."""

    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)

    def layer(self, shape: Shape, synapses: dict[str, Synapse], neuron: Neuron) -> Value:
        name = f"p{len(self.populations)}"
        zero = zeros(*shape)
        self.populations.append(
            Population(name=name, shape=shape, neuron=neuron, v_init=zero, bias=zero)
        )
        self.projections += [
            Projection(source=s, target=name, synapse=w) for s, w in synapses.items()
        ]
        return (name,)

    def shape(self, name: str) -> Shape:
        return self.populations[int(name[1:])].shape

    def fed(self, *shape: int) -> Value:
        """Add a layer that the host drives: its input takes no axons."""
        return self.layer(shape, {}, fires())

    def conv(
        self, pre: Value, channels: int, kernel: Pair, stride: int = 1, pad: Pair = (0, 0)
    ) -> Value:
        synapses: dict[str, Synapse] = {
            s: Conv(
                weight=zeros(channels, self.shape(s)[0], *kernel),
                pre_shape=self.shape(s),
                strides=(stride, stride),
                pads=(*pad, *pad),
            )
            for s in pre
        }
        return self.layer(next(iter(synapses.values())).post_shape, synapses, fires())

    def depthwise(self, pre: Value, kernel: int, stride: int = 1, pad: int = 0) -> Value:
        """Add a layer that keeps channels apart, a pool or a convolution: one population a part."""
        made: Value = ()
        for s in pre:
            channels = self.shape(s)[0]
            synapse = Conv(
                weight=zeros(channels, 1, kernel, kernel),
                pre_shape=self.shape(s),
                strides=(stride, stride),
                pads=(pad,) * 4,
                groups=channels,
            )
            made += self.layer(synapse.post_shape, {s: synapse}, fires())
        return made

    def dense(self, pre: Value, features: int, neuron: Neuron | None = None) -> Value:
        post = (features, 1, 1)
        synapses: dict[str, Synapse] = {
            s: Dense(
                weight=zeros(features, int(np.prod(self.shape(s)))),
                pre_shape=self.shape(s),
                post_shape=post,
            )
            for s in pre
        }
        return self.layer(post, synapses, neuron or fires())

    def network(self) -> Network:
        return Network(
            inputs=(),
            currents=(),
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            readout=self.populations[-1].name,
        )


def fires() -> IntegrateAndFire:
    return IntegrateAndFire(v_threshold=zeros(1), reset="zero")


def lenet() -> Network:
    """LeNet-5 on 28 x 28 padded by 2: 8,094 neurons."""
    net = Shapes()
    x = net.depthwise(net.fed(6, 28, 28), 2, 2)
    x = net.depthwise(net.conv(x, 16, (5, 5)), 2, 2)
    net.dense(net.dense(net.dense(x, 120), 84), 10, Accumulator())
    return net.network()


def nxtf_mnist() -> Network:
    """Three convolutions and a dense layer, of about the counts of NxTF's MNIST network.

    Its shape was not published, only about 4,000 neurons, 7,000 parameters and 341,000 connections.
    This one has 3,842, 6,972 and 340,560.
    """
    net = Shapes()
    x = net.conv(net.fed(14, 12, 12), 16, (3, 3))
    net.dense(net.conv(x, 6, (5, 5)), 10, Accumulator())
    return net.network()


def mobilenet(size: int) -> Network:
    """MobileNet-v1 of width 1 on `size` x `size`."""
    net = Shapes()
    x = net.fed(32, size // 2, size // 2)
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    for channels, stride in [*blocks, *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
        x = net.conv(net.depthwise(x, 3, stride, 1), channels, (1, 1))
    x = net.depthwise(x, size // 32)
    net.dense(x, 1000, Accumulator())
    return net.network()


def vgg16() -> Network:
    """VGG-16 on 224 x 224."""
    net = Shapes()
    x = net.conv(net.fed(64, 224, 224), 64, (3, 3), pad=(1, 1))
    for channels, convolutions in ((128, 2), (256, 3), (512, 3), (512, 3)):
        x = net.depthwise(x, 2, 2)
        for _ in range(convolutions):
            x = net.conv(x, channels, (3, 3), pad=(1, 1))
    x = net.depthwise(x, 2, 2)
    net.dense(net.dense(net.dense(x, 4096), 4096), 1000, Accumulator())
    return net.network()


def resnet18(size: int) -> Network:
    """ResNet-18 on `size` x `size`."""
    net = Shapes()
    x = net.depthwise(net.fed(64, size // 2, size // 2), 3, 2, 1)
    for channels, stride in (
        (64, 1),
        (64, 1),
        (128, 2),
        (128, 1),
        (256, 2),
        (256, 1),
        (512, 2),
        (512, 1),
    ):
        x = _residual(net, x[0], channels, stride)
    x = net.depthwise(x, size // 32)
    net.dense(x, 1000, Accumulator())
    return net.network()


def _residual(net: Shapes, pre: str, channels: int, stride: int) -> Value:
    """Add a block; its sum has neurons of its own, so that the convolution may be cut by inputs."""
    inner = net.conv((pre,), channels, (3, 3), stride, (1, 1))
    after = net.conv(inner, channels, (3, 3), pad=(1, 1))[0]
    same = net.shape(pre) == net.shape(after)
    skip = pre if same else net.conv((pre,), channels, (1, 1), stride)[0]
    each = Conv(weight=zeros(channels, 1, 1, 1), pre_shape=net.shape(after), groups=channels)
    return net.layer(each.post_shape, {after: each, skip: each}, fires())


def inception() -> Network:
    """Inception-v3 on 299 x 299, without its second head."""
    net = Shapes()
    x = net.conv(net.conv(net.fed(32, 149, 149), 32, (3, 3)), 64, (3, 3), pad=(1, 1))
    x = net.conv(net.depthwise(x, 3, 2), 80, (1, 1))
    x = net.depthwise(net.conv(x, 192, (3, 3)), 3, 2)
    for pooled in (32, 64, 64):
        x = _inception_a(net, x, pooled)
    x = _inception_b(net, x)
    for channels in (128, 160, 160, 192):
        x = _inception_c(net, x, channels)
    x = _inception_d(net, x)
    x = _inception_e(net, _inception_e(net, x))
    net.dense(net.depthwise(x, 8), 1000, Accumulator())
    return net.network()


def _inception_a(net: Shapes, x: Value, pooled: int) -> Value:
    five = net.conv(net.conv(x, 48, (1, 1)), 64, (5, 5), pad=(2, 2))
    three = net.conv(net.conv(x, 64, (1, 1)), 96, (3, 3), pad=(1, 1))
    three = net.conv(three, 96, (3, 3), pad=(1, 1))
    pool = net.conv(net.depthwise(x, 3, 1, 1), pooled, (1, 1))
    return (*net.conv(x, 64, (1, 1)), *five, *three, *pool)


def _inception_b(net: Shapes, x: Value) -> Value:
    three = net.conv(net.conv(x, 64, (1, 1)), 96, (3, 3), pad=(1, 1))
    three = net.conv(three, 96, (3, 3), 2)
    return (*net.conv(x, 384, (3, 3), 2), *three, *net.depthwise(x, 3, 2))


def _inception_c(net: Shapes, x: Value, channels: int) -> Value:
    row, column = ((1, 7), (0, 3)), ((7, 1), (3, 0))
    seven = net.conv(x, channels, (1, 1))
    seven = net.conv(seven, channels, row[0], pad=row[1])
    seven = net.conv(seven, 192, column[0], pad=column[1])
    double = net.conv(x, channels, (1, 1))
    for kernel, pad in (column, row, column):
        double = net.conv(double, channels, kernel, pad=pad)
    double = net.conv(double, 192, row[0], pad=row[1])
    pool = net.conv(net.depthwise(x, 3, 1, 1), 192, (1, 1))
    return (*net.conv(x, 192, (1, 1)), *seven, *double, *pool)


def _inception_d(net: Shapes, x: Value) -> Value:
    three = net.conv(net.conv(x, 192, (1, 1)), 320, (3, 3), 2)
    seven = net.conv(net.conv(x, 192, (1, 1)), 192, (1, 7), pad=(0, 3))
    seven = net.conv(seven, 192, (7, 1), pad=(3, 0))
    seven = net.conv(seven, 192, (3, 3), 2)
    return (*three, *seven, *net.depthwise(x, 3, 2))


def _inception_e(net: Shapes, x: Value) -> Value:
    three = net.conv(x, 384, (1, 1))
    double = net.conv(net.conv(x, 448, (1, 1)), 384, (3, 3), pad=(1, 1))
    wide = [
        y
        for part in (three, double)
        for kernel, pad in (((1, 3), (0, 1)), ((3, 1), (1, 0)))
        for y in net.conv(part, 384, kernel, pad=pad)
    ]
    pool = net.conv(net.depthwise(x, 3, 1, 1), 192, (1, 1))
    return (*net.conv(x, 320, (1, 1)), *wide, *pool)


NETWORKS: dict[str, Callable[[], Network]] = {
    "lenet": lenet,
    "mobilenet128": lambda: mobilenet(128),
    "mobilenet224": lambda: mobilenet(224),
    "inception3": inception,
    "vgg16": vgg16,
}
