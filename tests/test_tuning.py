"""The search: its front, its choice, and that it goes on where it stopped."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from neurocomp.cli import main
from neurocomp.compiler import Options
from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import to_model
from neurocomp.hw.read import load_target
from neurocomp.tuning import Trial, best, candidates, config, front, tune
from tests.ann.net import Net, samples


def trial(errors: list[float], operations: list[float]) -> Trial:
    return Trial(options=Options(), errors=tuple(errors), operations=tuple(operations))


TRIALS = {
    0: trial([0.5, 0.2, 0.1], [10, 20, 30]),
    1: trial([0.4, 0.2, 0.05], [12, 19, 60]),
    2: Trial(options=Options(), errors=(), operations=(), refused="no gate"),
}


def test_a_front_holds_what_nothing_beats() -> None:
    points = [(p.trial, p.steps) for p in front(TRIALS)]
    assert points == [(0, 1), (1, 1), (1, 2), (0, 3), (1, 3)]


def test_the_choice_is_the_cheapest_that_is_good_enough() -> None:
    points = front(TRIALS)
    assert best(points, error=0.1).operations == 30
    assert best(points, operations=59).error == 0.1
    assert config(TRIALS, best(points, error=0.2))["steps"] == 2
    with pytest.raises(ModelError, match=r"error: is 1.00%, the least that was found is 5.00%"):
        best(points, error=0.01)
    with pytest.raises(ModelError, match=r"operations: are 9, the fewest that were found 10"):
        best(points, operations=9)


def test_what_is_known_is_not_run_again() -> None:
    net = Net(1, (1, 6, 6))
    graph = net.graph(net.linear(net.relu(net.linear(net.flat(net.x), 8)), 3))
    x = samples(graph, 12)
    chosen = candidates(graph, 4)[:3]
    fake = trial([0.25], [1.0])
    found = dict(tune(graph, load_target("ideal"), x, x, None, chosen, {1: fake}))
    assert found[1] is fake
    assert len(found[0].errors) == len(found[0].operations) == 4
    again = dict(tune(graph, load_target("ideal"), x, x, None, chosen, found))
    assert again == found


def test_what_a_chip_lacks_is_said_and_not_tried() -> None:
    net = Net(1, (1, 6, 6))
    graph = net.graph(net.linear(net.flat(net.max(net.relu(net.conv(net.x, 2)))), 3))
    x = samples(graph, 4)
    first = candidates(graph, 2)[:1]
    (found,) = dict(tune(graph, load_target("loihi1"), x, x, None, first, {})).values()
    assert "has no max_subtract neuron" in found.refused


def test_the_command_writes_a_config_that_compile_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    net = Net(1, (1, 6, 6))
    graph = net.graph(net.linear(net.relu(net.linear(net.flat(net.x), 8)), 3))
    onnx.save(to_model(graph), "net.onnx")
    np.savez("x.npz", inputs=samples(graph, 12))
    command = [
        "tune",
        "net.onnx",
        "-t",
        "ideal",
        "--inputs",
        "x.npz",
        "--samples",
        "x.npz",
        "--steps",
        "4",
        "--json",
    ]
    assert main([*command, "--within", "5"]) == 0
    said = json.loads(capsys.readouterr().out)
    written = json.loads(Path("tuned/config.json").read_text())
    assert said["chosen"] == written
    kept = Path("tuned/trials.json").read_text()
    assert main([*command, "--within", "5"]) == 0  # goes on, and has nothing to do
    assert json.loads(capsys.readouterr().out) == said
    assert Path("tuned/trials.json").read_text() == kept
    compile_ = [
        "compile",
        "net.onnx",
        "-t",
        "ideal",
        "--samples",
        "x.npz",
        "-b",
        "brian2",
        "--json",
        "--config",
    ]
    assert main([*compile_, "tuned/config.json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == written["steps"]
    Path("bad.json").write_text('{"stepz": 3}')
    assert main([*compile_, "bad.json"]) == 2
    assert "bad.json" in capsys.readouterr().out
