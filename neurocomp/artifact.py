"""Files of an artifact: in memory first, then on disk, whole or not at all."""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import ArtifactError

FORMAT = 1
MANIFEST = "manifest.json"
REPORT = "report.json"


@dataclass(frozen=True, eq=False, slots=True)
class Files:
    """Relative path -> text, bytes or array (written as .npy)."""

    entries: Mapping[str, str | bytes | Array]

    def digest(self) -> str:
        """Give the SHA-256 over all paths and contents, in the order of the paths."""
        total = hashlib.sha256()
        for path in sorted(self.entries):
            content = encode(self.entries[path])
            total.update(f"{path}\0{len(content)}\0".encode())
            total.update(content)
        return total.hexdigest()

    def __or__(self, other: "Files") -> "Files":
        """Give the files of both. Raises ArtifactError where both hold one path."""
        twice = self.entries.keys() & other.entries.keys()
        if twice:
            raise ArtifactError(min(twice), "is written twice")
        return Files({**self.entries, **other.entries})


def encode(content: str | bytes | Array) -> bytes:
    """Give the bytes that stand on disk for `content`."""
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes):
        return content
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(content).reshape(content.shape), allow_pickle=False)
    return buffer.getvalue()


def write(files: Files, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write `files` as the artifact `folder`, its manifest last.

    An artifact that stands there is replaced; what else lies in it is kept. Raises ArtifactError
    where the folder is not an artifact, or the disk refuses; then all is as it was.
    """
    folder = folder.resolve()  # `.` has neither a name nor a parent
    check_place(folder)
    partial = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        hashes = put(files, partial)
        whole = {"format": FORMAT, "digest": files.digest(), **manifest, "files": hashes}
        _put(partial, MANIFEST, json.dumps(whole, indent=2) + "\n")
        partial.chmod(0o755)
        _exchange(partial, folder)
    except OSError as error:
        raise ArtifactError(
            str(folder),
            f"cannot be written: {error.strerror or error}",
            "free space or go elsewhere",
        ) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def check_place(folder: Path) -> None:
    """Raise ArtifactError where an artifact cannot be written to `folder`."""
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MANIFEST).is_file():
            raise ArtifactError(
                str(folder), "is a folder that neurocomp did not write", "choose another with -o"
            )
        read_manifest(folder)
    elif folder.exists() and not folder.is_dir():
        raise ArtifactError(str(folder), "is a file", "choose another with -o")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Give an artifact's manifest. Raises ArtifactError where there is none of this format."""
    path = folder / MANIFEST
    if not path.is_file():
        what = "has no manifest" if folder.is_dir() else "is not a folder"
        raise ArtifactError(str(folder), what, "make one with `neurocomp compile`")
    manifest = read_json(path)
    if manifest.get("format") != FORMAT:
        raise ArtifactError(
            str(path),
            f"has format {manifest.get('format')}, this neurocomp reads {FORMAT}",
            "compile again",
        )
    return manifest


def read_json(path: Path) -> dict[str, Any]:
    """Read an object from a JSON file. Raises ArtifactError where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(str(path), f"cannot be read: {error}", "compile again") from error
    if not isinstance(found, dict):
        raise ArtifactError(str(path), "holds no JSON object", "compile again")
    return found


def read_file(folder: Path, path: str, manifest: Mapping[str, Any]) -> bytes:
    """Read one file of an artifact. Raises ArtifactError where it is not what was written."""
    try:
        content = _inside(folder, path).read_bytes()
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
        raise ArtifactError(str(folder / path), wrong, "compile again") from error
    if hashlib.sha256(content).hexdigest() != manifest.get("files", {}).get(path):
        raise ArtifactError(str(folder / path), "is not what was compiled", "compile again")
    return content


def changed(folder: Path, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """List the files of an artifact that differ from what was written."""
    different = []
    for path, expected in manifest.get("files", {}).items():
        file = folder / path
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            different.append(path)
    return tuple(different)


def write_report(folder: Path, report: Mapping[str, Any]) -> Path:
    """Write report.json into `folder`, whole or not at all, and give its path."""
    return write_whole(folder / REPORT, json.dumps(report, indent=2) + "\n")


def write_whole(path: Path, text: str) -> Path:
    """Write a file, or leave the one that is there as it is, and give its path.

    Raises ArtifactError where it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise ArtifactError(str(path), f"cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def put(files: Files, folder: Path) -> dict[str, str]:
    """Write `files` into `folder`, and give the SHA-256 of each by its path."""
    return {path: _put(folder, path, files.entries[path]) for path in sorted(files.entries)}


def _put(folder: Path, path: str, content: str | bytes | Array) -> str:
    target = _inside(folder, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    encoded = encode(content)
    target.write_bytes(encoded)
    return hashlib.sha256(encoded).hexdigest()


def _inside(folder: Path, path: str) -> Path:
    """Give the place of `path` in `folder`. Raises ArtifactError where it lies elsewhere."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise ArtifactError(path, "leads out of the artifact")
    return folder.joinpath(*parts.parts)


def _exchange(partial: Path, folder: Path) -> None:
    """Put `partial` in the place of `folder`; keep what the old artifact did not list."""
    if not folder.exists():
        partial.rename(folder)
        return
    _keep(folder, partial)
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    kept = old / folder.name
    try:
        folder.rename(kept)
        partial.rename(folder)
    finally:  # an interrupt, too, must not lose what stood there
        if not folder.exists():
            kept.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _keep(folder: Path, partial: Path) -> None:
    """Copy what lies in the artifact `folder` and is not its own to `partial`; links stay links."""
    ours = {MANIFEST, REPORT}
    if (folder / MANIFEST).is_file():
        ours |= read_manifest(folder).get("files", {}).keys()
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        kept = partial / path
        if path.as_posix() in ours or "__pycache__" in path.parts or kept.exists():
            continue
        if file.is_symlink() or not file.is_dir():
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, kept, follow_symlinks=False)
        elif not any(file.iterdir()):
            kept.mkdir(parents=True)
