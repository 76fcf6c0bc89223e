"""What every artifact's host.py reads, checks, computes and writes."""

import ast
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.artifact import encode
from neurocomp.backends import names
from neurocomp.backends.emitted import host
from neurocomp.backends.host import host_files, npz
from neurocomp.errors import UnsupportedError
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import constant_drive
from tests.backends.corpus import CORPUS, program, samples

NETWORKS = pytest.mark.parametrize("name", CORPUS)
IMAGE = (1, 3, 2)


def loaded(network: Network, folder: Path) -> host.Host:
    for path, content in host_files(program(network), folder.name).items():
        (folder.parent / path).write_bytes(encode(content))
    return host.load(folder)


def same_bits(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@NETWORKS
def test_the_drive_is_the_oracles_to_the_last_bit(name: str, tmp_path: Path) -> None:
    network = CORPUS[name]()
    x = samples(network, 5)
    wanted = constant_drive(network, {"x": x})
    for p, given in zip(network.populations, loaded(network, tmp_path).drive(x), strict=True):
        assert same_bits(given, wanted[p.name].reshape(5, -1) + 0), p.name


def test_a_dense_current_of_wide_numbers_is_exact(tmp_path: Path) -> None:
    network = CORPUS["dense_float"]()
    (current,) = network.currents
    rng = np.random.default_rng(0)
    wide = rng.integers(-(2**25), 2**25, current.synapse.weight.shape) * 2.0**-23
    synapse = replace(CORPUS["dense_float"]().currents[0].synapse, weight=wide)  # type: ignore[type-var]  # a Dense
    current = replace(current, synapse=synapse, scale=np.asarray(1 / 3), quantum=2.0**-20)
    network = replace(network, currents=(current,))
    x = samples(network, 50)
    given = loaded(network, tmp_path).currents[0]
    prepared = network.inputs[0].prepare(x)
    drive = np.stack([given.drive(row) for row in prepared.reshape(50, -1)])
    assert same_bits(drive, current.drive(prepared).reshape(50, -1))


def test_samples_are_prepared_as_the_input_does(tmp_path: Path) -> None:
    network = CORPUS["conv"]()
    x = samples(network, 4).astype(np.float32)
    wanted = network.inputs[0].prepare(x).reshape(4, -1)
    assert x.min() < network.inputs[0].low and x.max() > network.inputs[0].high
    assert same_bits(loaded(network, tmp_path).prepare(x), wanted)


@NETWORKS
def test_names_shapes_and_length_survive(name: str, tmp_path: Path) -> None:
    network = CORPUS[name]()
    given = loaded(network, tmp_path)
    wanted = [(p.name, p.shape) for p in network.populations]
    assert [(p.name, p.shape) for p in given.populations] == wanted
    assert given.populations[given.readout].name == network.readout
    assert given.length == network.run_length(20)
    assert given.input_shape == network.inputs[0].sample_shape


def test_only_a_gate_is_a_gate(tmp_path: Path) -> None:
    given = loaded(CORPUS["max_gate"](), tmp_path)
    assert [p.name for p in given.populations if p.gate] == ["pool"]


def test_two_inputs_are_not_supported() -> None:
    network = CORPUS["dense"]()
    two = replace(network, inputs=(*network.inputs, replace(network.inputs[0], name="y")))
    with pytest.raises(UnsupportedError, match=r"inputs: the network has 2, a run takes 1"):
        host_files(program(two), "brian2")


def test_the_emitted_module_is_no_backend_and_is_copied_as_it_stands() -> None:
    assert "emitted" not in names()
    assert host_files(program(CORPUS["dense"]()), "b")["b/host.py"] == Path(
        str(host.__file__)
    ).read_text(encoding="utf-8")


def test_an_npz_has_the_same_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = {"a": np.arange(3), "b/c": np.ones((2, 2))}
    first = npz(arrays)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert npz(arrays) == first
    with np.load(io.BytesIO(first)) as kept:
        assert {k: v.tolist() for k, v in kept.items()} == {"a": [0, 1, 2], "b/c": [[1, 1], [1, 1]]}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (np.zeros((2, 1, 3, 2)), ""),
        (np.zeros((2, 3, 2), dtype=np.uint8), ""),
        (np.zeros((2, 3, 1, 2), dtype=bool), ""),
        (np.zeros((2, 2, 3)), r"the samples are (2, 2, 3), the network takes (samples, 1, 3, 2)"),
        (np.zeros((2, 6)), "the samples are (2, 6), the network takes (samples, 1, 3, 2)"),
        (np.zeros(()), "the samples are (), the network takes (samples, 1, 3, 2)"),
        (np.zeros((0, 1, 3, 2)), "holds 0 samples, a run needs 1"),
        (np.full((1, 3, 2), "a"), "the samples are <U1, not numbers"),
        (np.zeros((1, 3, 2), dtype=complex), "the samples are complex128, not numbers"),
        (np.array([[[np.nan, 0], [np.inf, 0], [0, 0]]]), "2 of 6 values are not finite"),
    ],
)
def test_samples_are_checked(given: Array, says: str) -> None:
    assert host.check(given, IMAGE) == says


