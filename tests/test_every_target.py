"""On every target a network is mapped with numbers, or refused with what would have to change."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from neurocomp.cli import main
from neurocomp.hw.read import load_target, target_names

LENET = Path(__file__).parents[1] / "examples" / "mnist" / "lenet.onnx"
FITS = {
    "ideal": "has no mesh that cores could be laid on",
    "truenorth": "cannot be put on truenorth, for 6 reasons",
    "xylo2": "the input: has 784 values, xylo2 allows 16 (make the samples smaller)",
    "speck2f": "have biases, speck2f has none (train without biases, or use another target)",
    "akd1000": "akd1000 has no subtract neuron, only always, accumulator (train neurons without",
}  # target -> why not; all others hold a LeNet


def small(path: Path, weights: tuple[np.ndarray, ...]) -> Path:
    """Save dense layers of these weights, (inputs, outputs), with ReLU between; no biases."""
    nodes, last = [], "x"
    for n in range(len(weights)):
        end = "y" if n == len(weights) - 1 else f"h{n}"
        nodes.append(helper.make_node("MatMul", [last, f"w{n}"], [end], name=f"layer{n}"))
        if end != "y":
            nodes.append(helper.make_node("Relu", [end], [f"r{n}"], name=f"active{n}"))
        last = f"r{n}"
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "small",
        [value("x", onnx.TensorProto.FLOAT, ["n", len(weights[0])])],
        [value("y", onnx.TensorProto.FLOAT, ["n", weights[-1].shape[1]])],
        [numpy_helper.from_array(w.astype(np.float32), f"w{n}") for n, w in enumerate(weights)],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(made, path)
    return path


@pytest.mark.parametrize("name", target_names())
def test_a_lenet_is_mapped_or_told_why_not(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["map", str(LENET), "-t", name, "--estimate", "--moves", "0", "--json"])
    found = json.loads(capsys.readouterr().out)
    if name in FITS:
        assert code == 2
        error = found["error"]
        assert FITS[name] in f"{error['where']}: {error['wrong']} ({error['remedy']})"
        assert error["remedy"] or error["wrong"].count("(") >= 2
        return
    chip = load_target(name)
    assert code == 0 and found["fits"] and found["cores"] >= 1
    priced = {event for event, pj in found["step"]["energy_pj"].items() if pj is not None}
    static = {"static"} if chip.power_mw and found["sample"]["time_us"] is not None else set()
    assert priced == (set(chip.energy_pj) | static) & set(found["step"]["energy_pj"])
    unknown = set(found["sample"]["not_published"])
    assert not unknown & priced and unknown | priced == set(found["step"]["energy_pj"])
    assert (found["sample"]["energy_nj"] is None) == (not priced)


@pytest.mark.parametrize("name", [n for n in target_names() if n not in ("akd1000",)])
def test_a_small_network_is_compiled_for_every_chip_that_has_its_neurons(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    sign = np.where(rng.random((12, 10)) < 0.7, 0.5, -0.5)  # two weights: TrueNorth has four
    last = np.where(rng.random((10, 4)) < 0.5, 0.5, -0.5)
    model = small(tmp_path / "small.onnx", (sign, last))
    np.savez(tmp_path / "x.npz", inputs=rng.random((6, 12), dtype=np.float32))
    samples, build = str(tmp_path / "x.npz"), str(tmp_path / "build")
    given = ["--samples", samples, "--steps", "16", "--spikes", "poisson", "--per", "layer"]
    code = main(["compile", str(model), "-t", name, "-b", "brian2", "-o", build, *given, "--json"])
    said = capsys.readouterr()
    assert code == 0, said.out + said.err
    assert main(["verify", build, "--inputs", samples, "--limit", "2"]) == 0


def test_the_speck_map_names_each_layers_core(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    model = small(tmp_path / "small.onnx", (rng.random((30, 20)), rng.random((20, 4))))
    words = ["map", str(model), "-t", "speck2f", "--estimate", "--spikes", "poisson"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [layer["layer"] for layer in found["layers"]] == ["active0", "layer1"]
    assert found["layers"][0]["kernel_words"] == 30 * 32
    assert found["layers"][0]["kernel_words_limit"] >= 16_384
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "layers, each on a core of its own" in out and "energy not published" in out


def test_what_does_not_fit_a_speck_is_advised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    model = small(tmp_path / "wide.onnx", (rng.random((900, 100)), rng.random((100, 4))))
    words = ["map", str(model), "-t", "speck2f", "--estimate", "--spikes", "poisson"]
    assert main(words) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "does not fit speck2f: active0: needs 115,200 kernel_words" in said
    assert "would fit: give active0 at most 64 channels, it has 100" in said
