"""Operations: the paper's three networks to the last one, and fan-outs against listed synapses."""

from math import prod

import numpy as np
import pytest

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.op import Op
from neurocomp.ann.ops import Conv, Linear, MaxPool, Relu, Reshape
from neurocomp.arrays import Array, Shape
from neurocomp.compiler import rewrite
from neurocomp.convert import convert
from neurocomp.operations import (
    ann_operations,
    fan_out,
    fan_out_without_borders,
    fan_outs,
    input_operations,
    neuron_updates,
    synaptic_operations,
)
from neurocomp.snn import synapses
from neurocomp.snn.boxes import whole
from neurocomp.snn.synapses import Synapse


def zeros(*shape: int) -> Array:
    """Give zeros that take no memory."""
    return np.broadcast_to(np.float32(0), shape)


Layer = Op | int | tuple[int, int, int]


def stack(shape: Shape, *layers: Layer) -> Graph:
    """Build a chain: (channels, kernel, pads) is a convolution, a number a dense layer."""
    nodes: list[Node] = []
    name, inner = "x", shape
    for n, layer in enumerate(layers):
        if isinstance(layer, int) and len(inner) > 1:
            inner = (prod(inner),)
            nodes.append(Node(name=f"flat{n}", op=Reshape(target=inner), inputs=(name,)))
            name = f"flat{n}"
        op = layer if isinstance(layer, Op) else _layer(layer, inner)
        nodes.append(Node(name=f"n{n}", op=op, inputs=(name,)))
        name, inner = f"n{n}", op.shape(inner)
    return Graph(input="x", input_shape=shape, nodes=tuple(nodes), output=name)


def _layer(layer: int | tuple[int, int, int], shape: Shape) -> Op:
    if isinstance(layer, int):
        return Linear(weight=zeros(layer, prod(shape)), bias=zeros(layer))
    channels, kernel, pad = layer
    weight = zeros(channels, shape[0], kernel, kernel)
    return Conv(weight=weight, bias=zeros(channels), pads=(pad,) * 4)


POOL = MaxPool(kernel=(2, 2), strides=(2, 2))
LENET = (*((6, 5, 0), Relu(), POOL), *((16, 5, 0), Relu(), POOL), (120, 5, 2), 84, 10)


def same(*channels: int) -> tuple[Layer, ...]:
    """Give 3 x 3 convolutions that keep the size; 0 is a pool."""
    return tuple((c, 3, 1) if c else POOL for c in channels)


DEEP = same(64, 64, 0, 128, 128, 0, *(256,) * 3, 0, *(512,) * 3, 0, *(512,) * 3, 0)
VGG = (*DEEP, 4096, 4096, 1000)
BINARY = (*same(128, 128, 0, 256, 256, 0, 512, 512, 0), 1024, 1024, 10)


@pytest.mark.parametrize(
    ("shape", "layers", "operations"),
    [
        ((1, 28, 28), LENET, 2_346_734),
        ((3, 224, 224), VGG, 30_954_085_352),
        ((3, 32, 32), BINARY, 1_234_393_098),
    ],
    ids=["lenet", "vgg16", "binarynet"],
)
def test_the_papers_networks_count_as_the_paper_counts(
    shape: Shape, layers: tuple[Layer, ...], operations: int
) -> None:
    assert ann_operations(stack(shape, *layers)) == operations


def test_borders_are_counted_when_asked_for() -> None:
    small = stack((1, 4, 4), (1, 3, 1))
    # 16 windows of 9 taps, of which 36 + 8 reach into the padding: (3 * 4 - 2)^2 are left
    assert ann_operations(small, borders=True) == 2 * 10**2 + 16
    assert ann_operations(small) == 2 * 16 * 9 + 16


