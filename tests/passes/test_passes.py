"""One suite for every pass: same function, nothing written, nothing left to do, nothing copied."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import (
    Affine,
    Clip,
    Concat,
    Conv,
    Linear,
    MaxPool,
    MaxRelu,
    Relay,
    Relu,
    Sum,
)
from neurocomp.arrays import Array
from neurocomp.compiler import rewrite
from neurocomp.passes import (
    PASSES,
    REWRITES,
    AffineAfterMaxPool,
    AffineBeforeMaxPool,
    ConcatAfterNeurons,
    DropUnused,
    FoldAffine,
    HalfThreshold,
    MaxPoolAsRelus,
    MaxPoolGate,
    MaxPoolOnDrive,
    Normalise,
    Pass,
    PoissonInput,
    RelayLinear,
    ReluBeforeMaxPool,
    ResetToZero,
    SplitRange,
    SumInParts,
)
from neurocomp.passes.split_range import splittable
from tests.ann.corpus import CORPUS
from tests.ann.net import Net, samples
from tests.ann.strategies import graphs

Make = Callable[[Graph], Pass]


def normalise(graph: Graph) -> Pass:
    """Give the pass for what `graph` does on a few samples."""
    values = graph.run(samples(graph, 4))
    names = [n.name for n in graph.nodes if n.op.role == "neuron"]
    return Normalise(ranges={n: _channel_maxima(values[n]) for n in names})


def _channel_maxima(value: Array) -> Array:
    most: Array = value.reshape(len(value), value.shape[1], -1).max(axis=(0, 2))
    return most


def split_range(graph: Graph) -> Pass:
    """Give the pass with knees at a third and at two thirds of the maxima on a few samples."""
    values = graph.run(samples(graph, 4))
    most = {n: 0.1 + _channel_maxima(values[n]) for n in splittable(graph)}
    return SplitRange(knees={n: np.array([m / 3, 2 * m / 3]) for n, m in most.items()})


EXAMPLES: dict[type[Pass], Make] = {
    DropUnused: lambda graph: DropUnused(),
    FoldAffine: lambda graph: FoldAffine(),
    AffineAfterMaxPool: lambda graph: AffineAfterMaxPool(),
    AffineBeforeMaxPool: lambda graph: AffineBeforeMaxPool(),
    ReluBeforeMaxPool: lambda graph: ReluBeforeMaxPool(),
    ConcatAfterNeurons: lambda graph: ConcatAfterNeurons(),
    Normalise: normalise,
    HalfThreshold: lambda graph: HalfThreshold(),
    MaxPoolOnDrive: lambda graph: MaxPoolOnDrive(),
    MaxPoolAsRelus: lambda graph: MaxPoolAsRelus(),
    MaxPoolGate: lambda graph: MaxPoolGate(),
    ResetToZero: lambda graph: ResetToZero(),
    PoissonInput: lambda graph: PoissonInput(),
    RelayLinear: lambda graph: RelayLinear(worth=0.5),
    SumInParts: lambda graph: SumInParts(parts={n.name: 2 for n in graph.nodes}),
    SplitRange: split_range,
}
every_pass = pytest.mark.parametrize("kind", PASSES, ids=lambda kind: kind.name)


def arrays_of(graph: Graph) -> Iterator[Array]:
    for node in graph.nodes:
        for name in getattr(node.op, "__dataclass_fields__", ()):
            value = getattr(node.op, name)
            if isinstance(value, np.ndarray):
                yield value


def state(graph: Graph) -> list[object]:
    """Give all that a graph holds, by identity, and its arrays' contents."""
    kept: list[object] = [(id(n), n.name, id(n.op), n.inputs) for n in graph.nodes]
    kept += [a.tobytes() for a in arrays_of(graph)]
    return [*kept, graph.output, graph.v_init, {k: v.tobytes() for k, v in graph.units.items()}]


def close(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-4, atol=1e-5))


