"""Finding an interpreter, running an artifact in it, and what happens when that fails."""

import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from neurocomp import backends, simulation
from neurocomp.backends import Backend
from neurocomp.backends.simulator import Simulator
from neurocomp.build import Artifact, emit
from neurocomp.compiler import Options, compile
from neurocomp.errors import BackendError, MissingError, ModelError
from neurocomp.hw.read import load_target
from neurocomp.simulation import environment, find_python, run, setup
from tests.ann.corpus import CORPUS

SAMPLES = np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32)
ABSENT = Backend(
    name="absent",
    simulator=Simulator(module="a_simulator_that_is_not_there", title="Absent", install=()),
    emit=backends.backend("brian2").emit,
)


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    graph = CORPUS["two_dense"]()
    options = Options(steps=5)
    program = compile(graph, load_target("ideal"), SAMPLES, options)
    return emit(program, graph, tmp_path / "build", ("brian2",), options)


def replace_script(artifact: Artifact, text: str) -> None:
    (artifact.folder / "brian2" / "run.py").write_text(text)


def test_progress_is_told(artifact: Artifact) -> None:
    told: list[tuple[str, int, int]] = []
    run(artifact, "brian2", SAMPLES, observe=lambda *what: told.append(what))
    assert told[-1] == ("brian2", 3, 3)


def test_membranes_come_when_asked_for(artifact: Artifact) -> None:
    plain, full = (run(artifact, "brian2", SAMPLES, membranes=m) for m in (False, True))
    assert not plain.v
    assert full.v["relu1"].shape == plain.spikes["relu1"].shape


def test_an_artifact_without_the_backend_says_so(artifact: Artifact) -> None:
    with pytest.raises(BackendError, match="was not compiled for lava"):
        run(artifact, "lava", SAMPLES)


def test_samples_of_another_shape_never_start_a_simulation(artifact: Artifact) -> None:
    with pytest.raises(ModelError, match="has shape 2x7, the model takes samples x 6"):
        run(artifact, "brian2", np.zeros((2, 7)))


def test_a_failure_shows_what_the_simulation_said(artifact: Artifact) -> None:
    replace_script(artifact, "raise ArithmeticError('the sum of all fears')")
    with pytest.raises(BackendError, match=r"(?s)exit code 1.*the sum of all fears"):
        run(artifact, "brian2", SAMPLES)


def test_a_run_that_writes_nothing_is_a_failure(artifact: Artifact) -> None:
    replace_script(artifact, "")
    with pytest.raises(BackendError, match="no readable spikes"):
        run(artifact, "brian2", SAMPLES)


def test_a_run_that_writes_rubbish_is_a_failure(artifact: Artifact) -> None:
    replace_script(artifact, "import sys; open(sys.argv[2], 'w').write('PK rubbish')")
    with pytest.raises(BackendError, match="no readable spikes"):
        run(artifact, "brian2", SAMPLES)


def test_an_interrupt_ends_the_simulation_and_its_children(
    artifact: Artifact, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    replace_script(
        artifact,
        f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
print("sample 1 of 3", file=sys.stderr, flush=True)
time.sleep(60)
""",
    )

    def interrupt(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(artifact, "brian2", SAMPLES, observe=interrupt)
    assert time.monotonic() - start < 30
    for pid in pids.read_text().split():
        assert gone(int(pid)), pid


def gone(pid: int) -> bool:
    """Wait a moment for a process to be gone (or a zombie that its new parent has not reaped)."""
    for _ in range(50):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return False


def test_the_running_interpreter_is_used_where_it_can() -> None:
    assert find_python(backends.backend("brian2")) == sys.executable


def test_a_missing_simulator_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROCOMP_CACHE", str(tmp_path))
    monkeypatch.delenv("NEUROCOMP_ABSENT_PYTHON", raising=False)
    with pytest.raises(MissingError, match="run `neurocomp setup absent`"):
        find_python(ABSENT)


def test_a_named_interpreter_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="python-of-nobody: is not there"):
        find_python(ABSENT, "python-of-nobody")
    with pytest.raises(BackendError, match="cannot import a_simulator_that_is_not_there"):
        find_python(ABSENT, sys.executable)
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("NEUROCOMP_ABSENT_PYTHON", str(fake))
    assert find_python(ABSENT) == str(fake)


def test_a_private_environment_is_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROCOMP_CACHE", str(tmp_path))
    made: list[Path] = []

    def create(folder: Path, with_pip: bool) -> None:
        made.append(folder)
        (folder / "bin").mkdir(parents=True)

    monkeypatch.setattr(simulation.venv, "create", create)
    told: list[str] = []
    setup(ABSENT, lambda what, done, total: told.append(what))
    setup(ABSENT)
    assert made == [environment(ABSENT)]
    assert told[0] == "create"
    assert find_python(ABSENT) == str(environment(ABSENT) / "bin" / "python")


def test_an_environment_that_pip_cannot_fill_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROCOMP_CACHE", str(tmp_path))
    simulator = Simulator(module="nothing", title="Nothing", install=(("--no-such-option",),))
    chosen = Backend(name="nothing", simulator=simulator, emit=ABSENT.emit)
    monkeypatch.setattr(
        simulation.venv, "create", lambda folder, with_pip: link(folder / "bin" / "python")
    )
    with pytest.raises(BackendError, match="pip failed with exit code 2"):
        setup(chosen)
    with pytest.raises(MissingError):
        find_python(chosen)


def link(python: Path) -> None:
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)


def test_two_runs_at_once_do_not_meet(artifact: Artifact) -> None:
    found: list[int] = []

    def one() -> None:
        found.append(int(run(artifact, "brian2", SAMPLES).spikes["relu1"].sum()))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(found)) == 1
    assert len(found) == 2
