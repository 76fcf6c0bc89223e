"""Read an ONNX file without holding its large weights: shapes and types are enough for a check.

Protocol buffers nest length-delimited fields, so a large tensor is stepped over where it lies; its
numbers are read in blocks, to see that all are finite, and not kept. In its place stands an array
of its shape whose every element is one zero.
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
from neurocomp.frontend.blocks import Stretch, not_finite
from neurocomp.frontend.files import (
    FLOATS,
    check_model,
    inside,
    load_external,
    parse,
    refuse_not_finite,
)

Large = dict[str, list[Stretch]]  # tensor -> where its numbers lie

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

    Raises ModelError as `read_model` does.
    """
    model, large = _slim(path)
    folder = path.resolve().parent
    stored: dict[str, Array] = {}
    for tensor in model.graph.initializer:
        if uses_external_data(tensor):
            place = inside(tensor, folder)
            if place.size >= LARGE:
                large[tensor.name] = [place]
                del tensor.external_data[:]
                tensor.data_location = onnx.TensorProto.DEFAULT
        if tensor.name in large:
            stored[tensor.name] = _zeros(tensor, sum(s.size for s in large[tensor.name]))
            del tensor.dims[:]
            tensor.dims.append(0)
    load_external(model, path)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    checked = check_model(model, path)
    for name, stretches in large.items():
        wrong = sum(not_finite(s, kinds[name]) for s in stretches)
        refuse_not_finite(name, wrong, stored[name].size)
    return checked, stored


def _slim(path: Path) -> tuple[onnx.ModelProto, Large]:
    """Parse the file but for large initializers' payloads; say where those lie, by name."""
    if not path.is_file() or path.stat().st_size < LARGE:
        return parse(path), {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found: list[tuple[str, Field]] = []
        try:
            parts = [
                _tagged(f, _graph(data, f, found))
                if (f.number, f.kind) == (GRAPH, DELIMITED)
                else data[f.start : f.end]
                for f in _fields(data, 0, len(data))
            ]
            model = onnx.load_model_from_string(b"".join(parts))
        except (DecodeError, IndexError, UnicodeDecodeError):
            return parse(path), {}  # which says what is wrong
    large: Large = {}
    for name, f in found:
        large.setdefault(name, []).append(Stretch(path, f.payload, f.end - f.payload))
    return model, large


def _graph(data: mmap.mmap, field: Field, found: list[tuple[str, Field]]) -> bytes:
    """Give a graph's bytes without the payloads of its large initializers."""
    parts = []
    for f in _fields(data, field.payload, field.end):
        large = f.number == INITIALIZER and f.kind == DELIMITED and f.end - f.payload >= LARGE
        parts.append(_tagged(f, _tensor(data, f, found)) if large else data[f.start : f.end])
    return b"".join(parts)


def _tensor(data: mmap.mmap, field: Field, found: list[tuple[str, Field]]) -> bytes:
    parts, payloads = [], []
    for f in _fields(data, field.payload, field.end):
        if f.number in PAYLOADS and f.kind == DELIMITED and f.end - f.payload >= LARGE // 2:
            payloads.append(f)
        else:
            parts.append(data[f.start : f.end])
    slim = b"".join(parts)
    if payloads:
        name = onnx.TensorProto.FromString(slim).name
        found.extend((name, f) for f in payloads)
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