def check_pass(one: Pass, graph: Graph) -> Graph:
    """Check all that must hold of a pass on one graph, and give what it made."""
    before, x = state(graph), samples(graph, 3, seed=1)
    made = one(graph)
    assert state(graph) == before, "the graph that was given was written"
    assert made.shapes[made.output] == graph.shapes[graph.output]
    assert (made.input, made.input_shape) == (graph.input, graph.input_shape)
    assert close(made.run(x)[made.output], graph.run(x)[graph.output])
    assert one(made) is made, "a second run found something to do"
    if made is not graph:
        given_ops, left = {id(n.op) for n in graph.nodes}, list(made.nodes)
        for node in left:
            if id(node.op) not in given_ops:  # only what had to be computed anew may be new
                assert isinstance(
                    node.op, Affine | Clip | Conv | Linear | MaxRelu | Relay | Relu | Sum
                )
    return made


def test_every_pass_has_an_example() -> None:
    assert set(EXAMPLES) == set(PASSES)
    assert {type(one) for one in REWRITES} <= set(PASSES)
    assert len({kind.name for kind in PASSES}) == len(PASSES)


@every_pass
@pytest.mark.parametrize("name", CORPUS)
def test_a_pass_keeps_the_function(name: str, kind: type[Pass]) -> None:
    graph = CORPUS[name]()
    check_pass(EXAMPLES[kind](graph), graph)


@pytest.mark.parametrize("name", CORPUS)
def test_all_rewrites_together_keep_the_function(name: str) -> None:
    graph, x = CORPUS[name](), samples(CORPUS[name](), 3, seed=2)
    made = rewrite(graph)
    assert close(made.run(x)[made.output], graph.run(x)[graph.output])
    assert rewrite(made) is made, "a second round found something to do"


@st.composite
def stacks(draw: Callable[..., int]) -> Graph:
    """Draw a graph that grows in every direction the passes look at."""
    net = Net(draw(st.integers(0, 10**6)), (2, 8, 8))
    values = [net.x]
    for _ in range(draw(st.integers(1, 9))):
        kind = draw(st.integers(0, 9))
        x = values[-1 - draw(st.integers(0, min(1, len(values) - 1)))]
        rows = net.shapes[x][1]
        if kind <= 1:
            values.append(net.conv(x, 3, pads=(1, 1, 1, 1)))
        elif kind <= 3:
            values.append(net.affine(x))
        elif kind <= 5:
            values.append(net.relu(x) if kind == 4 else net.clip(x, 1.0))
        elif kind <= 7 and rows >= 2:
            values.append(net.max(x, (2, 2), strides=(1, 1), pads=(0, 1, 0, 0)))
        elif kind == 8:
            same = [v for v in values if net.shapes[v][1:] == net.shapes[x][1:]]
            values.append(net.concat(x, same[draw(st.integers(0, len(same) - 1))]))
        else:
            same = [v for v in values if net.shapes[v][0::2] == net.shapes[x][0::2]]
            values.append(net.concat(x, same[draw(st.integers(0, len(same) - 1))], axis=1))
    return net.graph(values[-1])


@settings(max_examples=25, deadline=None)
@given(st.one_of(stacks(), graphs()))
def test_random_graphs_keep_their_function(graph: Graph) -> None:
    for kind in PASSES:
        check_pass(EXAMPLES[kind](graph), graph)
    x, made = samples(graph, 2, seed=3), rewrite(graph)
    assert close(made.run(x)[made.output], graph.run(x)[graph.output])


# Each rewrite is seen to do its work


def kinds(graph: Graph) -> list[str]:
    return [type(n.op).__name__ for n in graph.nodes]


def test_unused_nodes_go() -> None:
    net = Net(1, (2, 4, 4))
    x = net.relu(net.conv(net.x, 3))
    net.affine(net.max(x))
    made = check_pass(DropUnused(), net.graph(x))
    assert kinds(made) == ["Conv", "Relu"]


def test_a_norm_folds_into_the_convolution_and_the_dense_layer_before_it() -> None:
    net = Net(2, (2, 5, 5))
    x = net.relu(net.affine(net.conv(net.x, 4, groups=2)))
    graph = net.graph(net.affine(net.affine(net.linear(net.flat(x), 3))))
    made = check_pass(FoldAffine(), graph)
    assert kinds(made) == ["Conv", "Relu", "Reshape", "Linear"]
    assert made.output == graph.output  # the value keeps its name
    conv = made.nodes[0].op
    assert isinstance(conv, Conv)
    assert conv.weight.dtype == np.float32


