"""Models as exporters write them are read, simplified, and still mean the same."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.frontend.onnx import load, run_model, to_model
from tests.ann.net import floats
from tests.frontend.models import batch, draw, ints, model, node, save


def agree(made: onnx.ModelProto, folder: Path, count: int = 4, tolerance: float = 1e-5) -> Graph:
    """Load a model, and compare the graph, its export and the file on some samples."""
    path = save(made, folder)
    graph = load(path)
    x = batch(count, graph.input_shape)
    (original,) = run_model(path, x).values()
    scale = np.abs(original).max()
    for value in (graph.run(x)[graph.output], run_model(to_model(graph), x)[graph.output]):
        np.testing.assert_allclose(value, original, rtol=tolerance, atol=tolerance * scale)
    return graph


def kinds(graph: Graph) -> dict[str, int]:
    return dict(Counter(type(n.op).__name__ for n in graph.nodes))


def flatten_chain(first: int | str | None = "N") -> onnx.ModelProto:
    """x.view(x.size(0), -1), as the older torch exporter and tf2onnx write it."""
    nodes = [
        node("Conv", "x w b", "c", "conv"),
        node("Relu", "c", "r"),
        node("Shape", "r", "s"),
        node("Constant", "", "zero", value=numpy_helper.from_array(np.array(0))),
        node("Gather", "s zero", "n", axis=0),
        node("Constant", "", "at", value=numpy_helper.from_array(ints(0))),
        node("Unsqueeze", "n at", "u"),
        node("Constant", "", "rest", value=numpy_helper.from_array(ints(-1))),
        node("Concat", "u rest", "target", axis=0),
        node("Reshape", "r target", "f"),
        node("MatMul", "f m", "d"),
        node("Add", "d a", "y", "dense"),
    ]
    constants = {"w": draw(3, 2, 3, 3), "b": draw(3), "m": draw(12, 4), "a": draw(4)}
    return model(nodes, [first, 2, 4, 4], constants)


def channels_last() -> onnx.ModelProto:
    """A Keras net by tf2onnx without its own optimizer: transposes around every convolution."""
    nodes = [
        node("Transpose", "x", "t1", perm=[0, 3, 1, 2]),
        node("Conv", "t1 w1", "c1", "conv1", pads=[1, 1, 1, 1]),
        node("Transpose", "c1", "t2", perm=[0, 2, 3, 1]),
        node("Mul", "t2 scale", "n1"),
        node("Add", "n1 shift", "n2", "norm"),
        node("Relu", "n2", "r1"),
        node("Transpose", "r1", "t3", perm=[0, 3, 1, 2]),
        node("MaxPool", "t3", "p", "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Transpose", "p", "t4", perm=[0, 2, 3, 1]),
        node("Concat", "t4 t4", "cc", axis=3),
        node("Reshape", "cc target", "f"),
        node("MatMul", "f m", "d"),
        node("Add", "d a", "y"),
    ]
    constants = {
        "w1": draw(3, 2, 3, 3),
        "scale": draw(3),
        "shift": draw(1, 1, 1, 3),
        "target": ints(-1, 24),
        "m": draw(24, 4),
        "a": draw(4),
    }
    return model(nodes, ["N", 4, 4, 2], constants)


def channels_last_mean() -> onnx.ModelProto:
    nodes = [
        node("Transpose", "x", "t1", perm=[0, 3, 1, 2]),
        node("Conv", "t1 w1", "c1"),
        node("Transpose", "c1", "t2", perm=[0, 2, 3, 1]),
        node("Relu", "t2", "r"),
        node("ReduceMean", "r", "g", axes=[1, 2], keepdims=0),
        node("Gemm", "g m", "y"),
    ]
    return model(nodes, ["N", 4, 4, 2], {"w1": draw(3, 2, 3, 3), "m": draw(3, 4)})


def channels_last_residual() -> onnx.ModelProto:
    nodes = [
        node("Transpose", "x", "t1", perm=[0, 3, 1, 2]),
        node("Conv", "t1 w1", "c1"),
        node("Transpose", "c1", "t2", perm=[0, 2, 3, 1]),
        node("Relu", "t2", "r1"),
        node("Transpose", "r1", "t3", perm=[0, 3, 1, 2]),
        node("Conv", "t3 w2", "c2", pads=[1, 1, 1, 1]),
        node("Transpose", "c2", "t4", perm=[0, 2, 3, 1]),
        node("Add", "t4 r1", "s"),
        node("Clip", "s zero six", "r2"),
        node("Pad", "r2 pads", "q"),
        node("ReduceMean", "q", "g", axes=[1, 2], keepdims=1),
        node("Squeeze", "g axes", "y"),
    ]
    constants = {
        "w1": draw(3, 2, 3, 3),
        "w2": draw(3, 3, 3, 3),
        "zero": floats(0),
        "six": floats(6),
        "pads": ints(0, 1, 0, 0, 0, 0, 2, 0),
        "axes": ints(1, 2),
    }
    return model(nodes, ["N", 4, 4, 2], constants)


def old_torch() -> onnx.ModelProto:
    """Operator set 9: attributes where inputs came later, Pad before AveragePool, Dropout."""
    nodes = [
        node("Conv", "x w", "c", kernel_shape=[3, 3], group=1),
        node("BatchNormalization", "c g b m v", "n", epsilon=1e-5, momentum=0.9),
        node("Clip", "n", "r", min=0.0, max=6.0),
        node("Pad", "r", "q", mode="constant", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=0.0),
        node("AveragePool", "q", "a", kernel_shape=[2, 2], strides=[2, 2]),
        node("Dropout", "a", "o", ratio=0.5),
        node("Flatten", "o", "f", axis=1),
        node("Gemm", "f fw fb", "d", alpha=1.0, beta=1.0, transB=1),
        node("Softmax", "d", "y", axis=1),
    ]
    constants = {
        "w": draw(3, 2, 3, 3),
        "g": draw(3),
        "b": draw(3),
        "m": draw(3),
        "v": floats([0.5, 1.0, 2.0]),
        "fw": draw(4, 12),
        "fb": draw(4),
    }
    return model(nodes, ["N", 2, 4, 4], constants, opset=9)


def old_torch_one_dimension() -> onnx.ModelProto:
    nodes = [
        node("Conv", "x w b", "c", kernel_shape=[3], strides=[2], pads=[1, 1]),
        node("Relu", "c", "r"),
        node("Unsqueeze", "r", "u", axes=[3]),
        node("AveragePool", "u", "a", kernel_shape=[2, 1], strides=[2, 1]),
        node("Squeeze", "a", "q", axes=[3]),
        node("Flatten", "q", "f"),
        node("MatMul", "f m", "y"),
    ]
    constants = {"w": draw(3, 2, 3), "b": draw(3), "m": draw(6, 4)}
    return model(nodes, ["N", 2, 8], constants, opset=9)


def folded_weights() -> onnx.ModelProto:
    """Weights that are transposed, reshaped and scaled by nodes, as quantization-aware tools do."""
    nodes = [
        node("Transpose", "w", "wt", perm=[3, 2, 0, 1]),
        node("Mul", "wt k", "ws"),
        node("Identity", "b", "bi"),
        node("Conv", "x ws bi", "c"),
        node("Relu", "c", "r"),
        node("GlobalAveragePool", "r", "y"),
    ]
    constants = {"w": draw(3, 3, 2, 4), "k": floats(0.5), "b": draw(4)}
    return model(nodes, ["N", 2, 4, 4], constants)


def scalar_arithmetic() -> onnx.ModelProto:
    nodes = [
        node("Sub", "x mean", "a"),
        node("Div", "a deviation", "b"),
        node("Conv", "b w", "c"),
        node("Add", "c bias", "d", "conv"),
        node("Relu", "d", "r"),
        node("Sub", "one r", "y"),
    ]
    constants = {
        "mean": floats([[[0.4]], [[0.5]]]),
        "deviation": floats(0.2),
        "w": draw(3, 2, 3, 3),
        "bias": draw(1, 3, 1, 1),
        "one": floats(1),
    }
    return model(nodes, ["N", 2, 4, 4], constants)


def newest() -> onnx.ModelProto:
    """The newer torch exporter: shapes as inputs, allowzero, ReduceMean with axes as an input."""
    nodes = [
        node("Conv", "x w", "c", "node_conv", auto_pad="NOTSET", pads=[1, 1, 1, 1]),
        node("Relu", "c", "r"),
        node("ReduceMean", "r axes", "g", keepdims=1, noop_with_empty_axes=0),
        node("Reshape", "g target", "f", allowzero=1),
        node("Gemm", "f m b", "y", transB=1),
    ]
    constants = {
        "w": draw(3, 2, 3, 3),
        "axes": ints(-1, -2),
        "target": ints(-1, 3),
        "m": draw(4, 3),
        "b": draw(4),
    }
    return model(nodes, ["N", 2, 4, 4], constants, opset=23)


PATTERNS: dict[str, tuple[Callable[[], onnx.ModelProto], dict[str, int]]] = {
    "flatten chain": (flatten_chain, {"Conv": 1, "Relu": 1, "Reshape": 1, "Linear": 1}),
    "channels last": (
        channels_last,
        {
            "Transpose": 1,
            "Conv": 1,
            "Affine": 2,
            "Relu": 1,
            "MaxPool": 1,
            "Concat": 1,
            "Reshape": 1,
            "Linear": 1,
        },
    ),
    "channels last, mean": (
        channels_last_mean,
        {"Transpose": 1, "Conv": 1, "Relu": 1, "GlobalAveragePool": 1, "Linear": 1},
    ),
    "channels last, residual": (
        channels_last_residual,
        {
            "Transpose": 1,
            "Conv": 2,
            "Relu": 1,
            "Sum": 1,
            "Clip": 1,
            "Pad": 1,
            "GlobalAveragePool": 1,
            "Reshape": 1,
        },
    ),
    "old torch": (
        old_torch,
        {
            "Conv": 1,
            "Affine": 1,
            "Clip": 1,
            "Pad": 1,
            "AveragePool": 1,
            "Reshape": 1,
            "Linear": 1,
            "Softmax": 1,
        },
    ),
    "old torch, one dimension": (
        old_torch_one_dimension,
        {"Conv": 1, "Relu": 1, "Reshape": 2, "AveragePool": 1, "Linear": 1},
    ),
    "folded weights": (folded_weights, {"Conv": 1, "Relu": 1, "GlobalAveragePool": 1}),
    "scalar arithmetic": (scalar_arithmetic, {"Affine": 3, "Conv": 1, "Relu": 1}),
    "newest": (newest, {"Conv": 1, "Relu": 1, "GlobalAveragePool": 1, "Reshape": 1, "Linear": 1}),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_simplified_and_means_the_same(name: str, tmp_path: Path) -> None:
    make, expected = PATTERNS[name]
    assert kinds(agree(make(), tmp_path)) == expected


@pytest.mark.parametrize("first", [1, 3, "N", None])
def test_any_batch_gives_the_same_graph(first: int | str | None, tmp_path: Path) -> None:
    graph = agree(flatten_chain(first), tmp_path)
    assert graph.input_shape == (2, 4, 4)
    assert graph.nodes[0].name == "conv"


@pytest.mark.parametrize("first", [2, "N"])
@pytest.mark.parametrize("target", [(2, 12), (2, -1)])
def test_a_reshape_may_insist_on_a_batch(
    first: int | str | None, target: tuple[int, ...], tmp_path: Path
) -> None:
    nodes = [
        node("Relu", "x", "r"),
        node("Reshape", "r target", "f"),
        node("Gemm", "f m", "y"),
    ]
    made = model(nodes, [first, 3, 2, 2], {"target": ints(*target), "m": draw(12, 4)})
    assert load(save(made, tmp_path)).shapes["y"] == (4,)
    assert agree(made, tmp_path, count=2).shapes["f"] == (12,)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_become_float32(dtype: type, tmp_path: Path) -> None:
    kind = TensorProto.FLOAT16 if dtype is np.float16 else TensorProto.DOUBLE
    nodes = [
        node("Gemm", "x m b", "d"),
        node("Cast", "d", "c", to=TensorProto.FLOAT),
        node("Cast", "c", "e", to=kind),
        node("Relu", "e", "y"),
    ]
    constants: dict[str, Array] = {"m": draw(3, 4).astype(dtype), "b": draw(4).astype(dtype)}
    made = model(nodes, ["N", 3], constants, kind=kind)
    graph = agree(made, tmp_path, tolerance=1e-5 if dtype is np.float64 else 2e-3)
    assert kinds(graph) == {"Linear": 1, "Relu": 1}
    (dense, _) = graph.nodes
    assert dense.op.run(batch(2, (3,))).dtype == np.float32


def test_initializers_may_be_listed_as_inputs(tmp_path: Path) -> None:
    made = old_torch()
    for stored in made.graph.initializer:
        value = onnx.helper.make_tensor_value_info(stored.name, stored.data_type, stored.dims)
        made.graph.input.append(value)
    agree(made, tmp_path)


def test_a_local_function_is_inlined(tmp_path: Path) -> None:
    inner = [node("MatMul", "a m", "d"), node("Relu", "d", "r")]
    sets = [onnx.helper.make_opsetid("", 17)]
    function = onnx.helper.make_function("mine", "Dense", ["a", "m"], ["r"], inner, sets)
    made = model(
        [node("Dense", "x m", "y", domain="mine")], ["N", 3], {"m": draw(3, 4)}, domain="mine"
    )
    made.functions.append(function)
    assert kinds(agree(made, tmp_path)) == {"Linear": 1, "Relu": 1}


def test_a_dynamic_shape_can_be_given(tmp_path: Path) -> None:
    nodes = [node("Conv", "x w", "c"), node("GlobalAveragePool", "c", "y")]
    path = save(model(nodes, ["N", 2, "height", "width"], {"w": draw(3, 2, 3, 3)}), tmp_path)
    graph = load(path, input_shape=(2, 5, 6))
    assert graph.shapes["c"] == (3, 3, 4)


def test_names_are_the_nodes_own_or_their_outputs(tmp_path: Path) -> None:
    nodes = [
        node("Relu", "x", "a", "twice"),
        node("Gemm", "a m", "b", "twice"),
        node("Relu", "b", "c", "x"),
        node("Gemm", "c m", "d", "own"),
        node("Relu", "d", "own"),
        node("Gemm", "own m", "y"),
    ]
    graph = load(save(model(nodes, ["N", 3], {"m": draw(3, 3)}), tmp_path))
    assert [n.name for n in graph.nodes] == ["a", "b", "x_", "own", "own_", "y"]
