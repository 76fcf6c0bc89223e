"""Each rewrite keeps the function, changes only what it is for, and ends."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Affine, GlobalAveragePool, Identity, MaxPool, Sum, Transpose
from neurocomp.frontend.tidy import tidy
from tests.ann.corpus import CORPUS
from tests.ann.net import Net, samples
from tests.ann.strategies import graphs


def same(graph: Graph) -> Graph:
    """Tidy, and compare the outputs."""
    after = tidy(graph)
    assert max(len(s) for s in after.shapes.values()) <= 3
    x = samples(graph, 3)
    before = graph.run(x)[graph.output]
    np.testing.assert_allclose(after.run(x)[after.output], before, rtol=1e-5, atol=1e-5)
    assert tidy(after) is after
    return after


def ops(graph: Graph) -> list[str]:
    return [type(n.op).__name__ for n in graph.nodes]


def identities() -> tuple[Graph, list[str]]:
    net = Net(1, (4,))
    x = net.add(Identity(), net.relu(net.add(Identity(), net.x)))
    return net.graph(net.add(Identity(), net.reshape(x, 4))), ["Relu"]


def only_an_identity() -> tuple[Graph, list[str]]:
    net = Net(1, (4,))
    return net.graph(net.add(Identity(), net.add(Identity(), net.x))), ["Identity"]


def pools_of_one_element() -> tuple[Graph, list[str]]:
    net = Net(1, (2, 4, 4))
    x = net.add(MaxPool(kernel=(1, 1)), net.relu(net.conv(net.x, 3)))
    x = net.add(MaxPool(kernel=(1, 1), strides=(2, 2)), x)
    return net.graph(net.linear(net.flat(x), 2)), ["Conv", "Relu", "MaxPool", "Reshape", "Linear"]


def views() -> tuple[Graph, list[str]]:
    net = Net(2, (4, 3, 1))
    x = net.reshape(net.reshape(net.transpose(net.x, 2, 0, 1), 2, 6), 12)
    return net.graph(net.linear(x, 2)), ["Reshape", "Linear"]


def inverse_transposes() -> tuple[Graph, list[str]]:
    net = Net(3, (2, 3, 4))
    return net.graph(net.relu(net.transpose(net.transpose(net.x, 2, 0, 1), 1, 2, 0))), ["Relu"]


def two_transposes() -> tuple[Graph, list[str]]:
    """They do not commute."""
    net = Net(15, (2, 3, 4))
    x = net.transpose(net.transpose(net.x, 1, 2, 0), 0, 2, 1)
    return net.graph(net.conv(x, 2, (1, 2))), ["Transpose", "Conv"]


def sinking() -> tuple[Graph, list[str]]:
    """The transpose passes everything that treats elements alike, then meets its inverse."""
    net = Net(4, (2, 3, 4))
    t = net.transpose(net.relu(net.x), 1, 2, 0)
    scale = net.weights(3, 4, 1)
    a = net.add(Affine(scale=scale, shift=net.weights(1, 4, 2)), t)
    b = net.add(Sum(signs=(1, -1)), net.clip(a), t)
    c = net.concat(b, t, axis=1)
    d = net.pad(c, (1, 0, 2), (0, 3, 0))
    return (
        net.graph(net.conv(net.transpose(d, 2, 0, 1), 2, (1, 1))),
        ["Relu", "Affine", "Clip", "Sum", "Concat", "Pad", "Conv"],
    )


def mean_kept() -> tuple[Graph, list[str]]:
    net = Net(5, (2, 3, 4))
    x = net.add(GlobalAveragePool(axes=(0, 1)), net.transpose(net.x, 1, 2, 0))
    return net.graph(net.flat(x)), ["GlobalAveragePool", "Reshape"]


def mean_gone() -> tuple[Graph, list[str]]:
    net = Net(6, (2, 3, 4))
    x = net.add(GlobalAveragePool(axes=(0,), keep_axes=False), net.transpose(net.x, 2, 0, 1))
    return net.graph(net.relu(x)), ["GlobalAveragePool", "Relu"]


def mean_in_another_order() -> tuple[Graph, list[str]]:
    net = Net(6, (2, 3, 4))
    x = net.add(GlobalAveragePool(axes=(0,), keep_axes=False), net.transpose(net.x, 2, 1, 0))
    return net.graph(net.relu(x)), ["Transpose", "GlobalAveragePool", "Relu"]


def dense_of_channels_last() -> tuple[Graph, list[str]]:
    net = Net(7, (2, 3, 4))
    return net.graph(net.linear(net.flat(net.transpose(net.x, 1, 2, 0)), 3)), ["Reshape", "Linear"]


def two_readers() -> tuple[Graph, list[str]]:
    """The transpose stays for the reader that needs it."""
    net = Net(8, (2, 3, 4))
    t = net.transpose(net.x, 1, 2, 0)
    dense = net.linear(net.flat(t), 3)
    mean = net.linear(net.flat(net.average(t, (2, 2))), 3)
    return net.graph(net.sum(dense, mean)), [
        "Reshape",
        "Linear",
        "Transpose",
        "AveragePool",
        "Reshape",
        "Linear",
        "Sum",
    ]


def channel_shuffle() -> tuple[Graph, list[str]]:
    net = Net(14, (6, 2, 3))
    x = net.transpose(net.reshape(net.relu(net.x), 3, 2, 2, 3), 1, 0, 2, 3)
    return (
        net.graph(net.conv(net.reshape(x, 6, 2, 3), 2, (1, 1))),
        ["Relu", "Reshape", "Transpose", "Reshape", "Conv"],
    )


def transposed_output() -> tuple[Graph, list[str]]:
    net = Net(9, (2, 3))
    return net.graph(net.relu(net.transpose(net.x, 1, 0))), ["Transpose", "Relu"]


def shift_after_convolution() -> tuple[Graph, list[str]]:
    net = Net(10, (2, 4, 4))
    x = net.conv(net.x, 3)
    x = net.add(Affine(scale=np.ones((1, 1, 1), np.float32), shift=net.weights(3, 1, 1)), x)
    x = net.linear(net.flat(x), 3)
    one = np.ones(1, np.float32)
    return net.graph(net.add(Affine(scale=one, shift=one), x)), ["Conv", "Reshape", "Linear"]


def shift_of_positions() -> tuple[Graph, list[str]]:
    net = Net(11, (2, 4, 4))
    x = net.conv(net.x, 3)
    shift = net.weights(3, 2, 2)
    x = net.add(Affine(scale=np.ones((1, 1, 1), np.float32), shift=shift), x)
    return net.graph(x), ["Conv", "Affine"]


def shift_of_one_reader() -> tuple[Graph, list[str]]:
    """The value without the shift is read too: nothing can be absorbed."""
    net = Net(12, (4,))
    x = net.linear(net.x, 3)
    one = np.ones(1, np.float32)
    return net.graph(net.sum(net.add(Affine(scale=one, shift=one), x), x)), [
        "Linear",
        "Affine",
        "Sum",
    ]


CASES: tuple[Callable[[], tuple[Graph, list[str]]], ...] = (
    identities,
    only_an_identity,
    pools_of_one_element,
    views,
    inverse_transposes,
    two_transposes,
    sinking,
    mean_kept,
    mean_gone,
    mean_in_another_order,
    dense_of_channels_last,
    two_readers,
    channel_shuffle,
    transposed_output,
    shift_after_convolution,
    shift_of_positions,
    shift_of_one_reader,
)


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_rewrite_keeps_the_function(make: Callable[[], tuple[Graph, list[str]]]) -> None:
    graph, expected = make()
    assert sorted(ops(same(graph))) == sorted(expected)


@pytest.mark.parametrize("name", CORPUS)
def test_a_corpus_network_keeps_its_function(name: str) -> None:
    same(CORPUS[name]())


@settings(deadline=None)
@given(graphs())
def test_random_graphs_keep_their_function(graph: Graph) -> None:
    same(graph)


def test_a_graph_with_nothing_to_do_stays_the_same_object() -> None:
    graph = CORPUS["lenet"]()
    assert tidy(graph) is graph


def test_a_transpose_keeps_its_name_where_it_sinks() -> None:
    net = Net(13, (2, 3))
    x = net.relu(net.transpose(net.x, 1, 0))
    graph = tidy(net.graph(net.average(x, (2,))))
    assert isinstance(graph.index["relu1.transposed"].op, Transpose)
    assert graph.index["relu1"].inputs == ("x",)
