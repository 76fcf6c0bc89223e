"""Every operator: shape, meaning and wiring agree, and it comes back from ONNX as it was."""

import numpy as np
import pytest
from hypothesis import given

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.op import OnnxNode, Op
from neurocomp.ann.ops import (
    OPS,
    Affine,
    AveragePool,
    Clip,
    Concat,
    Conv,
    GlobalAveragePool,
    Heaviside,
    Identity,
    Linear,
    MaxPool,
    Pad,
    Relu,
    Reshape,
    Softmax,
    Sum,
    Transpose,
    read,
)
from neurocomp.arrays import Array, Shape
from neurocomp.errors import GraphError, ModelError
from neurocomp.snn.boxes import volume
from neurocomp.snn.neurons import IntegrateAndFire, MaxGate
from neurocomp.snn.synapses import Sparse, Window
from tests.ann.corpus import CORPUS
from tests.ann.net import floats, samples
from tests.ann.strategies import graphs


def inputs_of(graph: Graph, node: Node) -> list[Shape]:
    return [graph.shapes[i] for i in node.inputs]


def check_wiring(graph: Graph) -> None:
    """Wiring plus the value at zero is the meaning, for every linear operator."""
    values = graph.run(samples(graph, 3).astype(np.float64))
    for node in graph.nodes:
        if node.op.role != "linear":
            continue
        shapes = inputs_of(graph, node)
        total = node.op.run(*(np.zeros((1, *s)) for s in shapes)).reshape(
            1, *volume(graph.shapes[node.name])
        )
        for i, name in enumerate(node.inputs):
            synapse = node.op.wiring(i, *shapes)
            assert synapse.pre_shape == volume(shapes[i])
            assert synapse.post_shape == volume(graph.shapes[node.name])
            total = total + synapse.apply(values[name].reshape(3, *volume(shapes[i])))
        given = values[node.name].reshape(total.shape)
        np.testing.assert_allclose(total, given, rtol=1e-9, atol=1e-9, err_msg=node.name)


@pytest.mark.parametrize("name", CORPUS)
def test_wiring_is_the_linear_part_of_the_meaning(name: str) -> None:
    check_wiring(CORPUS[name]())


@given(graphs())
def test_wiring_is_the_linear_part_of_the_meaning_of_random_graphs(graph: Graph) -> None:
    check_wiring(graph)


