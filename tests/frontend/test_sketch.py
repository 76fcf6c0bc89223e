"""A check steps over large weights: the same verdicts, without holding them."""

import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from neurocomp.errors import ModelError
from neurocomp.frontend import check as module
from neurocomp.frontend.files import read_model
from neurocomp.frontend.onnx import check
from neurocomp.frontend.sketch import LARGE, read_sketch

EXAMPLES = Path(__file__).parents[2] / "examples"
WIDE = 2_000  # 16 MB of weights


def model(kind: int = TensorProto.FLOAT, packed: bool = False, dims: int = WIDE) -> onnx.ModelProto:
    """Give a dense network with one large weight, stored as bytes or as a list of floats."""
    values = np.arange(WIDE * WIDE, dtype=np.float32).reshape(WIDE, WIDE) / WIDE**2
    if packed:
        large = helper.make_tensor("w", kind, (WIDE, WIDE), values.ravel().tolist())
    else:
        type_ = helper.tensor_dtype_to_np_dtype(kind)
        large = numpy_helper.from_array(values.astype(type_), "w")
    del large.dims[:]
    large.dims.extend([WIDE, dims])
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="dense", transB=1),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("Sigmoid", ["r"], ["y"], name="sigmoid"),
    ]
    ends = [helper.make_tensor_value_info(n, kind, ["n", WIDE]) for n in ("x", "y")]
    small = numpy_helper.from_array(np.zeros(WIDE, helper.tensor_dtype_to_np_dtype(kind)), "b")
    graph = helper.make_graph(nodes, "wide", ends[:1], ends[1:], [large, small])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def written(path: Path, made: onnx.ModelProto, external: bool = False) -> Path:
    if external:
        onnx.save(made, path, save_as_external_data=True, location="weights.bin")
    else:
        onnx.save(made, path)
    return path


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16])
def test_large_weights_are_neither_held_nor_missed(
    tmp_path: Path, kind: int, external: bool
) -> None:
    path = written(tmp_path / "m.onnx", model(kind), external)
    check(path)  # what is imported does not count
    tracemalloc.start()
    try:
        verdicts = {n.name: n.status for n in check(path)}
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert verdicts == {"dense": "supported", "relu": "supported", "sigmoid": "unsupported"}
    assert most < LARGE


BAD = {
    TensorProto.FLOAT: (b"\x00\x00\xc0\x7f", b"\x00\x00\x80\xff"),  # NaN, minus infinity
    TensorProto.DOUBLE: (bytes(6) + b"\xf8\x7f", bytes(6) + b"\xf0\xff"),
    TensorProto.FLOAT16: (b"\x00\x7e", b"\x00\xfc"),
    TensorProto.BFLOAT16: (b"\xc0\x7f", b"\x80\xff"),
}


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_numbers_that_are_not_finite_are_found_wherever_they_lie(
    tmp_path: Path, kind: int, external: bool, share: float
) -> None:
    made = model(kind)
    raw = bytearray(made.graph.initializer[0].raw_data)
    for bad in BAD[kind]:
        at = min(int(share * len(raw)) // 8 * 8, len(raw) - 2 * len(bad))
        raw[at : at + 2 * len(bad)] = 2 * bad
        made.graph.initializer[0].raw_data = bytes(raw)
        path = written(tmp_path / "m.onnx", made, external)
        with pytest.raises(ModelError, match="w: 2 of 4000000 numbers are NaN or infinite"):
            check(path)


def test_numbers_in_a_list_of_floats_are_looked_at_too(tmp_path: Path) -> None:
    made = model(packed=True)
    made.graph.initializer[0].float_data[-1] = np.inf
    with pytest.raises(ModelError, match="w: 1 of 4000000 numbers are NaN or infinite"):
        check(written(tmp_path / "m.onnx", made))


def test_whole_numbers_are_not_taken_for_floats(tmp_path: Path) -> None:
    made = model()
    made.graph.initializer[0].data_type = TensorProto.INT32
    made.graph.initializer[0].raw_data = b"\xff" * len(made.graph.initializer[0].raw_data)
    path = written(tmp_path / "m.onnx", made)
    _, stored = read_sketch(path)
    assert stored["w"].dtype == np.int32


def test_a_list_of_floats_is_stepped_over_too(tmp_path: Path) -> None:
    slim, stored = read_sketch(written(tmp_path / "m.onnx", model(packed=True)))
    assert stored["w"].shape == (WIDE, WIDE) and stored["w"].strides == (0, 0)
    assert slim.ByteSize() < LARGE


def test_all_but_the_large_weights_is_what_the_file_holds(tmp_path: Path) -> None:
    path = written(tmp_path / "m.onnx", model())
    slim, stored = read_sketch(path)
    whole = read_model(path)
    assert list(stored) == ["w"] and not stored["w"].any()
    for tensor in (*slim.graph.initializer, *whole.graph.initializer):
        if tensor.name == "w":
            tensor.Clear()
    assert slim == whole


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/*.onnx")), ids=lambda p: p.stem)
def test_verdicts_are_those_of_the_whole_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sketched = check(path)
    monkeypatch.setattr(module, "read_sketch", lambda p: (read_model(p), {}))
    assert check(path) == sketched


@pytest.mark.parametrize("share", [0.3, 0.99, 0.9999])
def test_half_a_file_is_refused_as_ever(tmp_path: Path, share: float) -> None:
    path = written(tmp_path / "m.onnx", model())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match="bytes are no ONNX model, or only a part of one"):
        check(path)


def test_a_large_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    for byte in (0, 7, 8, 58, 255):
        path.write_bytes(bytes([byte]) * 2 * LARGE)
        with pytest.raises(ModelError, match=r"m\.onnx: "):
            check(path)


@pytest.mark.parametrize("external", [False, True])
def test_data_that_do_not_fill_the_shape_are_refused(tmp_path: Path, external: bool) -> None:
    path = written(tmp_path / "m.onnx", model(dims=WIDE + 1), external)
    with pytest.raises(ModelError, match=r"w: its data do not fill shape \(2000, 2001\)"):
        check(path)
