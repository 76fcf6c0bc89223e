"""Run an artifact's simulation in an interpreter that has the simulator."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from neurocomp.arrays import Array
from neurocomp.artifact import put
from neurocomp.backends import Backend, backend
from neurocomp.build import Artifact
from neurocomp.errors import BackendError, MissingError
from neurocomp.observe import Observe
from neurocomp.program import Program
from neurocomp.samples import UNREADABLE, check_samples

PROGRESS = re.compile(r"sample (\d+) of (\d+)")
PATIENCE_S = 5  # for a simulation that is told to end
READY = "ready"  # a file of a private environment, written when it is complete


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outcome:
    """What a simulator gave back."""

    spikes: Mapping[str, Array]  # population -> bool (samples, steps, channels, rows, columns)
    readout: Array  # (samples, steps, channels, rows, columns), membrane after each step
    v: Mapping[str, Array]  # population -> membranes, where they were asked for
    costs: Mapping[str, Array] = field(default_factory=dict)  # what it counted, (samples, ...)


def run(
    artifact: Artifact,
    name: str,
    samples: Array,
    *,
    python: str | None = None,
    membranes: bool = False,
    observe: Observe = lambda what, done, total: None,
) -> Outcome:
    """Run `artifact` with the backend `name` on `samples`, (samples, *input shape).

    Raises BackendError where the simulator is missing or fails.
    """
    chosen = backend(name)
    folder = artifact.folder
    script = folder.resolve() / name / "run.py"
    if not script.is_file():
        raise BackendError(
            str(folder), f"was not compiled for {name}", f"compile with --backend {name}"
        )
    interpreter = find_python(chosen, python)
    checked = check_samples(samples, artifact.input_shape, "samples")
    with tempfile.TemporaryDirectory(prefix="neurocomp-") as scratch:
        return _simulate(script, chosen, interpreter, checked, membranes, Path(scratch), observe)


def run_program(
    program: Program,
    name: str,
    samples: Array,
    *,
    python: str | None = None,
    membranes: bool = False,
    observe: Observe = lambda what, done, total: None,
) -> Outcome:
    """Emit `program` for the backend `name`, and run it, with nothing left on disk.

    Raises BackendError where the simulator is missing or fails.
    """
    chosen = backend(name)
    interpreter = find_python(chosen, python)
    with tempfile.TemporaryDirectory(prefix="neurocomp-") as scratch:
        folder = Path(scratch)
        put(chosen.emit(program), folder)
        script = folder / name / "run.py"
        return _simulate(script, chosen, interpreter, samples, membranes, folder, observe)


def _simulate(
    script: Path,
    chosen: Backend,
    interpreter: str,
    samples: Array,
    membranes: bool,
    scratch: Path,
    observe: Observe,
) -> Outcome:
    inputs, spikes = scratch / "inputs.npz", scratch / "spikes.npz"
    np.savez(inputs, inputs=samples)
    options = ["--membranes"] if membranes else []
    command = [interpreter, str(script), str(inputs), str(spikes), *options]
    _watch(command, chosen, scratch, observe)
    return _read(spikes, chosen)


def find_python(chosen: Backend, python: str | None = None) -> str:
    """Give the interpreter that runs the backend: the named one, ours, or the private one.

    Raises MissingError where none of them can import the simulator.
    """
    variable = f"NEUROCOMP_{chosen.name.upper()}_PYTHON"
    named = python or os.environ.get(variable)
    if named:
        found = shutil.which(named)
        if found is None or not _imports(found, chosen.simulator.module):
            wrong = "is not there" if found is None else f"cannot import {chosen.simulator.module}"
            raise BackendError(named, wrong, f"name another with --python or {variable}")
        return found
    if _is_here(chosen.simulator.module):
        return sys.executable
    private = environment(chosen)
    if (private / READY).is_file():
        return str(private / "bin" / "python")
    raise MissingError(
        chosen.simulator.title,
        f"cannot be imported by {sys.executable}",
        f"run `neurocomp setup {chosen.name}`, or name an interpreter with --python or {variable}",
    )


def environment(chosen: Backend) -> Path:
    """Give the folder of the backend's private environment."""
    named = os.environ.get("NEUROCOMP_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurocomp"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (Path(named) if named else home) / f"{chosen.name}-python{version}"


def setup(chosen: Backend, observe: Observe = lambda what, done, total: None) -> Path:
    """Make the backend's private environment, if it is not there, and give its interpreter.

    Raises BackendError where pip fails; an unfinished environment is never used.
    """
    folder = environment(chosen)
    python = folder / "bin" / "python"
    if (folder / READY).is_file():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    total = len(chosen.simulator.install) + 2
    observe("create", 0, total)
    try:
        venv.create(folder, with_pip=True)
        for done, arguments in enumerate(chosen.simulator.install, start=1):
            observe(f"install {' '.join(a for a in arguments if a[0] != '-')}", done, total)
            _pip(chosen, [str(python), "-m", "pip", "install", "--quiet", *arguments])
        observe(f"import {chosen.simulator.module}", total - 1, total)
        (folder / READY).write_text("made by neurocomp setup\n", encoding="utf-8")
    except (OSError, subprocess.CalledProcessError) as error:
        raise BackendError(
            str(folder), f"cannot be made: {error}", "free space, or name a Python"
        ) from error
    observe("done", total, total)
    return python


def _pip(chosen: Backend, command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise BackendError(
            chosen.simulator.title,
            f"pip failed with exit code {done.returncode}: {last}",
            "see pip",
        )


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is not there
        return False


def _imports(python: str, module: str) -> bool:
    probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    done = subprocess.run([python, "-c", probe], stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0


def _watch(command: list[str], chosen: Backend, scratch: Path, observe: Observe) -> None:
    """Run `command` in a process group of its own, which ends with us; report its progress."""
    last: deque[str] = deque(maxlen=30)
    with subprocess.Popen(
        command,
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            for line in process.stderr or ():
                progress = PROGRESS.fullmatch(line.strip())
                if progress:
                    observe(chosen.name, int(progress[1]), int(progress[2]))
                elif line.strip():
                    last.append(line.rstrip())
            code = process.wait()
        finally:
            if process.poll() is None:
                _end(process)
    if code:
        said = "\n".join(last) or "no message"
        raise BackendError(chosen.simulator.title, f"failed with exit code {code}:\n{said}\n")


def _end(process: subprocess.Popen[str]) -> None:
    """Ask the process and all that it started to end; what has not ended soon is killed."""
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=PATIENCE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(path: Path, chosen: Backend) -> Outcome:
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
            readout = arrays.pop("readout")
    except (*UNREADABLE, KeyError) as error:
        wrong = f"wrote no readable spikes: {error}"
        raise BackendError(chosen.simulator.title, wrong) from error
    return Outcome(
        spikes={_after(n, "spikes/"): a for n, a in arrays.items() if n.startswith("spikes/")},
        readout=readout,
        v={_after(n, "v/"): a for n, a in arrays.items() if n.startswith("v/")},
        costs={_after(n, "cost/"): a for n, a in arrays.items() if n.startswith("cost/")},
    )


def _after(name: str, prefix: str) -> str:
    return name.removeprefix(prefix)
