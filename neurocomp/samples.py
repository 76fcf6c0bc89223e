"""Samples and labels from files, checked before anything is computed."""

import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurocomp.arrays import Array, Shape, all_finite, readonly
from neurocomp.errors import ModelError

# What numpy raises for a damaged file; a header that is cut off fails in its tokenizer.
UNREADABLE = (
    ValueError,
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)


def check_samples(samples: Array, shape: Shape, where: str) -> Array:
    """Give `samples` as float32 (samples, *shape). Raises ModelError where they are not that."""
    wanted = "x".join(map(str, shape))
    if samples.dtype.kind not in "fiub":
        raise ModelError(where, f"holds {samples.dtype}, numbers are needed", "save numbers")
    if samples.shape == shape:
        samples = samples[None]
    if samples.shape[1:] != shape or not len(samples):
        found = "x".join(map(str, samples.shape))
        raise ModelError(
            where, f"has shape {found}, the model takes samples x {wanted}", "reshape the samples"
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        taken = samples.astype(np.float32, copy=False)
    if not all_finite(taken):
        bad = np.argwhere(~np.isfinite(taken))[0].tolist()
        raise ModelError(where, f"is not finite at {bad}", "replace NaN and infinity")
    return readonly(taken)


def load_samples(path: str | Path, shape: Shape) -> Array:
    """Read samples of `shape` from a .npy, or an .npz with the key `inputs` or one array."""
    return check_samples(_load(Path(path), "inputs"), shape, str(path))


def load_calibration(model: Path, path: Path | None, shape: Shape) -> Array:
    """Read the samples that `model` is calibrated on. Raises ModelError where none are given."""
    if path is None:
        wrong = "needs samples, its ranges are measured on them"
        raise ModelError(str(model), wrong, "give --samples x.npz")
    return load_samples(path, shape)


def load_labels(path: str | Path, count: int) -> Array:
    """Read `count` classes, (count,), from a .npy, or an .npz with the key `labels`."""
    return _check_labels(_load(Path(path), "labels"), count, str(path))


def load_first_labels(path: str | Path, count: int) -> Array:
    """Read the classes of the first `count` samples, (count,), of a file that may hold more."""
    labels = _load(Path(path), "labels")
    return _check_labels(labels[:count], count, str(path))


def _check_labels(labels: Array, count: int, where: str) -> Array:
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        found = f"{labels.dtype} of shape {labels.shape}"
        wrong = f"holds {found}, integers of shape ({count},) are needed"
        raise ModelError(where, wrong, "save one a sample")
    return readonly(labels.astype(np.int64, copy=False))


def _load(path: Path, key: str) -> Array:
    if not path.is_file():
        raise ModelError(str(path), "is not a file", "give an .npz or .npy")
    try:
        with path.open("rb") as file:  # numpy leaves a broken archive open
            return _read(np.load(file, allow_pickle=False), path, key)
    except UNREADABLE as error:
        wrong = str(error).splitlines()[0] if str(error) else "ends too early"
        raise ModelError(str(path), f"cannot be read: {wrong}", "save it again") from error


def _read(loaded: object, path: Path, key: str) -> Array:
    """Give the one array that is meant. Raises ValueError where it is none."""
    name = path.name
    if isinstance(loaded, Mapping):
        names = [key] if key in loaded else list(loaded)
        if len(names) != 1:
            raise ModelError(
                str(path), f"holds {len(names)} arrays and none is {key!r}", f"name one {key!r}"
            )
        name, loaded = names[0], loaded[names[0]]
    if not isinstance(loaded, np.ndarray):
        raise ValueError(f"{name} is not an array")
    return loaded
