"""Networks that the engine's choices depend on: widths of channels and weights, pools, cycles."""

from dataclasses import replace
from typing import Any

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.snn.estimates import Exponential, Fir
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import (
    Accumulator,
    IntegrateAndFire,
    MaxGate,
    MaxIntegrateAndFire,
    Neuron,
    Poisson,
)
from neurocomp.snn.synapses import Conv, Dense, Pooled, Synapse, Window

Random = np.random.Generator


def neurons(
    random: Random, name: str, shape: Shape, threshold: int, start: int = 1, **neuron: Any
) -> Population:
    spread = random.integers(threshold // 2 + 1, threshold + 2, shape)
    return Population(
        name=name,
        shape=shape,
        neuron=IntegrateAndFire(v_threshold=spread, **neuron),
        v_init=spread // 2,
        bias=random.integers(-2, 3, shape),
        start_step=start,
    )


def silent(name: str, shape: Shape, neuron: Neuron, start: int = 1) -> Population:
    zero = np.zeros(shape, dtype=np.int64)
    return Population(
        name=name, shape=shape, neuron=neuron, v_init=zero, bias=zero, start_step=start
    )


def link(
    source: str, target: str, synapse: Synapse, delay: int = 1, exponent: int = 0
) -> Projection:
    return Projection(
        source=source,
        target=target,
        synapse=synapse,
        delay_steps=delay,
        weight_exponent=exponent,
    )


def weights(random: Random, top: int, *shape: int) -> Array:
    return random.integers(-top, top + 1, shape)


def network(
    random: Random, first: Population, populations: list[Population], links: list[Projection]
) -> Network:
    """Drive `first` by a current and read all populations' last one out."""
    shape = first.shape
    scale = random.uniform(1, 9, (shape[0], 1, 1))
    source = Input(name="x", shape=(1, shape[1], shape[2]), low=0.0, high=1.0, grid=2.0**-8)
    kernel = random.integers(-16, 64, (shape[0], 1, 1, 1)) / 16
    last = populations[-1]
    out = silent("out", (3, 1, 1), Accumulator(), last.start_step + 1)
    size = int(np.prod(last.shape))
    readout = Dense(weight=weights(random, 9, 3, size), pre_shape=last.shape, post_shape=out.shape)
    return Network(
        inputs=(source,),
        currents=(
            Current(
                source="x",
                target=first.name,
                synapse=Conv(weight=kernel, pre_shape=source.shape),
                scale=scale,
            ),
        ),
        populations=(*populations, out),
        projections=(*links, link(last.name, "out", readout)),
        readout="out",
    )


def convolution(
    seed: int, channels: tuple[int, int] = (5, 7), top: int = 100, **conv: Any
) -> Network:
    """Two populations with a 3 x 3 convolution between them."""
    random = np.random.default_rng(seed)
    pre: Shape = (channels[0], 7, 6)
    groups = conv.get("groups", 1)
    kernel = weights(random, top, channels[1], channels[0] // groups, 3, 3)
    synapse = Conv(weight=kernel, pre_shape=pre, **conv)
    a = neurons(random, "a", pre, 20)
    b = neurons(random, "b", synapse.post_shape, 3 * top, start=2)
    return network(random, a, [a, b], [link("a", "b", synapse)])


def pooled(seed: int, side: int, channels: tuple[int, int] = (5, 7), **conv: Any) -> Network:
    """A convolution after an average pooling of `side`, composed into one kernel."""
    random = np.random.default_rng(seed)
    pre: Shape = (channels[0], 4 * side + 1, 5 * side)
    kernel = np.kron(weights(random, 100, *channels[::-1], 2, 3), np.ones((side, side), dtype=int))
    synapse = Conv(weight=kernel, pre_shape=pre, strides=(side, side), **conv)
    a = neurons(random, "a", pre, 20)
    b = neurons(random, "b", synapse.post_shape, 900, start=2)
    return network(random, a, [a, b], [link("a", "b", synapse)])


def busy(seed: int, side: int, channels: tuple[int, int], **conv: Any) -> Network:
    """A source whose neurons nearly all fire at every step, so that all are multiplied."""
    net = pooled(seed, side, channels, **conv) if side > 1 else convolution(seed, channels, **conv)
    first = replace(net.populations[0], bias=np.full(net.populations[0].shape, 20))
    return replace(net, populations=(first, *net.populations[1:]))


def pooled_dense(seed: int) -> Network:
    random = np.random.default_rng(seed)
    pre, post = (3, 6, 4), (70, 1, 1)
    kernel = np.kron(weights(random, 100, 70, 3, 3, 2), np.ones((2, 2), dtype=int))
    synapse = Dense(weight=kernel.reshape(70, -1), pre_shape=pre, post_shape=post)
    a, b = neurons(random, "a", pre, 20), neurons(random, "b", post, 900, start=2)
    return network(random, a, [a, b], [link("a", "b", synapse)])


def lopsided(seed: int) -> Network:
    """A dense layer whose first kernel alone looks like one after a pooling."""
    random = np.random.default_rng(seed)
    pre, post = (3, 4, 4), (40, 1, 1)
    kernel = weights(random, 100, 40, int(np.prod(pre)))
    kernel[0] = 7
    dense = Dense(weight=kernel, pre_shape=pre, post_shape=post)
    a, b = neurons(random, "a", pre, 20), neurons(random, "b", post, 300, start=2)
    return network(random, a, [a, b], [link("a", "b", dense)])


def residual(seed: int) -> Network:
    """Two paths of unequal length that meet, one with an exponent and a long delay."""
    random = np.random.default_rng(seed)
    shape: Shape = (4, 5, 5)
    conv = [
        Conv(weight=weights(random, 60, 4, 4, 3, 3), pre_shape=shape, pads=(1, 1, 1, 1))
        for _ in range(2)
    ]
    same = Conv(weight=np.full((4, 1, 1, 1), 9), pre_shape=shape, groups=4)
    a, b, c = (neurons(random, n, shape, 90, start=i + 1) for i, n in enumerate("abc"))
    links = [link("a", "b", conv[0]), link("b", "c", conv[1]), link("a", "c", same, 2, exponent=3)]
    return network(random, a, [a, b, c], links)


def recurrent(seed: int, delay: int = 1) -> Network:
    """A cycle of two populations, and one that feeds itself, with resets to zero."""
    random = np.random.default_rng(seed)
    shape: Shape = (4, 5, 5)

    def conv(top: int) -> Conv:
        kernel = weights(random, top, 4, 4, 3, 3)
        return Conv(weight=kernel, pre_shape=shape, pads=(1, 1, 1, 1))

    a, b, c = (neurons(random, n, shape, 90, reset="zero") for n in "abc")
    links = [
        link("a", "b", conv(60)),
        link("b", "a", conv(20), delay),
        link("b", "c", conv(60)),
        link("c", "c", conv(30), delay + 1),
    ]
    return network(random, a, [a, b, c], links)


def depthwise(seed: int, channels: int, **conv: Any) -> Network:
    """A convolution of each channel alone, then one through few of the channels."""
    random = np.random.default_rng(seed)
    alone = Conv(
        weight=weights(random, 90, channels, 1, 3, 2),
        pre_shape=(channels, 7, 6),
        groups=channels,
        **conv,
    )
    a = neurons(random, "a", alone.pre_shape, 20)
    b = neurons(random, "b", alone.post_shape, 100, start=2)
    return network(random, a, [a, b], [link("a", "b", alone, exponent=1)])


def pooling_drive(seed: int, channels: tuple[int, int] = (5, 7), **window: Any) -> Network:
    """Neurons with a compartment for each tap of a window over a convolution."""
    random = np.random.default_rng(seed)
    inner = Conv(weight=weights(random, 60, *channels[::-1], 3, 2), pre_shape=(channels[0], 9, 7))
    pooled = Pooled(inner=inner, window=Window(pre_shape=inner.post_shape, **window))
    a = neurons(random, "a", inner.pre_shape, 20)
    taps = (*pooled.post_shape, int(np.prod(pooled.kernel)))
    threshold = np.broadcast_to(random.integers(90, 180, pooled.post_shape)[..., None], taps)
    b = Population(
        name="b",
        shape=pooled.post_shape,
        neuron=MaxIntegrateAndFire(v_threshold=threshold),
        v_init=random.integers(0, 90, taps),
        bias=random.integers(-4, 5, taps),
        start_step=2,
    )
    return network(random, a, [a, b], [link("a", "b", pooled, 2)])


def drawn(seed: int, channels: int = 3) -> Network:
    """Input spikes drawn at random, into neurons without memory."""
    random = np.random.default_rng(seed)
    conv = Conv(weight=weights(random, 60, 70, channels, 3, 3), pre_shape=(channels, 6, 5))
    b = neurons(random, "b", conv.post_shape, 90, start=3, reset="always")
    a = silent("a", conv.pre_shape, Poisson(seed=seed))
    net = network(random, a, [a, b], [link("a", "b", conv)])
    probability = replace(
        net.currents[0],
        synapse=Conv(weight=np.full((channels, 1, 1, 1), 1.0), pre_shape=net.inputs[0].shape),
        scale=np.full((1, 1, 1), 30000.0),
    )
    return replace(net, currents=(probability,))


def gated(seed: int, channels: int = 5, **estimate: Any) -> Network:
    random = np.random.default_rng(seed)
    window = Window(pre_shape=(channels, 6, 5), kernel=(3, 2), strides=(2, 1), pads=(1, 1, 1, 0))
    a = neurons(random, "a", window.pre_shape, 20)
    gate = silent("gate", window.post_shape, MaxGate(**estimate), 2)
    return network(random, a, [a, gate], [link("a", "gate", window)])


def mixed(seed: int) -> Network:
    """Weights of 32 bits, and beside them an identity whose one weight has few bits."""
    net = convolution(seed, (5, 5), top=2**24, pads=(1, 1, 1, 1))
    shape, (first, *rest) = net.population("b").shape, net.projections
    point = Conv(weight=np.full((5, 1, 1, 1), 2**24), pre_shape=shape, groups=5)
    return replace(net, projections=(first, link("b", "b", point), *rest))


NETS = {
    "convolution": lambda: convolution(0),
    "16 channels": lambda: convolution(1, (16, 16)),
    "20 channels": lambda: convolution(2, (3, 20)),
    "64 channels": lambda: convolution(3, (64, 64)),
    "70 channels": lambda: convolution(4, (70, 70)),
    "int16 weights": lambda: convolution(5, (5, 70), top=30000),
    "weights of 12 bits": lambda: convolution(6, top=2000),
    "int32 weights": lambda: convolution(7, (5, 70), top=2**24),
    "int32 weights, few channels": lambda: convolution(8, top=2**24),
    "int32 weights beside 1 << 24": lambda: mixed(31),
    "many weights in int8": lambda: convolution(9, (250, 70), top=127),
    "pads": lambda: convolution(10, pads=(2, 0, 1, 3)),
    "strides": lambda: convolution(11, strides=(2, 3)),
    "dilation": lambda: convolution(12, dilations=(2, 1), pads=(1, 1, 1, 1)),
    "dilated columns": lambda: convolution(13, dilations=(1, 2), pads=(1, 1, 1, 1)),
    "groups": lambda: convolution(14, (6, 4), groups=2),
    "depthwise": lambda: convolution(15, (6, 6), groups=6),
    "pooled by 2": lambda: pooled(16, 2),
    "pooled by 3": lambda: pooled(17, 3),
    "pooled, padded": lambda: pooled(18, 2, pads=(2, 2, 2, 2)),
    "pooled, padded unevenly": lambda: pooled(19, 2, pads=(1, 0, 0, 1)),
    "pooled, 70 channels": lambda: pooled(20, 2, (66, 70)),
    "pooled, dense": lambda: pooled_dense(21),
    "busy": lambda: busy(27, 1, (6, 20), pads=(1, 1, 1, 1)),
    "busy, 70 channels": lambda: busy(28, 1, (70, 70)),
    "busy, pooled": lambda: busy(29, 2, (5, 40), pads=(2, 2, 0, 4)),
    "busy, weights of two bytes": lambda: busy(38, 1, (70, 70), top=2**14),
    "busy, weights of three bytes": lambda: busy(39, 1, (20, 40), top=2**20, pads=(1, 1, 1, 1)),
    "busy, weights of four bytes": lambda: busy(40, 1, (70, 20), top=2**27),
    "busy, strides": lambda: busy(30, 1, (3, 9), strides=(2, 3), pads=(0, 2, 1, 0)),
    "a first kernel of equal weights": lambda: lopsided(42),
    "residual": lambda: residual(22),
    "recurrent": lambda: recurrent(23),
    "recurrent, long delay": lambda: recurrent(24, delay=3),
    "gate": lambda: gated(25),
    "gate, 70 channels": lambda: gated(26, 70),
    "gate, exponential": lambda: gated(31, 70, estimate=Exponential(shift=2)),
    "gate, impulse response": lambda: gated(32, 5, estimate=Fir(weights=(0, 5, -7, 3))),
    "depthwise, 70 channels": lambda: depthwise(33, 70, pads=(1, 1, 0, 0), strides=(2, 1)),
    "depthwise, 18 channels": lambda: depthwise(34, 18, dilations=(2, 2)),
    "groups, several blocks": lambda: convolution(35, (140, 210), groups=70),
    "groups, two words": lambda: convolution(36, (96, 256), groups=2, pads=(1, 1, 1, 1)),
    "groups, busy": lambda: busy(37, 1, (140, 140), groups=2),
    "pooled drive": lambda: pooling_drive(38, kernel=(2, 2), strides=(2, 2)),
    "pooled drive, overlapping, padded": lambda: pooling_drive(
        39, (3, 70), kernel=(3, 3), strides=(2, 1), pads=(1, 1, 1, 1)
    ),
    "random input, no memory": lambda: drawn(40),
    "random input, 70 channels": lambda: drawn(41, 70),
}


def samples(net: Network, count: int) -> dict[str, Array]:
    random = np.random.default_rng(99)
    return {i.name: random.uniform(-0.1, 1.1, (count, *i.shape)) for i in net.inputs}