def test_a_folded_norm_is_equation_9() -> None:
    weight = np.array([[[[2.0]]], [[[4.0]]]], np.float32)
    conv = Conv(weight=weight, bias=np.array([1.0, -1.0], np.float32))
    norm = Affine(
        scale=np.array([[[3.0]], [[-0.5]]], np.float32),
        shift=np.array([[[10.0]], [[20.0]]], np.float32),
    )
    nodes = (Node(name="c", op=conv, inputs=("x",)), Node(name="n", op=norm, inputs=("c",)))
    graph = Graph(input="x", input_shape=(1, 2, 2), nodes=nodes, output="n")
    made = check_pass(FoldAffine(), graph).nodes[0].op
    assert isinstance(made, Conv)
    assert made.weight.ravel().tolist() == [6.0, -2.0]
    assert made.bias.tolist() == [13.0, 20.5]


@pytest.mark.parametrize("reader", ["twice", "output", "positions"])
def test_a_norm_that_cannot_fold_stays(reader: str) -> None:
    net = Net(3, (2, 5, 5))
    conv = net.conv(net.x, 2, pads=(1, 1, 1, 1))
    if reader == "positions":
        shift = np.ones((1, 5, 5), np.float32)
        out = net.add(Affine(scale=np.ones((1, 1, 1), np.float32), shift=shift), conv)
    else:
        norm = net.affine(conv)
        out = conv if reader == "output" else net.sum(norm, conv)
    graph = net.graph(out)
    assert check_pass(FoldAffine(), graph) is graph


def test_pooling_moves_before_an_increasing_norm() -> None:
    net = Net(4, (2, 6, 6))
    graph = net.graph(net.max(net.affine(net.relu(net.conv(net.x, 3))), pads=(1, 1, 1, 1)))
    made = check_pass(AffineAfterMaxPool(), graph)
    assert kinds(made) == ["Conv", "Relu", "MaxPool", "Affine"]


def test_an_increasing_norm_moves_before_the_pooling_of_a_linear_value() -> None:
    net = Net(14, (2, 6, 6))
    graph = net.graph(net.relu(net.affine(net.max(net.conv(net.x, 3), pads=(1, 1, 1, 1)))))
    made = check_pass(AffineBeforeMaxPool(), graph)
    assert kinds(made) == ["Conv", "Affine", "MaxPool", "Relu"]
    assert kinds(rewrite(graph)) == ["Conv", "Relu", "MaxPool"]


def test_a_norm_stays_behind_the_pooling_of_an_activation() -> None:
    net = Net(15, (2, 6, 6))
    graph = net.graph(net.affine(net.max(net.relu(net.conv(net.x, 3)))))
    assert check_pass(AffineBeforeMaxPool(), graph) is graph


def test_a_thousand_norms_fold() -> None:
    net = Net(16, (3,))
    x = net.x
    for _ in range(1200):
        x = net.affine(net.linear(x, 3))
    made = FoldAffine()(net.graph(x))
    assert kinds(made) == ["Linear"] * 1200


def test_pooling_stays_behind_a_norm_that_turns_signs() -> None:
    net = Net(5, (1, 4, 4))
    turned = Affine(scale=np.array([[[-1.0]]], np.float32), shift=np.array([[[0.5]]], np.float32))
    graph = net.graph(net.max(net.add(turned, net.relu(net.x))))
    assert check_pass(AffineAfterMaxPool(), graph) is graph


@pytest.mark.parametrize("neuron", [Relu(), Clip(maximum=0.3)])
def test_the_activation_moves_before_the_pooling(neuron: Relu | Clip) -> None:
    net = Net(6, (2, 6, 6))
    graph = net.graph(net.add(neuron, net.max(net.conv(net.x, 3))))
    made = check_pass(ReluBeforeMaxPool(), graph)
    assert kinds(made) == ["Conv", type(neuron).__name__, "MaxPool"]


