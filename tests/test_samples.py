"""Samples and labels: whatever is wrong with a file, it is said before anything is computed."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.errors import ModelError
from neurocomp.samples import check_samples, load_labels, load_samples

SHAPE = (2, 3)
GOOD = np.arange(24, dtype=np.float32).reshape(4, 2, 3)


@pytest.mark.parametrize("kind", ["float16", "float64", "int8", "uint8", "int64", "bool"])
def test_every_kind_of_number_becomes_float32(kind: str) -> None:
    found = check_samples(GOOD.astype(kind), SHAPE, "x")
    assert found.dtype == np.float32
    assert np.array_equal(found, GOOD.astype(kind).astype(np.float32))
    assert not found.flags.writeable


def test_float32_is_not_copied() -> None:
    assert np.shares_memory(check_samples(GOOD, SHAPE, "x"), GOOD)


def test_one_sample_needs_no_axis_of_its_own() -> None:
    assert check_samples(GOOD[0], SHAPE, "x").shape == (1, *SHAPE)


NOT_SAMPLES: dict[str, tuple[Array, str]] = {
    "wrong shape": (
        np.zeros((4, 3, 2)),
        r"x: has shape 4x3x2, the model takes samples x 2x3 \(reshape the samples\)",
    ),
    "flat": (np.zeros((4, 6)), r"x: has shape 4x6, the model takes samples x 2x3"),
    "a number": (np.array(1.0), r"x: has shape , the model takes samples x 2x3"),
    "empty": (np.zeros((0, 2, 3)), r"x: has shape 0x2x3, the model takes samples x 2x3"),
    "text": (np.array([["a"] * 3] * 2), r"x: holds <U1, numbers are needed \(save numbers\)"),
    "complex": (np.zeros((4, 2, 3), complex), r"x: holds complex128, numbers are needed"),
    "objects": (np.full((4, 2, 3), None), r"x: holds object, numbers are needed"),
    "dates": (np.zeros((4, 2, 3), "M8[s]"), r"x: holds datetime64\[s\], numbers are needed"),
    "nan": (
        np.where(np.arange(24).reshape(4, 2, 3) == 17, np.nan, 1.0),
        r"x: is not finite at \[2, 1, 2\] \(replace NaN and infinity\)",
    ),
    "infinity": (np.full((1, 2, 3), -np.inf), r"x: is not finite at \[0, 0, 0\]"),
    "beyond float32": (np.full((1, 2, 3), 1e300), r"x: is not finite at \[0, 0, 0\]"),
}


@pytest.mark.parametrize("case", NOT_SAMPLES)
def test_what_are_no_samples_is_told(case: str) -> None:
    values, words = NOT_SAMPLES[case]
    with pytest.raises(ModelError, match=f"^{words}"):
        check_samples(values, SHAPE, "x")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: np.savez(path, inputs=GOOD),
        lambda path: np.savez_compressed(path, inputs=GOOD, labels=np.arange(4)),
        lambda path: np.savez(path, anything=GOOD),
    ],
)
def test_samples_are_found_in_an_npz(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "x.npz"
    write(path)
    assert np.array_equal(load_samples(path, SHAPE), GOOD)


def test_samples_are_read_from_an_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", GOOD)
    assert np.array_equal(load_samples(str(tmp_path / "x.npy"), SHAPE), GOOD)


def cut(path: Path) -> None:
    np.savez(path, inputs=np.arange(10000.0))
    path.write_bytes(path.read_bytes()[:5000])


def cut_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, GOOD)
    path.write_bytes(path.read_bytes()[:150])


def scratched(path: Path) -> None:
    random = np.random.default_rng(0).integers(0, 9, 5000)
    np.savez_compressed(path, inputs=random)
    content = bytearray(path.read_bytes())
    content[200:260] = b"\xff" * 60
    path.write_bytes(bytes(content))


def pickled(path: Path) -> None:
    np.savez(path, inputs=np.array([{"a": 1}], dtype=object), allow_pickle=True)


def not_arrays(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("inputs", "0 1 2")


def scratched_header(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, GOOD)
    path.write_bytes(path.read_bytes().replace(b"'descr'", b"'descr("))


UNREADABLE: dict[Callable[[Path], object], str] = {
    cut: r"cannot be read: .* \(save it again\)",
    cut_array: "cannot be read: ",
    scratched: "cannot be read: ",
    scratched_header: "cannot be read: ",
    pickled: r"cannot be read: Object arrays cannot be loaded when allow_pickle=False",
    not_arrays: "cannot be read: inputs is not an array",
    (lambda path: path.write_bytes(b"")): "cannot be read: ",
    (lambda path: path.write_text("1,2,3")): "cannot be read: ",
    (lambda path: path.mkdir()): r"is not a file \(give an .npz or .npy\)",
    (lambda path: None): r"is not a file \(give an .npz or .npy\)",
    (
        lambda path: np.savez(path, a=GOOD, b=GOOD)
    ): r"holds 2 arrays and none is 'inputs' \(name one 'inputs'\)",
    (lambda path: np.savez(path)): "holds 0 arrays and none is 'inputs'",
    (lambda path: np.savez(path, inputs=GOOD.T)): "has shape 3x2x4, the model takes samples x 2x3",
}


@pytest.mark.parametrize("write", UNREADABLE, ids=range(len(UNREADABLE)))
def test_an_unreadable_file_is_named(tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "x.npz"
    write(path)
    with pytest.raises(ModelError, match=UNREADABLE[write]) as raised:
        load_samples(path, SHAPE)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize("kind", ["int8", "uint8", "int64"])
def test_labels_are_read(tmp_path: Path, kind: str) -> None:
    np.savez(tmp_path / "y.npz", labels=np.arange(4).astype(kind), inputs=GOOD)
    found = load_labels(tmp_path / "y.npz", 4)
    assert found.tolist() == [0, 1, 2, 3]
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.arange(3), r"int64 of shape \(3,\)"),
        (np.zeros((4, 1), int), r"int64 of shape \(4, 1\)"),
        (np.zeros(4), r"float64 of shape \(4,\)"),
        (np.array(["a"] * 4), r"<U1 of shape \(4,\)"),
    ],
)
def test_labels_are_one_integer_a_sample(tmp_path: Path, labels: Array, found: str) -> None:
    path = tmp_path / "y.npy"
    np.save(path, labels)
    words = rf"y\.npy: holds {found}, integers of shape \(4,\) are needed \(save one a sample\)"
    with pytest.raises(ModelError, match=words):
        load_labels(path, 4)
