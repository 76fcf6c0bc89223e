"""The command line as a user meets it: what it prints, its exit codes, and what bad input does."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from neurocomp import artifact
from neurocomp.cli import compile as compile_command
from neurocomp.cli import main

EXAMPLE = Path(__file__).parents[1] / "examples" / "mnist"
LENET = EXAMPLE / "lenet.onnx"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small network: 4 features, 5 hidden neurons, 3 classes."""
    return save(tmp_path / "small.onnx", dense())


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.npz"
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 6)
    np.savez(path, inputs=random.random((6, 4), dtype=np.float32), labels=labels)
    return path


@pytest.fixture
def build(tmp_path: Path, model: Path, samples: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "build"
    assert call("compile", model, "-t", "ideal", "--samples", samples, "-o", folder, *QUICK) == 0
    capsys.readouterr()
    return folder


QUICK = ("--steps", 8, "--backend", "brian2")


def dense(weight: float = 1.0, kind: str = "Relu") -> onnx.ModelProto:
    random = np.random.default_rng(1)
    first, second = random.normal(size=(4, 5)) * weight, random.normal(size=(5, 3))
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "w1"], ["h"], name="hidden"),
        onnx.helper.make_node(kind, ["h"], ["r"], name="active"),
        onnx.helper.make_node("MatMul", ["r", "w2"], ["y"], name="classes"),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "small",
        [value("x", onnx.TensorProto.FLOAT, ["n", 4])],
        [value("y", onnx.TensorProto.FLOAT, ["n", 3])],
        [
            onnx.numpy_helper.from_array(first.astype(np.float32), "w1"),
            onnx.numpy_helper.from_array(second.astype(np.float32), "w2"),
        ],
    )
    opsets = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)


def save(path: Path, made: onnx.ModelProto) -> Path:
    onnx.save(made, path)
    return path


def call(*words: object) -> int:
    return main([str(w) for w in words])


