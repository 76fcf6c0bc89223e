"""Read an ONNX file, and refuse one that is broken or reaches out of its folder."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.inliner
from google.protobuf.message import DecodeError
from onnx.external_data_helper import load_external_data_for_model, uses_external_data

from neurocomp.arrays import Array
from neurocomp.errors import ModelError
from neurocomp.frontend.blocks import Stretch

FLOATS = (
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.BFLOAT16,
)


def read_model(path: Path) -> onnx.ModelProto:
    """Read the file at `path` with its external data, functions inlined, all weights finite.

    Raises ModelError where that fails.
    """
    model = parse(path)
    load_external(model, path)
    return check_model(model, path)


def check_model(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """Give the model with functions inlined. Raises ModelError where it breaks a rule."""
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    _check_order(model)
    _check_rules(model, path)
    for tensor in tensors(model.graph):
        _finite(tensor)
    return model


def parse(path: Path) -> onnx.ModelProto:
    """Read the file alone. Raises ModelError where it is no model."""
    where = str(path)
    if not path.is_file():
        wrong = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise ModelError(where, wrong, "name an ONNX file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(where, f"cannot be read: {error.strerror}", "check its rights") from error
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        wrong = f"its {len(content)} bytes are no ONNX model, or only a part of one"
        raise ModelError(where, wrong, "export or copy it again") from error
    if not model.graph.node:
        wrong = f"its {len(content)} bytes hold no ONNX node"
        raise ModelError(where, wrong, "export or copy it again")
    return model


def _check_order(model: onnx.ModelProto) -> None:
    """Raise ModelError where a node reads what nothing made before it: a cycle, or a gap."""
    made = {"", *(i.name for i in model.graph.input), *(t.name for t in model.graph.initializer)}
    if model.graph.sparse_initializer:
        name = model.graph.sparse_initializer[0].values.name
        raise ModelError(name, "is stored sparse", "store the weights dense")
    for node in model.graph.node:
        if not node.output or not node.output[0]:
            raise ModelError(node.name or node.op_type, "makes no value", "repair the graph")
        for name in node.input:
            if name not in made:
                wrong = f"reads {name!r}, which nothing makes before it"
                raise ModelError(node.name or node.output[0], wrong, "repair the graph")
        made.update(node.output)
    for output in model.graph.output:
        if output.name not in made:
            raise ModelError(output.name, "is an output and nothing makes it", "repair the graph")


def _check_rules(model: onnx.ModelProto, path: Path) -> None:
    """Raise ModelError where the standard's checker refuses a model without foreign nodes."""
    newest = onnx.defs.onnx_opset_version()
    sets = {o.domain: o.version for o in model.opset_import}
    if sets.get("", newest) > newest:
        wrong = f"uses operator set {sets['']}, the newest known here is {newest}"
        raise ModelError(str(path), wrong, "update the package onnx, or export an older set")
    for output in model.graph.output:
        output.type.tensor_type.shape.SetInParent()  # onnxruntime needs none, the checker does
    if all(onnx.defs.has(n.op_type, n.domain) for n in model.graph.node):
        try:
            onnx.checker.check_model(model)
        except onnx.checker.ValidationError as error:
            wrong = f"breaks the standard: {' '.join(str(error).split())}"
            raise ModelError(str(path), wrong, "export it again") from error


def tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Give every stored tensor: initializers, and constants in the attributes of nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield _named(attribute.t, node)
            elif attribute.type == onnx.AttributeProto.GRAPH:
                yield from tensors(attribute.g)


def _named(tensor: onnx.TensorProto, node: onnx.NodeProto) -> onnx.TensorProto:
    if not tensor.name:
        tensor.name = node.output[0] if node.output else node.name
    return tensor


def load_external(model: onnx.ModelProto, path: Path) -> None:
    """Load what lies beside the model into it. Raises ModelError where that cannot be read."""
    folder = path.resolve().parent
    external = [t for t in tensors(model.graph) if uses_external_data(t)]
    for tensor in external:
        inside(tensor, folder)
    try:
        load_external_data_for_model(model, str(folder))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        name = external[0].name if external else str(path)
        wrong = f"its external data cannot be read: {error}"
        raise ModelError(name, wrong, "copy all files of the model") from error


def inside(tensor: onnx.TensorProto, folder: Path) -> Stretch:
    """Say where a tensor's data lie. Raises ModelError unless that is in `folder`, and whole."""
    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")
    target = (folder / location.replace("\0", "")).resolve()
    if (
        not location
        or "\0" in location
        or Path(location).is_absolute()
        or not target.is_relative_to(folder)
    ):
        wrong = f"its data lie at {location!r}, outside the model's folder"
        raise ModelError(tensor.name, wrong, "keep external data beside the model")
    if not target.is_file():
        wrong = f"its data file {location!r} is missing"
        raise ModelError(tensor.name, wrong, "copy it beside the model")
    try:
        offset, length = int(entries.get("offset") or 0), int(entries.get("length") or 0)
    except ValueError as error:
        wrong = "offset or length of its data is not a number"
        raise ModelError(tensor.name, wrong, "export it again") from error
    size = target.stat().st_size
    if offset + length > size:
        wrong = f"its data end at byte {offset + length}, the file {location!r} has {size}"
        raise ModelError(tensor.name, wrong, "copy the file again")
    return Stretch(target, offset, length or size - offset)


def values(tensor: onnx.TensorProto) -> Array:
    """Give a tensor's array. Raises ModelError where its size is not that of its shape."""
    try:
        return onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        wrong = f"its data do not fill shape {tuple(tensor.dims)}"
        raise ModelError(tensor.name, wrong, "export or copy the model again") from error


def _finite(tensor: onnx.TensorProto) -> None:
    array = values(tensor)
    if tensor.data_type in FLOATS:
        wrong = (
            np.isnan(array) if array.ndim == 0 else ~np.isfinite(array)
        )  # a limit may be infinite
        refuse_not_finite(tensor.name, int(wrong.sum()), array.size)


def refuse_not_finite(name: str, wrong: int, size: int) -> None:
    """Raise ModelError where some of a tensor's numbers are wrong."""
    if wrong:
        counted = f"{wrong} of {size} numbers are NaN or infinite"
        raise ModelError(name, counted, "train or export the model again")
