"""Running models: any number of samples, whatever batch the model wants."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import run_model
from tests.frontend.models import batch, draw, model, node, save

NODES = [node("Gemm", "x m", "d"), node("Relu", "d", "y")]
WEIGHTS = draw(3, 4)


@pytest.mark.parametrize("first", ["N", None, 1, 4])
@pytest.mark.parametrize("count", [1, 4, 5])
def test_samples_come_back_one_by_one(first: int | str | None, count: int, tmp_path: Path) -> None:
    x = batch(count, (3,))
    made = model(NODES, [first, 3], {"m": WEIGHTS})
    for source in (made, save(made, tmp_path)):
        results = run_model(source, x, batch=2)
        np.testing.assert_allclose(results["y"], np.maximum(x @ WEIGHTS, 0), rtol=1e-5)


def test_only_the_named_outputs_are_computed() -> None:
    made = model(NODES, ["N", 3], {"m": WEIGHTS})
    made.graph.output.append(helper.make_tensor_value_info("d", TensorProto.FLOAT, ["N", 4]))
    assert list(run_model(made, batch(2, (3,)))) == ["y", "d"]
    assert list(run_model(made, batch(2, (3,)), ["d"])) == ["d"]


@pytest.mark.parametrize("shape", [(2, 4), (3,), (2, 3, 1), (0, 3)])
def test_samples_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    made = model(NODES, ["N", 3], {"m": WEIGHTS})
    with pytest.raises(ModelError, match=r"x: takes \(N, 3\), the samples have shape"):
        run_model(made, np.zeros(shape, np.float32))


def test_what_onnxruntime_refuses_is_a_model_error(tmp_path: Path) -> None:
    made = model([node("Magic", "x", "y", domain="com.vendor")], ["N", 3], domain="com.vendor")
    with pytest.raises(ModelError, match="onnxruntime refuses it"):
        run_model(save(made, tmp_path), batch(2, (3,)))
    with pytest.raises(ModelError, match=r"none.onnx: onnxruntime refuses it"):
        run_model(tmp_path / "none.onnx", batch(2, (3,)))


def test_two_inputs_cannot_be_fed() -> None:
    made = model([node("Add", "x z", "y")], ["N", 3])
    made.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 3]))
    with pytest.raises(ModelError, match=r"takes x: tensor\(float\), z: tensor\(float\), 1 float"):
        run_model(made, batch(2, (3,)))