def test_check_lists_every_node(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", model, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert {n["name"] for n in found["nodes"]} == {"hidden", "active", "classes"}
    assert set(found["nodes"][0]) == {"name", "kind", "status", "reason", "remedy"}


def test_check_names_what_is_unsupported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", save(tmp_path / "odd.onnx", dense(kind="Sin")), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    (odd,) = [n for n in found["nodes"] if n["status"] == "unsupported"]
    assert odd["name"] == "active"
    assert odd["reason"]
    assert odd["remedy"]


def test_check_tells_whether_it_fits(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", model, "--target", "loihi1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["target"]["cores"] >= 1


def test_compile_tells_what_it_made(
    tmp_path: Path, model: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "build"
    code = call("compile", model, "-t", "loihi1", "--samples", samples, "-o", folder, "--json")
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert {"artifact", "cores", "chips", "utilisation", "binding"} <= found.keys()
    assert found["artifact"] == str(folder)
    assert found["utilisation"]["neurons"]["limit"] == 1024
    names = ["load", "check the import", "rewrite", "calibrate", "convert"]
    names += ["quantize", "rates", "map", "emit"]
    assert [s["name"] for s in found["stages"]] == names
    assert all(s["seconds"] >= 0 and s["peak_mb"] > 10 for s in found["stages"])
    assert json.loads((folder / "report.json").read_text())["compile"] == found
    assert (folder / "manifest.json").is_file()
    assert (folder / "brian2" / "run.py").is_file()
    assert (folder / "lava" / "run.py").is_file()


def test_run_writes_every_spike(
    tmp_path: Path, build: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "spikes.npz"
    assert call("run", build, "-b", "brian2", "--inputs", samples, "-o", out, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    with np.load(out) as kept:
        assert kept["spikes/active"].shape == (6, 9, 5, 1, 1)
        assert found["total"] == kept["spikes/active"].sum()
    assert call("run", build, "-b", "brian2", "--inputs", samples, "-o", out) == 2
    assert "is there already" in capsys.readouterr().err


def test_verify_says_exact(build: Path, samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("verify", build, "--inputs", samples, "--labels", samples, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["exact"] is True
    checked = found["backends"]["brian2"]
    assert (checked["mismatches"], checked["samples"], checked["steps"]) == (0, 6, 8)
    assert set(checked["populations"]) == {"active", "classes"}
    assert set(found["accuracy"]) == {"ann", "float", "integer"}


def test_verify_finds_a_changed_weight(
    build: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(build / "brian2" / "s0.npz")
    assert call("verify", build, "--inputs", samples, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["exact"] is False
    assert found["backends"]["brian2"]["mismatches"] > 0
    assert "sample 0, step" in found["backends"]["brian2"]["first_difference"]


def plant(path: Path) -> None:
    """Change one weight in the emitted arrays of a backend."""
    with np.load(path) as kept:
        arrays = {name: kept[name].copy() for name in kept.files}
    arrays["weights"].flat[0] += 1
    np.savez(path, **arrays)


def test_show_and_list_print_something(
    build: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ("show", build),
        ("show", model),
        ("show", "loihi1"),
        *(("list", what) for what in ("targets", "backends", "passes", "ops")),
    ):
        assert call(*words) == 0
        assert len(capsys.readouterr().out.splitlines()) > 3


def test_doctor_knows_the_backends(capsys: pytest.CaptureFixture[str]) -> None:
    call("doctor", "--json")
    found = json.loads(capsys.readouterr().out)
    assert set(found["backends"]) == {"brian2", "lava", "sanafe"}
    assert found["backends"]["brian2"]["python"]
    assert [n for n, b in found["backends"].items() if not b["wanted"]] == ["sanafe"]


Spoil = Callable[[Path], tuple[object, ...]]


def missing_model(folder: Path) -> tuple[object, ...]:
    return (folder / "none.onnx",)


def truncated_model(folder: Path) -> tuple[object, ...]:
    content = LENET.read_bytes()
    (folder / "cut.onnx").write_bytes(content[: len(content) // 2])
    return (folder / "cut.onnx",)


def text_for_a_model(folder: Path) -> tuple[object, ...]:
    (folder / "model.onnx").write_text("import torch\n")
    return (folder / "model.onnx",)


def infinite_weights(folder: Path) -> tuple[object, ...]:
    return (save(folder / "inf.onnx", dense(weight=np.inf)),)


def unknown_operator(folder: Path) -> tuple[object, ...]:
    return (save(folder / "sin.onnx", dense(kind="Sin")),)


def samples_of_other_shape(folder: Path) -> tuple[object, ...]:
    np.savez(folder / "s.npz", inputs=np.zeros((3, 7), dtype=np.float32))
    return (save(folder / "small.onnx", dense()), "--samples", folder / "s.npz")


def samples_of_text(folder: Path) -> tuple[object, ...]:
    np.savez(folder / "s.npz", inputs=np.array([["a", "b", "c", "d"]]))
    return (save(folder / "small.onnx", dense()), "--samples", folder / "s.npz")


def samples_not_finite(folder: Path) -> tuple[object, ...]:
    np.savez(folder / "s.npz", inputs=np.full((2, 4), np.nan, dtype=np.float32))
    return (save(folder / "small.onnx", dense()), "--samples", folder / "s.npz")


def unknown_target(folder: Path) -> tuple[object, ...]:
    return (save(folder / "small.onnx", dense()), "--target", "loihi3")


def unknown_key_of_target(folder: Path) -> tuple[object, ...]:
    text = (Path(__file__).parents[1] / "targets" / "ideal.toml").read_text()
    (folder / "mine.toml").write_text('colour = "blue"\n' + text)
    return (save(folder / "small.onnx", dense()), "--target", folder / "mine.toml")


def too_many_steps(folder: Path) -> tuple[object, ...]:
    return (save(folder / "small.onnx", dense()), "--target", "loihi1", "--steps", 10_000_000)


def no_steps(folder: Path) -> tuple[object, ...]:
    return (save(folder / "small.onnx", dense()), "--steps", 0)


def unknown_backend(folder: Path) -> tuple[object, ...]:
    return (save(folder / "small.onnx", dense()), "--backend", "nest")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (missing_model, "none.onnx"),
        (truncated_model, "cut.onnx"),
        (text_for_a_model, "model.onnx"),
        (infinite_weights, "w1"),
        (unknown_operator, "active"),
        (samples_of_other_shape, "has shape 3x7, the model takes samples x 4"),
        (samples_of_text, "numbers are needed"),
        (samples_not_finite, "is not finite at"),
        (unknown_target, "loihi3"),
        (unknown_key_of_target, "colour"),
        (too_many_steps, "membrane needs"),
        (no_steps, "at least 1 is needed"),
        (unknown_backend, "nest"),
    ],
)
def test_bad_input_ends_in_one_error_and_nothing_is_written(
    spoil: Spoil,
    words: str,
    tmp_path: Path,
    samples: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, *rest = spoil(tmp_path)
    options: dict[str, object] = {"--target": "ideal", "--samples": samples}
    options |= dict(zip(rest[::2], rest[1::2], strict=True))
    flat = [w for pair in options.items() for w in pair]
    before = sorted(tmp_path.iterdir())
    assert call("compile", model, *flat, "-o", tmp_path / "build") == 2
    shown = capsys.readouterr()
    assert words in " ".join(shown.err.split())
    assert "Traceback" not in shown.err
    assert sorted(tmp_path.iterdir()) == before


def test_compile_without_samples_says_so(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("compile", model, "-t", "ideal", "-o", tmp_path / "build") == 2
    assert "needs samples" in capsys.readouterr().err


def test_a_network_too_big_for_the_chip_is_refused(
    tmp_path: Path, model: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[1] / "targets" / "loihi1.toml").read_text()
    small = tmp_path / "tiny.toml"
    small.write_text(text.replace("neurons      = 1024", "neurons      = 1"))
    words = ("compile", model, "-t", small, "--samples", samples, "-o", tmp_path / "build")
    assert call(*words) == 2
    assert "neurons" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


def test_a_folder_of_the_users_is_not_touched(
    tmp_path: Path, model: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter.tex").write_text("words")
    words = ("compile", model, "-t", "ideal", "--samples", samples, "-o", mine, *QUICK)
    assert call(*words) == 2
    assert "did not write" in capsys.readouterr().err
    assert [f.name for f in mine.iterdir()] == ["chapter.tex"]


def test_a_second_compile_replaces_the_artifact_and_keeps_other_files(
    build: Path, model: Path, samples: Path
) -> None:
    (build / "notes.txt").write_text("mine")
    words = ("compile", model, "-t", "ideal", "--samples", samples, "-o", build, "--steps", 9)
    assert call(*words, "--backend", "brian2") == 0
    assert json.loads((build / "manifest.json").read_text())["steps"] == 9
    assert (build / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (KeyboardInterrupt(), "interrupted: nothing was written"),
    ],
)
def test_a_full_disk_or_an_interrupt_leaves_nothing_half_written(
    raised: BaseException,
    words: str,
    build: Path,
    model: Path,
    samples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = (build / "manifest.json").read_text()
    siblings = sorted(build.parent.iterdir())
    put = artifact._put

    def fail(folder: Path, path: str, content: Any) -> str:
        if path == "program.json":
            raise raised
        return put(folder, path, content)

    monkeypatch.setattr(artifact, "_put", fail)
    options = ("-t", "ideal", "--samples", samples, "--steps", 9, "--backend", "brian2")
    assert call("compile", model, *options, "-o", build) == 2
    assert words in capsys.readouterr().err
    assert (build / "manifest.json").read_text() == before
    assert call("compile", model, *options, "-o", build.parent / "new") == 2
    assert sorted(build.parent.iterdir()) == siblings


def test_an_import_that_computes_something_else_is_refused(
    tmp_path: Path,
    model: Path,
    samples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = save(tmp_path / "other.onnx", dense(weight=1.5))
    original = compile_command.load
    monkeypatch.setattr(compile_command, "load", lambda path, shape: original(other, shape))
    words = ("compile", model, "-t", "ideal", "--samples", samples, "-o", tmp_path / "build")
    assert call(*words) == 2
    assert "was imported wrongly" in capsys.readouterr().err


def test_a_damaged_artifact_is_refused(
    build: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = build / "program.json"
    program.write_text(program.read_text()[:-20])
    assert call("verify", build, "--inputs", samples) == 2
    assert "is not what was compiled" in capsys.readouterr().err
    shutil.rmtree(build)
    assert call("verify", build, "--inputs", samples) == 2


def test_errors_are_objects_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", tmp_path / "none.onnx", "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "ModelError"
    assert "none.onnx" in error["where"]
