"""Artifacts on disk: whole or not at all, and nothing of the user's is lost."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp import artifact
from neurocomp.artifact import (
    FORMAT,
    MANIFEST,
    Files,
    changed,
    check_place,
    encode,
    read_file,
    read_json,
    read_manifest,
    write,
    write_report,
)
from neurocomp.errors import ArtifactError

FILES = Files(
    {
        "program.json": '{"steps": 3}\n',
        "arrays/0000.npy": np.arange(6).reshape(2, 3),
        "model.onnx": b"\x00\x01",
        "brian2/run.py": "x = 1\n",
    }
)
OTHER = Files({"program.json": "{}\n", "lava/run.py": "y = 2\n"})


def contents(folder: Path) -> dict[str, bytes]:
    """Give every file below `folder`, its path -> its bytes."""
    files = (f for f in folder.rglob("*") if f.is_file())
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in files}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Give an artifact of FILES, with two files of the user's in it."""
    folder = tmp_path / "work" / "build"
    write(FILES, folder, {"steps": 3})
    (folder / "notes.txt").write_text("mine")
    (folder / "brian2" / "mine").mkdir()
    (folder / "brian2" / "mine" / "spikes.npz").write_bytes(b"mine too")
    return folder


# Writing


def test_what_is_written_is_what_was_given(tmp_path: Path) -> None:
    write(FILES, tmp_path / "deep" / "er" / "build", {"steps": 3})
    found = contents(tmp_path / "deep" / "er" / "build")
    assert found.keys() == {*FILES.entries, MANIFEST}
    assert found["brian2/run.py"] == b"x = 1\n"
    assert found["model.onnx"] == b"\x00\x01"
    array = np.load(tmp_path / "deep/er/build/arrays/0000.npy", allow_pickle=False)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_manifest_says_what_is_there(build: Path) -> None:
    manifest = read_manifest(build)
    assert manifest["format"] == FORMAT
    assert manifest["steps"] == 3
    assert manifest["digest"] == FILES.digest()
    found = contents(build)
    wanted = {path: hashlib.sha256(found[path]).hexdigest() for path in FILES.entries}
    assert manifest["files"] == wanted


def test_the_manifest_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    put = artifact._put

    def noted(folder: Path, path: str, content: Any) -> str:
        order.append(path)
        return put(folder, path, content)

    monkeypatch.setattr(artifact, "_put", noted)
    write(FILES, tmp_path / "build", {})
    assert order[-1] == MANIFEST
    assert sorted(order[:-1]) == sorted(FILES.entries)


def test_an_artifact_is_replaced_and_the_users_files_are_kept(build: Path) -> None:
    write_report(build, {"exact": True})
    write(OTHER, build, {})
    found = contents(build)
    assert found.keys() == {
        *OTHER.entries,
        MANIFEST,
        "notes.txt",
        "brian2/mine/spikes.npz",
    }
    assert found["notes.txt"] == b"mine"
    assert found["program.json"] == b"{}\n"


def test_links_and_empty_folders_of_the_user_are_kept(build: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "big.npz").write_bytes(b"big")
    (build / "link").symlink_to(elsewhere)
    (build / "broken").symlink_to(tmp_path / "gone")
    (build / "empty").mkdir()
    write(OTHER, build, {})
    assert (build / "link").is_symlink()
    assert (build / "link" / "big.npz").read_bytes() == b"big"
    assert (build / "broken").is_symlink()
    assert (build / "empty").is_dir()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    write(FILES, tmp_path / "build", {})
    assert read_manifest(tmp_path / "build")["digest"] == FILES.digest()


def test_nothing_else_is_left_beside_the_artifact(build: Path) -> None:
    write(OTHER, build, {})
    assert [p.name for p in build.parent.iterdir()] == ["build"]


# Refusing


def foreign(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("years")


def foreign_manifest(folder: Path) -> None:
    folder.mkdir()
    (folder / MANIFEST).write_text('{"name": "an extension of a browser"}')


def newer(folder: Path) -> None:
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT + 1}))


