"""Read the tensors of a file that torch wrote before version 1.6, without torch.

Such a file is a row of pickles and then the numbers of each storage. Nothing in it is run: names
that are not of a tensor end in pickle.UnpicklingError.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True)
class Storage:
    """A row of numbers, known by its key until it is read."""

    key: str
    dtype: np.dtype


class View(NamedTuple):
    """A tensor: part of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements


def read_tensors(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """Give every tensor of a state dict by name. Raises ValueError where it is another file."""
    try:
        head = [_Plain(file).load() for _ in range(2)]
        if head != [MAGIC, PROTOCOL]:
            raise ValueError("it is not a file of torch 1.5 or older")
        _, views, keys = (_Plain(file).load() for _ in range(3))
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError) as error:
        raise ValueError(f"it is not a file of torch 1.5 or older: {error}") from error
    dtypes = {v.storage.key: v.storage.dtype for v in views.values()}
    numbers = {key: _numbers(file, dtypes[key]) for key in keys}
    return {
        name: np.lib.stride_tricks.as_strided(
            numbers[v.storage.key][v.offset :],
            v.shape,
            [s * v.storage.dtype.itemsize for s in v.strides],
        ).copy()
        for name, v in views.items()
    }


def _numbers(file: IO[bytes], dtype: np.dtype) -> NDArray[Any]:
    """Read one storage: how many, and then all of them."""
    size = file.read(8)
    count = int.from_bytes(size, "little")
    numbers = file.read(count * dtype.itemsize) if len(size) == 8 else b""
    if len(size) < 8 or len(numbers) < count * dtype.itemsize:
        raise ValueError("it is a file of torch 1.5 or older that is cut off")
    return np.frombuffer(numbers, dtype, count)


class _Plain(pickle.Unpickler):
    """Reads dictionaries, numbers, text and tensors, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Give the few names that a state dict consists of."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")

    def persistent_load(self, pid: Any) -> Storage:
        """Give the storage that stands behind the pickles."""
        kind, dtype, key, *_ = pid
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"{kind} is no storage")
        return Storage(str(key), dtype)


def _view(storage: Storage, offset: int, shape: Any, strides: Any, *_: object) -> View:
    return View(storage, int(offset), tuple(shape), tuple(strides))
