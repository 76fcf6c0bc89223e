"""`neurocomp map`: what it says of a model that fits, and of one that does not."""

import json
from pathlib import Path

import numpy as np
import pytest

from neurocomp.cli import main

LENET = Path(__file__).parents[1] / "examples" / "mnist" / "lenet.onnx"
SAMPLES = LENET.with_name("calibration.npz")
FAST = ("--target", "loihi1", "--moves", "0", "--json")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = main(["map", str(LENET), *arguments])
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return code, found


def test_an_estimate_needs_no_samples(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = said(capsys, *FAST, "--estimate", "--rate", "0.2")
    assert code == 0
    assert (found["fits"], found["cores"], found["chips"]) == (True, 16, 1)
    assert found["rates"] == "assumed: 0.2 spikes a neuron and step"
    assert found["binding"][0]["resource"] == "neurons"  # type: ignore[index]  # JSON
    assert found["sample"]["not_published"] == ["packet"]  # type: ignore[index]  # JSON


def test_rates_are_measured_on_samples(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = said(capsys, *FAST, "-s", str(SAMPLES), "--steps", "8")
    assert (code, found["rates"]) == (0, "measured on 4 samples")


def test_without_samples_an_estimate_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", str(LENET), "--target", "loihi1"]) == 2
    assert "give --samples or --estimate" in capsys.readouterr().err


def test_what_does_not_fit_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = Path("targets/loihi1.toml").read_text().replace("in_axons     = 4096", "in_axons = 300")
    small = tmp_path / "small.toml"
    small.write_text(text)
    arguments = ("--target", str(small), "--estimate", "--json")
    code, found = said(capsys, *arguments)
    assert (code, found["fits"]) == (1, False)
    worst = found["excesses"][0]  # type: ignore[index]  # JSON
    assert (worst["resource"], worst["limit"]) == ("in_axons", 300)
    assert len(found["changes"]) >= 2  # type: ignore[arg-type]  # JSON
    assert main(["map", str(LENET), "--target", str(small), "--estimate"]) == 1
    assert "would fit: " in capsys.readouterr().out


def test_a_table_says_what_was_not_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", str(LENET), "--target", "loihi2", "--moves", "0", "--estimate"]) == 0
    out = capsys.readouterr().out
    assert "not published" in out and "fits loihi2: " in out
    assert np.char.count(out, "energy of") == 7