def torn(folder: Path) -> None:
    folder.mkdir()
    (folder / MANIFEST).write_text('{"format"')


def listed(folder: Path) -> None:
    folder.mkdir()
    (folder / MANIFEST).write_text("[1]")


REFUSED: dict[Callable[[Path], object], str] = {
    foreign: r"build: is a folder that neurocomp did not write \(choose another with -o\)",
    foreign_manifest: r"manifest\.json: has format None, this neurocomp reads 1 \(compile again\)",
    newer: r"manifest\.json: has format 2, this neurocomp reads 1",
    torn: r"manifest\.json: cannot be read: ",
    listed: r"manifest\.json: holds no JSON object",
    (lambda folder: folder.write_text("a file")): r"build: is a file \(choose another with -o\)",
}


@pytest.mark.parametrize("make", REFUSED, ids=range(len(REFUSED)))
def test_what_is_not_ours_is_refused_and_untouched(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    folder = tmp_path / "build"
    make(folder)
    before = contents(tmp_path)
    with pytest.raises(ArtifactError, match=REFUSED[make]):
        check_place(folder)
    with pytest.raises(ArtifactError, match=REFUSED[make]):
        write(FILES, folder, {})
    assert contents(tmp_path) == before


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/tmp/x", "a\\..\\x", ".."])
def test_no_path_leads_out_of_the_artifact(build: Path, path: str) -> None:
    before = contents(build.parent.parent)
    with pytest.raises(ArtifactError, match="leads out of the artifact"):
        write(Files({"a": "a", path: "x"}), build, {})
    assert contents(build.parent.parent) == before


def test_two_writers_of_one_path_are_refused() -> None:
    with pytest.raises(ArtifactError, match=r"^program\.json: is written twice"):
        FILES | OTHER
    both = FILES | Files({"lava/run.py": "y"})
    assert len(both.entries) == 5


# Interruptions: at every call that touches the disk, by an error and by Ctrl-C

INTERRUPTIONS = [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
PLACES: list[tuple[Any, str, int]] = [
    (Path, "write_bytes", 0),
    (Path, "write_bytes", 2),
    (Path, "write_bytes", 4),  # the manifest
    (shutil, "copy2", 0),
    (tempfile, "mkdtemp", 0),
    (tempfile, "mkdtemp", 1),
    (Path, "rename", 0),
    (Path, "rename", 1),
]


def interrupt(
    monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str, int], error: BaseException
) -> None:
    """Let the call number `place[2]` of one function raise `error`."""
    owner, name, skipped = place
    kept, calls = getattr(owner, name), [0]

    def broken(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == skipped + 1:
            raise error
        return kept(*arguments, **options)

    monkeypatch.setattr(owner, name, broken)


@pytest.mark.parametrize("error", INTERRUPTIONS, ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("place", PLACES, ids=[f"{n}-{i}" for _, n, i in PLACES])
def test_an_interrupted_replacement_leaves_all_as_it_was(
    build: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str, int], error: BaseException
) -> None:
    before = contents(build.parent)
    raised = ArtifactError if isinstance(error, OSError) else KeyboardInterrupt
    with monkeypatch.context() as patch:
        interrupt(patch, place, error)
        with pytest.raises(raised) as found:
            write(FILES, build, {"steps": 4})
    if raised is ArtifactError:
        words = "build: cannot be written: No space left on device (free space or go elsewhere)"
        assert str(found.value).endswith(words)
    assert contents(build.parent) == before
    assert [p.name for p in build.parent.iterdir()] == ["build"]
    write(OTHER, build, {})  # and it can be tried again


@pytest.mark.parametrize("error", INTERRUPTIONS, ids=["disk", "ctrl-c"])
def test_an_interrupted_first_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    for place in ((Path, "write_bytes", 3), (Path, "rename", 0)):
        with monkeypatch.context() as patch:
            interrupt(patch, place, error)
            with pytest.raises((ArtifactError, KeyboardInterrupt)):
                write(FILES, tmp_path / "build", {})
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", INTERRUPTIONS, ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("name", ["write_text", "replace"])
def test_an_interrupted_report_leaves_the_old_one(
    build: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, name: str
) -> None:
    write_report(build, {"exact": True})
    before = contents(build)
    with monkeypatch.context() as patch:
        interrupt(patch, (Path if name == "write_text" else os, name, 0), error)
        with pytest.raises((ArtifactError, KeyboardInterrupt)):
            write_report(build, {"exact": False})
    assert contents(build) == before


def test_a_report_is_json(build: Path) -> None:
    path = write_report(build, {"exact": True})
    assert read_json(path) == {"exact": True}
    assert changed(build, read_manifest(build)) == ()


# Digests and damage


def test_the_digest_does_not_depend_on_the_order_or_the_layout_of_arrays() -> None:
    turned = Files(dict(reversed(list(FILES.entries.items()))))
    assert turned.digest() == FILES.digest()
    fortran = np.asfortranarray(np.arange(6).reshape(2, 3))
    strided = np.arange(12).reshape(2, 6)[:, ::2] // 2
    assert encode(fortran) == encode(np.arange(6).reshape(2, 3)) == encode(strided)


def test_the_digest_sees_every_change() -> None:
    seen = {FILES.digest()}
    for change in (
        {"brian2/run.py": "x = 2\n"},
        {"arrays/0000.npy": np.arange(6).reshape(3, 2)},
        {"arrays/0000.npy": np.arange(6).reshape(2, 3).astype(np.int32)},
        {"extra": ""},
    ):
        seen.add(Files({**FILES.entries, **change}).digest())
    moved = Files({"ab": "c", "d": ""}).digest(), Files({"a": "bc", "d": ""}).digest()
    assert len(seen) == 5 and moved[0] != moved[1]


SCRIPT = """
import sys
from tests.programs import program
from neurocomp.artifact import Files
from neurocomp.codec import to_plain
import json
arrays = {}
plain = to_plain(program("residual_projected"), arrays)
print(Files({"program.json": json.dumps(plain), **arrays}).digest())
"""


def test_two_processes_give_a_program_one_digest() -> None:
    digests = []
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(done.stdout)
    assert digests[0] == digests[1]
    assert len(digests[0].strip()) == 64


def test_damage_is_seen(build: Path) -> None:
    manifest = read_manifest(build)
    assert changed(build, manifest) == ()
    (build / "brian2" / "run.py").write_text("x = 3\n")
    (build / "model.onnx").unlink()
    assert set(changed(build, manifest)) == {"brian2/run.py", "model.onnx"}
    with pytest.raises(ArtifactError, match=r"run\.py: is not what was compiled \(compile again\)"):
        read_file(build, "brian2/run.py", manifest)
    with pytest.raises(ArtifactError, match=r"model\.onnx: cannot be read: No such file"):
        read_file(build, "model.onnx", manifest)
    assert read_file(build, "program.json", manifest) == b'{"steps": 3}\n'


def test_a_file_that_is_not_listed_is_not_read(build: Path) -> None:
    with pytest.raises(ArtifactError, match=r"notes\.txt: is not what was compiled"):
        read_file(build, "notes.txt", read_manifest(build))


def test_a_manifest_cannot_name_files_outside(build: Path) -> None:
    secret = build.parent / "secret"
    secret.write_bytes(b"s")
    manifest = {"files": {"../secret": hashlib.sha256(b"s").hexdigest()}}
    with pytest.raises(ArtifactError, match=r"^\.\./secret: leads out of the artifact"):
        read_file(build, "../secret", manifest)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder.mkdir(), r"b: has no manifest \(make one with `neurocomp compile`"),
        (lambda folder: None, r"b: is not a folder \(make one with `neurocomp compile`"),
        (foreign_manifest, r"has format None, this neurocomp reads 1"),
        (torn, r"manifest\.json: cannot be read: "),
    ],
)
def test_a_folder_without_a_manifest_is_no_artifact(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(tmp_path / "b")
    with pytest.raises(ArtifactError, match=words):
        read_manifest(tmp_path / "b")