@pytest.mark.parametrize("neuron", ["relu", "clip", "max"])
def test_each_branch_of_a_concat_gets_its_own_neurons(neuron: str) -> None:
    net = Net(7, (2, 4, 4))
    joined = net.concat(net.conv(net.x, 2), net.conv(net.x, 3))
    graph = net.graph({"relu": net.relu, "clip": net.clip, "max": net.max}[neuron](joined))
    made = check_pass(ConcatAfterNeurons(), graph)
    assert [isinstance(n.op, Concat) for n in made.nodes] == [False] * 4 + [True]
    assert made.output == graph.output


def test_pooling_over_a_seam_of_rows_stays_behind_the_concat() -> None:
    net = Net(8, (2, 3, 4))
    joined = net.concat(net.relu(net.x), net.relu(net.affine(net.x)), axis=1)
    graph = net.graph(net.max(joined, (3, 2), strides=(1, 1)))
    assert check_pass(ConcatAfterNeurons(), graph) is graph


@pytest.mark.parametrize("pool", ["max", "average"])
def test_pools_of_a_module_read_each_branch_and_its_convolutions_the_concat(pool: str) -> None:
    net = Net(17, (2, 6, 6))
    joined = net.concat(net.relu(net.conv(net.x, 2)), net.relu(net.conv(net.x, 3)))
    pooled = net.max(joined) if pool == "max" else net.average(joined)
    graph = net.graph(net.linear(net.flat(net.concat(net.relu(net.conv(joined, 2)), pooled)), 3))
    made = check_pass(ConcatAfterNeurons(), graph)
    assert [made.index[f"{pooled}[{i}]"].inputs for i in (0, 1)] == [("relu1",), ("relu2",)]
    assert made.index["conv3"].inputs == (joined,)


def test_a_concat_that_is_read_twice_stays() -> None:
    net = Net(9, (2, 4, 4))
    joined = net.concat(net.conv(net.x, 2), net.conv(net.x, 3))
    graph = net.graph(net.sum(net.relu(joined), joined))
    assert check_pass(ConcatAfterNeurons(), graph) is graph


def test_units_are_the_ranges_and_a_silent_channel_takes_the_layers() -> None:
    net = Net(10, (3,))
    graph = net.graph(net.relu(net.linear(net.x, 4)))
    made = check_pass(Normalise(ranges={"relu1": np.array([2.0, 0.0, 0.5, 3.0])}), graph)
    assert made.units["relu1"].tolist() == [2.0, 3.0, 0.5, 3.0]


def test_a_dead_layer_has_unit_1() -> None:
    net = Net(11, (3,))
    graph = net.graph(net.relu(net.linear(net.x, 2)))
    made = check_pass(Normalise(ranges={"relu1": np.zeros(2)}), graph)
    assert made.units["relu1"].tolist() == [1.0, 1.0]


def test_a_ceiling_bounds_the_unit() -> None:
    net = Net(12, (3,))
    graph = net.graph(net.clip(net.linear(net.x, 2), 0.5))
    made = check_pass(Normalise(ranges={"clip1": np.array([0.25, 7.0])}), graph)
    assert made.units["clip1"].tolist() == [0.25, 0.5]


def test_membranes_start_halfway() -> None:
    graph = CORPUS["lenet"]()
    assert check_pass(HalfThreshold(), graph).v_init == 0.5
    assert check_pass(HalfThreshold(fraction=0.25), graph).v_init == 0.25


@pytest.mark.parametrize("name", ["max_pool_before_relu", "norm_before_relu", "concat_before_relu"])
def test_the_rewrites_change_what_they_are_for(name: str) -> None:
    graph = CORPUS[name]()
    assert rewrite(graph) is not graph


def test_three_hundred_norms_fold_without_running_out_of_stack() -> None:
    net = Net(13, (2,))
    x = net.linear(net.x, 2)
    for _ in range(300):
        x = net.add(Affine(scale=np.ones(1, np.float32), shift=np.zeros(1, np.float32)), x)
    assert kinds(FoldAffine()(net.graph(x))) == ["Linear"]


def test_max_pooling_is_what_the_gate_can_follow() -> None:
    net = Net(14, (2, 6, 6))
    made = rewrite(net.graph(net.relu(net.max(net.affine(net.conv(net.x, 3))))))
    assert kinds(made) == ["Conv", "Relu", "MaxPool"]
    assert isinstance(made.nodes[-1].op, MaxPool)
