"""Accuracy against bits: every row is what compiling so gives, and wrong words are refused."""

from json import loads
from pathlib import Path

import numpy as np
import pytest

from neurocomp.cli.main import main
from neurocomp.compiler import Options, compile
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target
from neurocomp.snn.oracle import simulate

MNIST = Path(__file__).parents[1] / "examples" / "mnist"
WORDS = ("sweep", MNIST / "lenet.onnx", "--inputs", MNIST / "digits.npz", "--steps", "8")
GIVEN = (*WORDS, "--samples", MNIST / "calibration.npz", "-t", "loihi2", "--limit", "20")


def call(*words: object) -> int:
    return main([str(w) for w in words])


def test_every_row_is_what_compiling_so_gives(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    figure = tmp_path / "new" / "bits.png"
    given = (*GIVEN, "--labels", MNIST / "digits.npz", "--bits", "3,8", "--figure", figure)
    assert call(*given, "--rounding", "least-squares,nearest", "--json") == 0
    told = loads(capsys.readouterr().out)
    assert figure.stat().st_size > 1000
    assert [(s["bits"], s["rounding"]) for s in told["sweep"]] == [
        (None, "float"),
        *((bits, method) for bits in (8, 3) for method in ("nearest", "least-squares")),
    ]
    digits = np.load(MNIST / "digits.npz")
    calibration = np.load(MNIST / "calibration.npz")["inputs"]
    for row in told["sweep"][1:]:
        options = Options(steps=8, weight_bits=row["bits"], rounding=row["rounding"])
        graph = load(MNIST / "lenet.onnx")
        program = compile(graph, load_target("loihi2"), calibration, options)
        network = program.network
        x = {network.inputs[0].name: digits["inputs"][:20]}
        *_, last = simulate(network, x, network.run_length(8))
        classes = np.argmax(last.v[network.readout].reshape(20, 10), axis=1)
        assert row["right"] == (classes == digits["labels"][:20]).sum()


def test_a_sweep_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*GIVEN, "--bits", "7-8", "--rounding", "nearest") == 0
    out = capsys.readouterr().out
    assert "same class as the ANN of 20 samples" in out
    assert [line.split()[0] for line in out.splitlines() if "%" in line and line.strip()] == [
        *("weight", "ANN", "float", "8", "7")
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--bits", "0"), "--bits: is '0' (give them as 8,4,2 or 1-8)"),
        (("--bits", "eight"), "--bits: is 'eight'"),
        (("--bits", "8-1"), "--bits: is '8-1'"),
        (("--bits", "9"), "weight bits: are 9, loihi2 has 8 (ask for at most 8)"),
        (("--rounding", "best"), "--rounding: is 'best' (name some of nearest, least-squares"),
        (("-t", "ideal"), "ideal: has no whole numbers (choose a target that has"),
    ],
)
def test_wrong_words_are_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    assert call(*GIVEN, *words) == 2
    assert says in capsys.readouterr().err.replace("\n", " ")
