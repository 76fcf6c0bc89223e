"""`check` says of every node what becomes of it; `load` lists all that cannot be used."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import NodeCheck, check, load
from tests.ann.net import floats
from tests.frontend.models import draw, ints, model, node, save


def branch(name: str) -> object:
    value = helper.make_tensor_value_info("o", TensorProto.FLOAT, None)
    return helper.make_graph([helper.make_node("Relu", ["d"], ["o"])], name, [], [value])


def bad_model(folder: Path) -> Path:
    """Save a model with many nodes that cannot be used, and some that can."""
    nodes = [
        node("Gemm", "x m", "d", "dense"),
        node("Sigmoid", "d", "s", "squash"),
        node("Mul", "s d", "g", "gate"),
        node("Magic", "g", "f", "fused", domain="com.vendor"),
        node("Relu", "f", "r", "after"),
        node("If", "yes", "i", then_branch=branch("a"), else_branch=branch("b")),
        node("Add", "r i", "y", "join"),
    ]
    constants = {"m": draw(3, 4), "yes": np.array(True)}
    return save(model(nodes, ["N", 3], constants, domain="com.vendor"), folder)


def test_every_unsupported_node_is_listed(tmp_path: Path) -> None:
    checks = {c.name: c for c in check(bad_model(tmp_path))}
    assert list(checks) == ["dense", "squash", "gate", "fused", "after", "i", "join"]
    assert checks["dense"] == NodeCheck(name="dense", kind="Gemm", status="supported")
    assert checks["squash"].remedy == "train with ReLU"
    assert checks["gate"].reason == "Mul of two computed values is not linear"
    assert checks["fused"].kind == "com.vendor.Magic"
    assert checks["i"].reason == "If holds a subgraph"
    refused = [c.name for c in checks.values() if c.status == "unsupported"]
    assert refused == ["squash", "gate", "fused", "i"]


def test_load_refuses_with_all_of_them_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="4 of 7 nodes are not supported") as caught:
        load(bad_model(tmp_path))
    for line in (
        "squash, Sigmoid: Sigmoid is not supported (train with ReLU)",
        "gate, Mul: Mul of two computed values is not linear",
        "fused, com.vendor.Magic: com.vendor.Magic is not supported",
        "i, If: If holds a subgraph",
    ):
        assert line in str(caught.value)


def test_what_simplification_removes_is_rewritten(tmp_path: Path) -> None:
    nodes = [
        node("Identity", "m", "w", "copy"),
        node("Gemm", "x w", "d", "dense"),
        node("Add", "d a", "e", "bias"),
        node("Dropout", "e", "o", "drop"),
        node("Relu", "o", "r", "relu"),
        node("Reshape", "r shape", "q", "view"),
        node("Transpose", "q", "t", "turn", perm=[0, 2, 1]),
        node("Relu", "x", "unused", "dead"),
        node("Flatten", "t", "y", "flat"),
    ]
    constants = {"m": draw(3, 4), "a": draw(4), "shape": ints(0, 4, 1)}
    checks = check(save(model(nodes, ["N", 3], constants), tmp_path))
    assert {c.name: (c.status, c.reason) for c in checks} == {
        "copy": ("rewritten", "becomes a constant"),
        "dense": ("rewritten", "merges with its neighbours"),
        "bias": ("rewritten", "becomes Linear"),
        "drop": ("rewritten", "merges with its neighbours"),
        "relu": ("supported", ""),
        "view": ("rewritten", "merges with its neighbours"),
        "turn": ("rewritten", "merges with its neighbours"),
        "dead": ("rewritten", "is needed by no value of the network"),
        "flat": ("rewritten", "merges with its neighbours"),
    }


def test_quantized_models_are_refused_with_the_remedy(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", "x s z", "q", "quantize"),
        node("DequantizeLinear", "q s z", "f", "dequantize"),
        node("DequantizeLinear", "wq s z", "w", "weights"),
        node("Gemm", "f w", "y", "dense"),
    ]
    constants = {"s": floats(0.1), "z": np.asarray(0, np.int8), "wq": np.ones((3, 4), np.int8)}
    checks = check(save(model(nodes, ["N", 3], constants), tmp_path))
    assert [c.status for c in checks] == ["unsupported", "unsupported", "rewritten", "supported"]
    assert checks[0].remedy == "export the float network: quantizing is done here"


def test_values_with_too_many_axes_are_named(tmp_path: Path) -> None:
    nodes = [
        node("Reshape", "x a", "r", "split"),
        node("Transpose", "r", "t", "shuffle", perm=[0, 3, 2, 1, 4]),
        node("Relu", "t", "y", "relu"),
    ]
    path = save(model(nodes, ["N", 4, 2, 2], {"a": ints(0, 2, 2, 2, 2)}), tmp_path)
    assert [c.status for c in check(path)] == ["unsupported"] * 3
    with pytest.raises(ModelError, match="split, Reshape: its value has 4 axes, at most 3"):
        load(path)


def test_a_second_output_that_is_read_is_refused(tmp_path: Path) -> None:
    nodes = [
        node("MaxPool", "x", "p at", "pool", kernel_shape=[2, 2]),
        node("Cast", "at", "c", to=TensorProto.FLOAT),
        node("Add", "p c", "y"),
    ]
    (pool, *_) = check(save(model(nodes, ["N", 1, 4, 4]), tmp_path))
    assert pool.reason == "output 1 of MaxPool, 'at', is read"


def test_mixing_samples_is_refused(tmp_path: Path) -> None:
    nodes = [node("Reshape", "x a", "r", "mix"), node("Relu", "r", "y", "relu")]
    (mix, _) = check(save(model(nodes, [2, 6], {"a": ints(3, 4)}), tmp_path))
    assert "'r' has shape (3, 4), its first axis is not the batch of 2" in mix.reason
