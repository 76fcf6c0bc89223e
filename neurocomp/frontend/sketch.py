"""Read an ONNX file without its large weights: their shapes and types are enough for a check.

Protocol buffers nest length-delimited fields, so a large tensor is stepped over where it lies, and
neither read nor held. In its place stands an array of its shape whose every element is one zero.
Source: the encoding's specification, and the field numbers of onnx.proto.
"""

import mmap
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx.external_data_helper import uses_external_data

from neurocomp.arrays import Array
from neurocomp.errors import ModelError
from neurocomp.frontend.files import FLOATS, check_model, inside, load_external, parse

LARGE = 2**20  # bytes of a tensor that is stepped over
GRAPH, INITIALIZER = 7, 5  # of ModelProto, of GraphProto
PAYLOADS = (4, 9)  # of TensorProto: float_data, raw_data
VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """One field of a message: where it starts, where its payload does, and where both end."""

    number: int
    kind: int
    start: int
    payload: int
    end: int


def read_sketch(path: Path) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """Read the model at `path`; give it without its large tensors, and those as zeros by name.

    Raises ModelError as `read_model` does, save for numbers in large tensors that are not finite.
    """
    model, sizes = _slim(path)
    folder = path.resolve().parent
    stored: dict[str, Array] = {}
    for tensor in model.graph.initializer:
        if uses_external_data(tensor):
            size = inside(tensor, folder)
            if size >= LARGE:
                sizes[tensor.name] = size
                del tensor.external_data[:]
                tensor.data_location = onnx.TensorProto.DEFAULT
        if tensor.name in sizes:
            stored[tensor.name] = _zeros(tensor, sizes[tensor.name])
            del tensor.dims[:]
            tensor.dims.append(0)
    load_external(model, path)
    return check_model(model, path), stored


def _slim(path: Path) -> tuple[onnx.ModelProto, dict[str, int]]:
    """Parse the file but for large initializers' payloads; give those's bytes by name."""
    if not path.is_file() or path.stat().st_size < LARGE:
        return parse(path), {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        sizes: dict[str, int] = {}
        try:
            parts = [
                _tagged(f, _graph(data, f, sizes))
                if (f.number, f.kind) == (GRAPH, DELIMITED)
                else data[f.start : f.end]
                for f in _fields(data, 0, len(data))
            ]
            model = onnx.load_model_from_string(b"".join(parts))
        except (DecodeError, IndexError, UnicodeDecodeError):
            return parse(path), {}  # which says what is wrong
    return model, sizes


def _graph(data: mmap.mmap, field: Field, sizes: dict[str, int]) -> bytes:
    """Give a graph's bytes without the payloads of its large initializers."""
    parts = []
    for f in _fields(data, field.payload, field.end):
        large = f.number == INITIALIZER and f.kind == DELIMITED and f.end - f.payload >= LARGE
        parts.append(_tagged(f, _tensor(data, f, sizes)) if large else data[f.start : f.end])
    return b"".join(parts)


def _tensor(data: mmap.mmap, field: Field, sizes: dict[str, int]) -> bytes:
    parts, size = [], 0
    for f in _fields(data, field.payload, field.end):
        if f.number in PAYLOADS and f.kind == DELIMITED and f.end - f.payload >= LARGE // 2:
            size += f.end - f.payload
        else:
            parts.append(data[f.start : f.end])
    slim = b"".join(parts)
    if size:
        sizes[onnx.TensorProto.FromString(slim).name] = size
    return slim


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[Field]:
    """Give the fields of a message. Raises IndexError where they do not end with it."""
    while at < end:
        start = at
        tag, at = _varint(data, at)
        payload, kind = at, tag & 7
        if kind == VARINT:
            _, at = _varint(data, at)
        elif kind == DELIMITED:
            size, payload = _varint(data, at)
            at = payload + size
        else:
            at += {FIXED64: 8, FIXED32: 4}[kind] if kind in (FIXED64, FIXED32) else end
        if at > end:
            raise IndexError
        yield Field(tag >> 3, kind, start, payload, at)


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, and give it with the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise IndexError


def _tagged(field: Field, payload: bytes) -> bytes:
    """Write a length-delimited field anew."""
    out = bytearray()
    for value in (field.number << 3 | DELIMITED, len(payload)):
        while value >= 128:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
    return bytes(out) + payload


def _zeros(tensor: onnx.TensorProto, size: int) -> Array:
    """Give an array of the tensor's shape, which takes no memory."""
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    each = 2 if tensor.data_type == onnx.TensorProto.BFLOAT16 else kind.itemsize
    if prod(tensor.dims) * each != size:
        wrong = f"its data do not fill shape {tuple(tensor.dims)}"
        raise ModelError(tensor.name, wrong, "export or copy the model again")
    zero = np.zeros((), np.float32 if tensor.data_type in FLOATS else kind)
    return np.broadcast_to(zero, tuple(tensor.dims))
