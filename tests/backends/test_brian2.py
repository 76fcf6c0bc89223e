"""The emitted Brian2 script does what the oracle does, spike by spike and membrane by membrane."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.artifact import encode
from neurocomp.backends.brian2 import emit
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import NoMembrane
from neurocomp.snn.oracle import simulate
from tests.backends.corpus import CORPUS, HOSTILE, Draw, into, network, program, samples

NETWORKS = pytest.mark.parametrize("name", CORPUS)


def write(network: Network, folder: Path) -> Path:
    for path, content in emit(program(network)).entries.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(encode(content))
    np.savez(folder / "inputs.npz", inputs=samples(network))
    return folder


def start(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = folder / "brian2" / "run.py"
    command = [sys.executable, str(script), "inputs.npz", "spikes.npz", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500)


def run(folder: Path, *options: str) -> dict[str, Array]:
    done = start(folder, *options)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if not re.match(r"sample \d of 3$", line)]
    assert said == []
    with np.load(folder / "spikes.npz") as kept:
        return dict(kept)


def expected(network: Network) -> dict[str, Array]:
    """Give what run.py must write with --membranes, from the oracle."""
    length = network.run_length(program(network).steps)
    steps = list(simulate(network, {"x": samples(network)}, length))
    arrays = {"readout": np.stack([s.v[network.readout] for s in steps], axis=1)}
    for p in network.populations:
        if p.name != network.readout:
            arrays[f"spikes/{p.name}"] = np.stack([s.spikes[p.name] for s in steps], axis=1)
        if not isinstance(p.neuron, NoMembrane):
            arrays[f"v/{p.name}"] = np.stack([s.v[p.name] for s in steps], axis=1)
    return arrays


def differing(given: Mapping[str, Array], wanted: Mapping[str, Array]) -> list[str]:
    assert sorted(given) == sorted(wanted)
    return [
        key
        for key, values in wanted.items()
        if given[key].dtype != values.dtype or not np.array_equal(given[key], values)
    ]


@NETWORKS
def test_every_spike_and_membrane_equals_the_oracle(name: str, tmp_path: Path) -> None:
    network = CORPUS[name]()
    assert differing(run(write(network, tmp_path), "--membranes"), expected(network)) == []


@pytest.mark.parametrize("name", sorted(set(CORPUS) - {"one_layer"}))
def test_the_corpus_is_alive(name: str) -> None:
    network = CORPUS[name]()
    wanted = expected(network)
    spikes = [v for key, v in wanted.items() if key.startswith("spikes/")]
    assert any(0.02 < s.mean() < 0.98 for s in spikes)
    assert len(np.unique(wanted["readout"])) > 10
    assert len({s.tobytes() for s in wanted["readout"]}) == (1 if name == "bias_only" else 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["delays", "max_gate_in_flight", "two_currents"])
def test_the_standalone_program_equals_the_oracle(name: str, tmp_path: Path) -> None:
    network = CORPUS[name]()
    given = run(write(network, tmp_path), "--membranes", "--standalone")
    assert differing(given, expected(network)) == []


def test_membranes_are_written_only_when_asked_for(tmp_path: Path) -> None:
    network = CORPUS["dense"]()
    wanted = {k: v for k, v in expected(network).items() if not k.startswith("v/")}
    assert differing(run(write(network, tmp_path)), wanted) == []


def test_progress_is_told_on_stderr(tmp_path: Path) -> None:
    done = start(write(CORPUS["one_layer"](), tmp_path))
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "sample 3 of 3"


def test_a_missing_simulator_is_one_line_and_code_2(tmp_path: Path) -> None:
    folder = write(CORPUS["one_layer"](), tmp_path)
    (folder / "brian2" / "brian2.py").write_text("raise ModuleNotFoundError('no brian2 here')\n")
    done = start(folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "brian2: cannot be imported, no brian2 here (pip install brian2)\n"
    assert not (folder / "spikes.npz").exists()


def test_wrong_samples_are_one_line_and_code_2(tmp_path: Path) -> None:
    folder = write(CORPUS["one_layer"](), tmp_path)
    np.savez(folder / "inputs.npz", inputs=np.zeros((2, 5)))
    done = start(folder)
    assert done.returncode == 2
    said = "inputs.npz: the samples are (2, 5), the network takes (samples, 7, 1, 1)\n"
    assert done.stderr == said


@NETWORKS
def test_emit_is_pure(name: str) -> None:
    assert emit(program(CORPUS[name]())).digest() == emit(program(CORPUS[name]())).digest()


@NETWORKS
def test_every_file_lies_in_the_backends_folder_and_no_name_is_a_path(name: str) -> None:
    allowed = r"brian2/(run\.py|host\.py|host\.npz|[ps]\d+\.npz)"
    entries = emit(program(CORPUS[name]())).entries
    assert [p for p in entries if not re.fullmatch(allowed, p)] == []


def test_a_hostile_name_is_only_in_comments() -> None:
    text = emit(program(CORPUS["hostile_name"]())).entries["brian2/run.py"]
    assert isinstance(text, str)
    named = [line for line in text.splitlines() if "Relu" in line]
    assert named and all(line.startswith("#") and repr(HOSTILE) in line for line in named)
    strings = [n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant)]
    assert not any("Relu" in s for s in strings if isinstance(s, str))


LOOPS = ast.For | ast.While | ast.AsyncFor


@NETWORKS
def test_the_script_connects_by_arrays_and_loops_over_nothing(name: str) -> None:
    text = emit(program(CORPUS[name]())).entries["brian2/run.py"]
    assert isinstance(text, str)
    tree = ast.parse(text)
    assert [n.lineno for n in ast.walk(tree) if isinstance(n, LOOPS)] == []
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    made = [n for n in calls if isinstance(n.func, ast.Name) and n.func.id == "Synapses"]
    joined = [n for n in calls if isinstance(n.func, ast.Attribute) and n.func.attr == "connect"]
    assert len(joined) == len(made)
    assert all([k.arg for k in call.keywords] == ["i", "j"] and not call.args for call in joined)


def test_the_script_does_not_grow_with_the_synapses() -> None:
    few, many = (wide(size) for size in (3, 300))
    texts = [emit(program(n)).entries["brian2/run.py"] for n in (few, many)]
    assert all(isinstance(text, str) for text in texts)
    lines = [len(str(text).splitlines()) for text in texts]
    assert lines[0] == lines[1] and abs(len(str(texts[0])) - len(str(texts[1]))) < 100


def wide(size: int) -> Network:
    """Give two dense layers of `size` neurons."""
    d, shape = Draw(1, integer=True), (size, 1, 1)
    return network(
        shape,
        [d.current("a", d.dense(shape, shape))],
        [d.population("a", shape), d.accumulator("out", shape, 2)],
        [into("a", "out", d.dense(shape, shape))],
    )


@pytest.mark.parametrize("name", ["delays", "max_gate_in_flight"])
def test_the_script_is_as_reviewed(name: str, golden: Callable[[str, str], None]) -> None:
    text = emit(program(CORPUS[name]())).entries["brian2/run.py"]
    assert isinstance(text, str)
    golden(f"brian2/{name}.py", text)