def synapse_corpus() -> list[Synapse]:
    ones = np.ones
    return [
        synapses.Dense(weight=ones((5, 12)), pre_shape=(3, 2, 2), post_shape=(5, 1, 1)),
        synapses.Conv(weight=ones((4, 2, 3, 3)), pre_shape=(2, 5, 6), pads=(1, 0, 2, 1)),
        synapses.Conv(weight=ones((4, 1, 3, 2)), pre_shape=(2, 7, 6), strides=(2, 3), groups=2),
        synapses.Conv(weight=ones((2, 2, 2, 2)), pre_shape=(2, 6, 6), dilations=(2, 3)),
        synapses.Window(pre_shape=(3, 6, 5), kernel=(2, 3), strides=(2, 2), pads=(0, 1, 1, 0)),
        synapses.Sparse(
            weight=ones(4),
            pre=np.array([0, 2, 2, 1]),
            post=np.array([0, 0, 1, 3]),
            pre_shape=(3, 1, 1),
            post_shape=(4, 1, 1),
        ),
        *pooled_corpus(),
    ]


def pooled_corpus() -> list[Synapse]:
    """Give maps whose results overlapping, padded windows pool."""
    random = np.random.default_rng(0)
    pre, size = (2, 7, 6), (4, 7, 6)
    window = synapses.Window(pre_shape=size, kernel=(3, 2), strides=(2, 1), pads=(1, 0, 1, 1))
    edges = np.sort(random.choice(prod(size), 50))
    inner: list[synapses.Conv | synapses.Dense | synapses.Sparse] = [
        synapses.Conv(weight=np.ones((4, 1, 3, 3)), pre_shape=pre, pads=(1, 1, 1, 1), groups=2),
        synapses.Dense(weight=np.ones((prod(size), prod(pre))), pre_shape=pre, post_shape=size),
        synapses.Sparse(
            weight=np.ones(50),
            pre=random.integers(0, prod(pre), 50),
            post=edges,
            pre_shape=pre,
            post_shape=size,
        ),
    ]
    return [synapses.Pooled(inner=i, window=window) for i in inner]


@pytest.mark.parametrize("synapse", synapse_corpus(), ids=lambda s: type(s).__name__)
def test_fan_out_counts_the_synapses_that_are_listed(synapse: Synapse) -> None:
    pre = synapse.edges(whole(synapse.post_shape)).pre
    listed = np.bincount(pre, minlength=prod(synapse.pre_shape))
    assert (fan_out(synapse).ravel() == listed).all()


def test_the_toolbox_ignores_borders() -> None:
    conv = synapses.Conv(weight=np.ones((4, 2, 3, 3)), pre_shape=(2, 5, 5), pads=(1, 1, 1, 1))
    assert (fan_out_without_borders(conv) == 9 * 4).all()
    assert fan_out(conv)[0, 0, 0] == 4 * 4
    strided = synapses.Conv(weight=np.ones((4, 2, 3, 3)), pre_shape=(2, 5, 5), strides=(2, 2))
    assert (fan_out_without_borders(strided) == fan_out(strided)).all()


def test_the_lenets_fan_outs_are_those_of_the_toolbox() -> None:
    network = convert(rewrite(stack((1, 28, 28), *LENET_WITH_RELUS)), 0.0, 1.0)
    counted = fan_outs(network, borders=False)
    found = [int(each.max()) for each in counted.values()]
    assert found == [1, 400, 1, 3000, 84, 10, 0]
    assert input_operations(network) == 2 * 25 * 3456
    assert neuron_updates(network) == 3456 + 864 + 1024 + 256 + 1920 + 84 + 10


LENET_WITH_RELUS = (*LENET[:7], Relu(), 84, Relu(), 10)


def test_a_step_costs_the_fan_out_of_what_fired() -> None:
    fired = {"a": np.array([[True, False, True], [False, False, False]]), "b": np.ones((2, 1))}
    cost = synaptic_operations(fired, {"a": np.array([1, 10, 100]), "b": np.array([1000])})
    assert cost.tolist() == [1101, 1000]
