"""A file that cannot be used is refused with the reason, and nothing else happens."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import check, load
from tests.ann.net import floats
from tests.frontend.models import draw, ints, model, node, save


def dense(**changes: object) -> onnx.ModelProto:
    fields: dict[str, object] = {"shape": ["N", 3], "constants": {"m": draw(3, 4)}} | changes
    return model([node("Gemm", "x m", "d", "dense"), node("Relu", "d", "y")], **fields)  # type: ignore[arg-type] # mixed


def external(folder: Path, location: str, length: int = 48) -> Path:
    """Save a model whose weights lie elsewhere."""
    made = dense()
    (stored,) = made.graph.initializer
    (folder / "weights.bin").write_bytes(stored.raw_data)
    stored.ClearField("raw_data")
    stored.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": str(length)}.items():
        stored.external_data.add(key=key, value=value)
    return save(made, folder)


def test_external_data_beside_the_model_are_read(tmp_path: Path) -> None:
    graph = load(external(tmp_path, "weights.bin"))
    assert graph.shapes["dense"] == (4,)


@pytest.mark.parametrize(
    "location",
    ["../weights.bin", "../../../../etc/passwd", "/etc/passwd", "", "sub/../../w", "a\0b"],
)
def test_external_data_elsewhere_are_refused(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(48))
    with pytest.raises(ModelError, match=r"m: its data lie at .*, outside the model's folder"):
        load(external(folder, location))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(48))
    path = external(folder, "link")
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match="outside the model's folder"):
        load(path)


def test_missing_and_short_external_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="m: its data file 'gone' is missing"):
        load(external(tmp_path, "gone"))
    with pytest.raises(ModelError, match=r"end at byte 480, the file 'weights.bin' has 48"):
        load(external(tmp_path, "weights.bin", 480))
    with pytest.raises(ModelError, match=r"tensor name: m.* raw_data size \(44 bytes\)"):
        load(external(tmp_path, "weights.bin", 44))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none.onnx: does not exist"):
        load(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="is a folder, not a file"):
        load(tmp_path)
    path = tmp_path / "text.onnx"
    path.write_text("no model at all")
    with pytest.raises(ModelError, match="its 15 bytes are no ONNX model"):
        load(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="its 0 bytes hold no ONNX node"):
        load(path)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole = dense().SerializeToString()
    path = tmp_path / "part.onnx"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            load(path)


def test_a_weight_of_the_wrong_size_is_named(tmp_path: Path) -> None:
    made = dense()
    made.graph.initializer[0].raw_data = bytes(44)
    with pytest.raises(ModelError, match=r"tensor name: m.* \(44 bytes\) is too small"):
        load(save(made, tmp_path))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_named(bad: float, tmp_path: Path) -> None:
    weights = draw(3, 4)
    weights[1, 2] = bad
    with pytest.raises(ModelError, match="m: 1 of 12 numbers are NaN or infinite"):
        load(save(dense(constants={"m": weights}), tmp_path))


def test_a_constant_that_becomes_infinite_is_named(tmp_path: Path) -> None:
    nodes = [node("Div", "m zero", "w"), node("Gemm", "x w", "y")]
    made = model(nodes, ["N", 3], {"m": draw(3, 4), "zero": floats(0)})
    with pytest.raises(ModelError, match=r"y, Gemm: is a constant that is not finite"):
        load(save(made, tmp_path))


@pytest.mark.parametrize(
    ("shape", "given", "says"),
    [
        (["N", 2, "height", 4], None, r"x: axis 2 \(height\) has no fixed size .*--input-shape"),
        (["N", 2, None, 4], None, r"x: axis 2 \(no name\) has no fixed size"),
        (["N", 2, "h", 4], (2, 4), r"a sample has 3 axes, the given shape \(2, 4\) has 2"),
        (["N", 2, "h", 4], (2, 4, 5), r"axis 3 has size 4, the given shape \(2, 4, 5\) says 5"),
        (["N", 2, "h", 4], (2, 0, 4), r"axis 2 has size dynamic, the given shape \(2, 0, 4\)"),
        ([], None, "x: has no shape, or no batch axis"),
    ],
)
def test_a_dynamic_shape_is_refused_with_the_axis(
    shape: list[int | str], given: tuple[int, ...] | None, says: str, tmp_path: Path
) -> None:
    path = save(model([node("Relu", "x", "y")], shape), tmp_path)
    with pytest.raises(ModelError, match=says):
        load(path, input_shape=given)
    with pytest.raises(ModelError, match=says):
        check(path, input_shape=given)


def test_several_inputs_or_outputs_are_listed(tmp_path: Path) -> None:
    made = dense()
    made.graph.node[0].input[0] = "x2"
    made.graph.node.add().CopyFrom(node("Add", "x x2", "z"))
    made.graph.input.append(helper.make_tensor_value_info("x2", TensorProto.FLOAT, ["N", 3]))
    with pytest.raises(ModelError, match=r"has 2 inputs \(x, x2\), a network takes 1 .*extract"):
        load(save(made, tmp_path))
    made = dense()
    made.graph.output.append(helper.make_tensor_value_info("d", TensorProto.FLOAT, ["N", 4]))
    with pytest.raises(ModelError, match=r"has 2 outputs \(y, d\), a network gives 1 .*extract"):
        load(save(made, tmp_path))


def test_an_input_that_nothing_reads_is_no_input(tmp_path: Path) -> None:
    made = dense()
    made.graph.input.append(helper.make_tensor_value_info("x2", TensorProto.FLOAT, ["N", 3]))
    assert load(save(made, tmp_path)).input == "x"


def cyclic(made: onnx.ModelProto) -> None:
    made.graph.node[0].input[0] = "y"


def dangling(made: onnx.ModelProto) -> None:
    made.graph.node[1].input[0] = "nothing"


def unmade(made: onnx.ModelProto) -> None:
    made.graph.output[0].name = "z"


def twice(made: onnx.ModelProto) -> None:
    made.graph.node[1].output[0] = "d"


def newer(made: onnx.ModelProto) -> None:
    made.opset_import[0].version = 999


def unknown_attribute(made: onnx.ModelProto) -> None:
    made.graph.node[1].attribute.append(helper.make_attribute("colour", 1))


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (cyclic, "dense: reads 'y', which nothing makes before it"),
        (dangling, "y: reads 'nothing', which nothing makes before it"),
        (unmade, "z: is an output and nothing makes it"),
        (twice, "d: is made twice|breaks the standard|y: is an output and nothing makes it"),
        (newer, "uses operator set 999, the newest known here is"),
        (unknown_attribute, "breaks the standard: .*colour"),
    ],
)
def test_an_invalid_graph_is_refused(
    break_it: Callable[[onnx.ModelProto], None], says: str, tmp_path: Path
) -> None:
    made = dense()
    break_it(made)
    with pytest.raises(ModelError, match=says):
        load(save(made, tmp_path))


def test_integer_input_is_refused(tmp_path: Path) -> None:
    made = model([node("Identity", "x", "y")], ["N", 3], kind=TensorProto.UINT8)
    with pytest.raises(ModelError, match="x: is of type UINT8, a network takes FLOAT"):
        load(save(made, tmp_path))


def test_an_output_that_is_constant_is_refused(tmp_path: Path) -> None:
    nodes = [node("Relu", "x", "r"), node("Add", "m m", "y")]
    with pytest.raises(ModelError, match="y: is the output and does not depend on the input"):
        load(save(model(nodes, ["N", 3], {"m": draw(3)}), tmp_path))


def test_sparse_weights_are_refused(tmp_path: Path) -> None:
    made = dense()
    sparse = made.graph.sparse_initializer.add()
    sparse.values.CopyFrom(numpy_helper.from_array(draw(1), "s"))
    sparse.indices.CopyFrom(numpy_helper.from_array(ints(0), "s_at"))
    sparse.dims.extend([3])
    with pytest.raises(ModelError, match="s: is stored sparse"):
        load(save(made, tmp_path))
