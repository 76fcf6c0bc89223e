"""Binary networks: the step function in and out of ONNX, and the example's networks at T = 1."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from neurocomp.ann.ops import Heaviside
from neurocomp.compiler import Options, prepare
from neurocomp.errors import ModelError
from neurocomp.evaluation import evaluate
from neurocomp.frontend.onnx import load, run_model, to_model
from tests.ann.net import Net, samples

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_it_is_written_and_read_back(tmp_path: Path) -> None:
    net = Net(2, (2, 6, 6))
    hidden = net.add(Heaviside(), net.conv(net.x, 4, pads=(1, 1, 1, 1)))
    graph = net.graph(net.linear(net.flat(hidden), 3))
    onnx.save(to_model(graph), tmp_path / "net.onnx")
    back, x = load(tmp_path / "net.onnx"), samples(graph, 8)
    assert [type(n.op) for n in back.nodes] == [type(n.op) for n in graph.nodes]
    (wanted,) = run_model(tmp_path / "net.onnx", x).values()
    assert np.allclose(back.run(x)[back.output], wanted, atol=1e-5)


def compared(against: float) -> onnx.ModelProto:
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    ends = [make.make_tensor_value_info(n, kind, ["n", 3]) for n in ("x", "y")]
    nodes = [
        make.make_node("GreaterOrEqual", ["x", "k"], ["above"], name="above"),
        make.make_node("Cast", ["above"], ["step"], name="step", to=kind),
        make.make_node("MatMul", ["step", "w"], ["y"], name="y"),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.float32(against), "k"),
        onnx.numpy_helper.from_array(np.eye(3, dtype=np.float32), "w"),
    ]
    body = make.make_graph(nodes, "g", ends[:1], ends[1:], constants)
    return make.make_model(body, opset_imports=[make.make_opsetid("", 18)], ir_version=9)


def test_only_zero_is_compared_with(tmp_path: Path) -> None:
    onnx.save(compared(0.0), tmp_path / "zero.onnx")
    load(tmp_path / "zero.onnx")
    onnx.save(compared(0.5), tmp_path / "half.onnx")
    with pytest.raises(ModelError, match=r"above, GreaterOrEqual: compares with something other"):
        load(tmp_path / "half.onnx")


@pytest.mark.parametrize("name", ["heaviside", "sign"])
def test_one_step_is_the_trained_binary_network(name: str) -> None:
    digits = np.load(EXAMPLES / "mnist" / "digits.npz")
    x, graph = digits["inputs"], load(EXAMPLES / "paper" / f"{name}.onnx")
    made = prepare(graph, x, Options(steps=1, ranges="none", half_threshold=False))
    found = evaluate(made.network, made.graph, x, None, 1)
    assert found.curve.right.tolist() == [len(x)]
    assert found.curve.operations[0] < found.ann_operations / 4