@pytest.mark.parametrize("name", CORPUS)
def test_shape_is_the_shape_of_what_run_gives(name: str) -> None:
    graph = CORPUS[name]()
    values = graph.run(samples(graph, 2))
    assert {n: v.shape[1:] for n, v in values.items()} == dict(graph.shapes)
    assert {v.dtype for v in values.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", CORPUS)
def test_views_keep_the_order_of_the_elements(name: str) -> None:
    graph = CORPUS[name]()
    values = graph.run(samples(graph, 2))
    for node in graph.nodes:
        if node.op.role == "view":
            before, after = values[node.inputs[0]], values[node.name]
            np.testing.assert_array_equal(before.reshape(2, -1), after.reshape(2, -1))


def reread(op: Op, shapes: list[Shape]) -> list[Op]:
    """Write `op` as ONNX nodes, and read these."""
    ops = []
    for part in op.to_onnx():
        given = iter(shapes)
        count = len(part.constants) + len(shapes)
        whole = tuple(
            part.constants[i].shape if i in part.constants else next(given) for i in range(count)
        )
        node = OnnxNode(
            kind=part.kind,
            name="n",
            attributes=part.attributes,
            shapes=whole,
            constants=part.constants,
            opset=19,
        )
        ops.append(read(node))
        shapes = [ops[-1].shape(*shapes)]
    return ops


@pytest.mark.parametrize("name", CORPUS)
def test_what_is_written_is_read_as_the_same(name: str) -> None:
    graph = CORPUS[name]()
    values = graph.run(samples(graph, 2))
    for node in graph.nodes:
        (first, *rest) = reread(node.op, inputs_of(graph, node))
        value = first.run(*(values[i] for i in node.inputs))
        for op in rest:
            value = op.run(value)
        np.testing.assert_allclose(value, values[node.name], rtol=1e-6, err_msg=node.name)


def test_the_corpus_uses_every_operator_that_computes() -> None:
    used = {type(n.op) for make in CORPUS.values() for n in make().nodes}
    assert used == set(OPS) - {Identity, Heaviside}  # test_heaviside.py has it


def test_every_operator_has_one_file_and_one_role() -> None:
    assert {op.role for op in OPS} == {"linear", "neuron", "view", "final"}
    assert len({op.__module__ for op in OPS}) == len(OPS)


@pytest.mark.parametrize("op", [Relu(), Reshape(target=(4,)), Identity(), Softmax()])
def test_what_is_not_linear_has_no_wiring(op: Op) -> None:
    with pytest.raises(GraphError, match=f"{type(op).__name__}: is a {op.role} operator"):
        op.wiring(0, (4,))


@pytest.mark.parametrize("op", [Relu(), Clip(maximum=6.0)])
def test_rectifiers_are_neurons_of_threshold_one(op: Op) -> None:
    neuron = op.neuron(np.full((2, 1, 1), 3.0))
    assert isinstance(neuron, IntegrateAndFire)
    np.testing.assert_array_equal(neuron.v_threshold, np.ones((2, 1, 1)))


def test_max_pooling_is_a_gate_behind_windows() -> None:
    op = MaxPool(kernel=(2, 2), strides=(2, 2), pads=(0, 1, 1, 0))
    window = op.wiring(0, (3, 5, 5))
    assert isinstance(op.neuron(np.ones((3, 1, 1))), MaxGate)
    assert isinstance(window, Window)
    assert window.post_shape == op.shape((3, 5, 5)) == (3, 3, 3)


def test_padding_never_wins_the_maximum() -> None:
    op = MaxPool(kernel=(2, 2), strides=(1, 1), pads=(1, 1, 1, 1))
    x = np.full((1, 1, 2, 2), -3.0, np.float32)
    assert op.run(x).max() == -3


ROW = np.array([[[[1.0, 2.0, 3.0, 4.0, 5.0]]]])


@pytest.mark.parametrize(
    ("fields", "means"),
    [
        ({}, [1.5, 3.5]),
        ({"pads": (0, 1, 0, 0)}, [1, 2.5, 4.5]),
        ({"pads": (0, 1, 0, 0), "count_pads": True}, [0.5, 2.5, 4.5]),
        ({"ceil": True}, [1.5, 3.5, 5]),
        ({"ceil": True, "count_pads": True}, [1.5, 3.5, 5]),
        ({"ceil": True, "pads": (0, 0, 0, 1), "count_pads": True}, [1.5, 3.5, 2.5]),
        ({"dilations": (1, 2)}, [2, 4]),
    ],
)
def test_averages_divide_by_what_a_window_holds(
    fields: dict[str, tuple[int, ...]], means: list[float]
) -> None:
    op = AveragePool(kernel=(1, 2), strides=(1, 2), **fields)  # type: ignore[arg-type] # mixed
    np.testing.assert_allclose(op.run(ROW)[0, 0, 0], means)
    np.testing.assert_allclose(op.wiring(0, (1, 1, 5)).apply(ROW)[0, 0, 0], means)


def test_only_unequal_averages_need_single_synapses() -> None:
    even = AveragePool(kernel=(2, 2), strides=(2, 2))
    padded = AveragePool(kernel=(2, 2), strides=(2, 2), pads=(1, 1, 1, 1))
    assert not isinstance(even.wiring(0, (2, 6, 6)), Sparse)
    assert isinstance(padded.wiring(0, (2, 6, 6)), Sparse)


def test_numbers_a_channel_are_wired_as_a_convolution() -> None:
    scale, shift = np.ones((2, 1, 1)), np.zeros((2, 1, 1))
    assert not isinstance(Affine(scale=scale, shift=shift).wiring(0, (2, 3, 3)), Sparse)
    each = Affine(scale=np.ones((2, 3, 3)), shift=shift)
    assert isinstance(each.wiring(0, (2, 3, 3)), Sparse)
    square = Affine(scale=np.arange(4.0).reshape(1, 2, 2), shift=np.zeros((1, 1, 1)))
    assert isinstance(square.wiring(0, (4, 2, 2)), Sparse)


def test_a_mean_over_other_axes_is_wired() -> None:
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    for axes in ((0,), (0, 1), (1,), (2,), (0, 1, 2)):
        for keep in (True, False):
            op = GlobalAveragePool(axes=axes, keep_axes=keep)
            np.testing.assert_allclose(op.wiring(0, (2, 3, 4)).apply(x).ravel(), op.run(x).ravel())


def node(kind: str, *shapes: Shape | None, opset: int = 18, **attributes: object) -> OnnxNode:
    return OnnxNode(kind=kind, name="n", shapes=shapes, attributes=attributes, opset=opset)


def with_constants(kind: str, shape: Shape, *constants: Array, **attributes: object) -> OnnxNode:
    return OnnxNode(
        kind=kind,
        name="n",
        shapes=(shape, *(c.shape for c in constants)),
        constants=dict(enumerate(constants, 1)),
        attributes=attributes,
    )


@pytest.mark.parametrize(
    ("mode", "stride", "pads"),
    [
        ("VALID", 1, (0, 0, 0, 0)),
        ("SAME_UPPER", 1, (1, 0, 1, 1)),
        ("SAME_LOWER", 1, (1, 1, 1, 0)),
        ("SAME_UPPER", 2, (0, 0, 1, 0)),
        ("SAME_LOWER", 2, (1, 0, 0, 0)),
    ],
)
def test_automatic_pads_become_pads(mode: str, stride: int, pads: tuple[int, ...]) -> None:
    weight = np.ones((1, 1, 3, 2), np.float32)
    given = with_constants("Conv", (1, 6, 6), weight, auto_pad=mode, strides=[stride, stride])
    op = read(given)
    assert isinstance(op, Conv)
    assert op.pads == pads


def test_a_clip_without_maximum_is_a_rectifier() -> None:
    zero, inf = floats(0), floats(np.inf)
    assert isinstance(read(with_constants("Clip", (3,), zero)), Relu)
    assert isinstance(read(with_constants("Clip", (3,), zero, inf)), Relu)
    assert isinstance(read(node("Clip", (3,), opset=9, min=0.0, max=3.4028234e38)), Relu)
    assert isinstance(read(node("Clip", (3,), opset=9, min=0.0, max=6.0)), Clip)


@pytest.mark.parametrize(("shape", "axis"), [((5, 1, 1), 0), ((1, 5), 1), ((1, 1), 0)])
def test_an_old_softmax_takes_the_one_long_axis(shape: Shape, axis: int) -> None:
    op = read(node("Softmax", shape, opset=11))
    assert isinstance(op, Softmax)
    assert op.axis == axis


def test_an_old_softmax_over_two_axes_is_refused() -> None:
    with pytest.raises(ModelError, match="n: takes the 2 axes from 1 on as one"):
        read(node("Softmax", (5, 2), opset=11))


def test_a_gemm_multiplies_and_transposes_at_import() -> None:
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    bias = np.ones(3, np.float32)
    op = read(with_constants("Gemm", (2,), weight, bias, alpha=2.0, beta=3.0))
    assert isinstance(op, Linear)
    np.testing.assert_array_equal(op.weight, 2 * weight.T)
    np.testing.assert_array_equal(op.bias, [3, 3, 3])


ONES = np.ones(4, np.float32)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (node("Gelu", (4,)), "n: Gelu is not supported"),
        (node("Mul", (4,), (4,)), "Mul of two computed values is not linear"),
        (node("Add", (4,), (1,)), r"adds shapes \(4,\), \(1,\), one shape can be placed"),
        (node("Conv", (1, 5, 5), (1, 1, 3, 3)), "input 1 of Conv is computed by the network"),
        (node("Concat", (4,), (4,), axis=0), "axis 0 of Concat is the batch"),
        (node("Concat", (4,), (4,), axis=5), "axis 5 of Concat does not exist in 2 axes"),
        (node("Transpose", (4,), perm=[1, 0]), r"perm \(1, 0\) moves the batch from axis 0 to"),
        (node("Flatten", (4, 2), axis=2), "flattens at axis 2"),
        (node("Cast", (4,), to=7), "casts to type 7"),
        (node("Softmax", (4,), axis="x"), "axis is 'x', not an integer"),
        (node("AveragePool", (1, 4, 4, 4), kernel_shape=[2, 2, 2]), "slides over 3 axes"),
        (node("Clip", (4,), opset=9, min=-1.0, max=1.0), r"clips to \[-1, 1\]"),
        (with_constants("Div", (4,), 0 * ONES), "n: divides by 0"),
        (with_constants("Add", (4,), np.ones((2, 4))), r"constant of shape \(2, 4\) does not fit"),
        (with_constants("MatMul", (3, 4), np.ones((4, 2))), r"values of shape \(3, 4\) by weights"),
        (with_constants("Gemm", (4,), np.ones((4, 2)), transA=1), "transA mixes the samples"),
        (with_constants("Pad", (4,), np.array([0, 1, 0, 1]), ONES[0:1]), "value 1, zeros can be"),
        (with_constants("Pad", (4,), np.array([0, -1, 0, 0])), "change the batch or cut"),
        (with_constants("Reshape", (4,), np.array([8, 2])), "2 elements a row, a sample has 4"),
        (with_constants("Dropout", (4,), ONES[:1], np.array(True)), "drops values at random"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(given: OnnxNode, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read(given)


@pytest.mark.parametrize(
    ("op", "shapes", "says"),
    [
        (Linear(weight=np.ones((2, 3)), bias=np.ones(2)), [(4,)], "is not the"),
        (Conv(weight=np.ones((1, 2, 3, 3)), bias=np.ones(1)), [(3, 5, 5)], "has 3 channels"),
        (Conv(weight=np.ones((1, 3, 3, 3)), bias=np.ones(1)), [(3, 2, 5)], "3 does not fit into 2"),
        (Sum(), [(4,), (5,)], "2 equal shapes are needed"),
        (Concat(axis=0), [(1, 2), (1, 3)], "differ in more than axis 0"),
        (Reshape(target=(3,)), [(2, 2)], "has 4 elements"),
        (Affine(scale=np.ones(3), shift=np.ones(1)), [(4,)], "does not fit it"),
    ],
)
def test_shapes_that_do_not_fit_are_a_graph_error(op: Op, shapes: list[Shape], says: str) -> None:
    with pytest.raises(GraphError, match=says):
        op.shape(*shapes)


def test_pads_of_channels_are_single_synapses() -> None:
    pad = Pad(before=(1, 0, 0), after=(0, 0, 0))
    assert isinstance(pad.wiring(0, (2, 3, 3)), Sparse)
    assert not isinstance(Pad(before=(0, 1), after=(0, 2)).wiring(0, (2, 3)), Sparse)


def test_a_transpose_is_its_permutation() -> None:
    op = Transpose(order=(2, 0, 1))
    assert op.shape((2, 3, 4)) == (4, 2, 3)
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(op.run(x)[0, 3, 1], x[0, 1, :, 3])