def saved(path: Path, **arrays: Array) -> None:
    np.savez(path, **arrays)  # type: ignore[arg-type]  # numpy-stubs: the keyword allow_pickle


def cut(path: Path) -> None:
    saved(path, inputs=np.zeros((2, 7)))
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b""), "cannot be read as an npz file: No data left in file"),
        (lambda path: path.write_text("a,b"), "cannot be read as an npz file: "),
        (cut, "cannot be read as an npz file: File is not a zip file"),
        (lambda path: saved(path, x=np.zeros(3)), "has no array 'inputs' (it has x)"),
        (lambda path: path.write_bytes(encode(np.zeros(3))), "is one array, not an npz file"),
        (
            lambda path: saved(path, inputs=np.array([None])),
            "cannot be read as an npz file: Object arrays cannot be loaded",
        ),
        (lambda path: saved(path, inputs=np.full((1, 7), np.nan)), "7 of 7 values are not finite"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_and_code_2(
    make: Callable[[Path], object],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "inputs.npz"
    make(path)
    with pytest.raises(SystemExit) as ended:
        host.read_samples(path, loaded(CORPUS["dense"](), tmp_path))
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith(f"{path}: {says}") and told.err.count("\n") == 1


def test_a_good_file_is_read(tmp_path: Path) -> None:
    network = CORPUS["dense"]()
    saved(tmp_path / "inputs.npz", inputs=samples(network))
    given = host.read_samples(tmp_path / "inputs.npz", loaded(network, tmp_path))
    assert same_bits(given, samples(network))


def results(network: Network) -> tuple[list[Array], Array, list[Array | None]]:
    sizes = [int(np.prod(p.shape)) for p in network.populations]
    spikes = [np.ones((2, 4, n), dtype=np.int64) for n in sizes]
    membranes: list[Array | None] = [np.full((2, 4, n), 5.0) for n in sizes]
    return spikes, np.arange(8.0 * sizes[-1]).reshape(2, 4, -1), membranes


def test_results_have_the_populations_shapes_and_the_networks_numbers(tmp_path: Path) -> None:
    network = CORPUS["max_gate"]()
    spikes, readout, membranes = results(network)
    membranes[1] = None
    path = tmp_path / "spikes.npz"
    host.write_results(path, loaded(network, tmp_path), spikes, readout, membranes)
    with np.load(path) as kept:
        given = {key: (values.dtype, values.shape) for key, values in kept.items()}
        assert kept["readout"].ravel().tolist() == list(range(24))
    assert given == {
        "spikes/a": (np.dtype(bool), (2, 4, 2, 5, 6)),
        "spikes/pool": (np.dtype(bool), (2, 4, 2, 3, 4)),
        "spikes/b": (np.dtype(bool), (2, 4, 9, 1, 1)),
        "v/a": (np.dtype(np.int64), (2, 4, 2, 5, 6)),
        "v/b": (np.dtype(np.int64), (2, 4, 9, 1, 1)),
        "v/out": (np.dtype(np.int64), (2, 4, 3, 1, 1)),
        "readout": (np.dtype(np.int64), (2, 4, 3, 1, 1)),
    }


def test_any_population_name_is_a_key(tmp_path: Path) -> None:
    network = CORPUS["hostile_name"]()
    spikes, readout, _ = results(network)
    path = tmp_path / "spikes.npz"
    host.write_results(path, loaded(network, tmp_path), spikes, readout, None)
    with np.load(path) as kept:
        assert list(kept) == [f"spikes/{p.name}" for p in network.populations[:-1]] + ["readout"]


def test_results_that_cannot_be_written_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "there" / "spikes.npz"
    with pytest.raises(SystemExit) as ended:
        host.write_npz(path, {"a": np.zeros(3)})
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{path}: cannot be written: No such file or directory\n"


def test_an_interrupted_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "spikes.npz"
    host.write_npz(path, {"a": np.zeros(3)})
    before = path.read_bytes()

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        host.write_npz(path, {"a": np.ones(3)})
    assert [p.name for p in tmp_path.iterdir()] == ["spikes.npz"]
    assert path.read_bytes() == before


def test_the_parser_takes_inputs_spikes_and_membranes() -> None:
    given = host.parser("t").parse_args(["in.npz", "out.npz", "--membranes"])
    assert (given.inputs, given.spikes) == (Path("in.npz"), Path("out.npz"))
    assert given.membranes and not host.parser("t").parse_args(["i", "o"]).membranes


def test_progress_is_a_line_that_a_program_can_read(capsys: pytest.CaptureFixture[str]) -> None:
    host.progress(12, 100)
    assert capsys.readouterr().err == "sample 12 of 100\n"


def test_the_emitted_module_needs_numpy_alone() -> None:
    tree = ast.parse(Path(str(host.__file__)).read_text(encoding="utf-8"))
    found = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert found - set(sys.stdlib_module_names) == {"numpy"}
