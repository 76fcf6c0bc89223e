"""The numbers of a large tensor, read block by block where they lie in a file, and not kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from neurocomp.arrays import Array
from neurocomp.errors import ModelError

BLOCK = 2**18  # bytes that are read at once: what a cache holds
STORED: dict[int, np.dtype[Any]] = {
    onnx.TensorProto.FLOAT: np.dtype("<f4"),
    onnx.TensorProto.FLOAT16: np.dtype("<f2"),
    onnx.TensorProto.DOUBLE: np.dtype("<f8"),
    onnx.TensorProto.BFLOAT16: np.dtype("<u2"),  # the upper half of a float32
}
BFLOAT16_EXPONENT = np.uint16(0x7F80)  # all its bits are set in NaN and in infinity


class Stretch(NamedTuple):
    """Bytes of a file that hold the numbers of a tensor, or some of them."""

    path: Path
    at: int
    size: int


def not_finite(stretch: Stretch, data_type: int) -> int:
    """Count what is NaN or infinite; integers are neither. Raises ModelError at an early end."""
    if data_type not in STORED:
        return 0
    return sum(int(np.count_nonzero(_wrong(b, data_type))) for b in _blocks(stretch, data_type))


def _wrong(block: Array, data_type: int) -> Array:
    if data_type == onnx.TensorProto.BFLOAT16:
        found: Array = (block & BFLOAT16_EXPONENT) == BFLOAT16_EXPONENT
        return found
    return ~np.isfinite(block)


def _blocks(stretch: Stretch, data_type: int) -> Iterator[Array]:
    """Give one block after the other, each only until the next."""
    buffer = bytearray(BLOCK)
    with stretch.path.open("rb") as file:
        file.seek(stretch.at)
        for start in range(0, stretch.size, BLOCK):
            part = memoryview(buffer)[: min(BLOCK, stretch.size - start)]
            if file.readinto(part) != len(part):
                wrong = f"ends before byte {stretch.at + stretch.size}"
                raise ModelError(str(stretch.path), wrong, "copy the file again")
            yield np.frombuffer(part, STORED[data_type], len(part) // STORED[data_type].itemsize)
