"""The search: its front, its choice, and that it goes on where it stopped."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

from neurocomp.cli import main
from neurocomp.compiler import Options, prepare
from neurocomp.engine.rates import FEW, measured
from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import to_model
from neurocomp.hw.read import load_target
from neurocomp.mapping.cost import cost
from neurocomp.mapping.lay import lay
from neurocomp.tuning import Trial, best, candidates, config, front, tune
from tests.ann.net import Net, samples


def trial(errors: list[float], operations: list[float], energies: Sequence[float] = ()) -> Trial:
    lists = {"errors": errors, "operations": operations, "energies": energies}
    return Trial(options=Options(), **{name: tuple(each) for name, each in lists.items()})


TRIALS = {
    0: trial([0.5, 0.2, 0.1], [10, 20, 30], [1, 2, 3]),
    1: trial([0.4, 0.2, 0.05], [12, 19, 60], [0.5, 1, 1.5]),
    2: Trial(options=Options(), errors=(), operations=(), refused="no gate"),
}


def test_a_front_holds_what_nothing_beats() -> None:
    points = [(p.trial, p.steps) for p in front(TRIALS)]
    assert points == [(0, 1), (1, 1), (1, 2), (0, 3), (1, 3)]


def test_a_front_is_of_what_shall_be_least() -> None:
    assert [(p.trial, p.steps) for p in front(TRIALS, "energy")] == [(1, 1), (1, 2), (1, 3)]
    assert [(p.trial, p.steps) for p in front(TRIALS, "steps")] == [(1, 1), (0, 2), (1, 3)]
    with pytest.raises(ModelError, match="energy: of this target was not published"):
        front({0: trial([0.5], [10])}, "energy")


def test_fewer_bits_are_tried_where_weights_are_whole_numbers() -> None:
    net = Net(1, (1, 6, 6))
    graph = net.graph(net.linear(net.relu(net.linear(net.flat(net.x), 8)), 3))
    plain, narrow = candidates(graph, 4), candidates(graph, 4, 4)
    assert narrow[: len(plain)] == plain
    assert [o.weight_bits for o in narrow[len(plain) :]] == [3, 3, 2, 2]
    x, chip = samples(graph, 12), load_target("loihi1")
    found = dict(tune(graph, chip, x, x, None, (plain[0], narrow[-1]), {}))
    weights = 8 * 3  # the first layer's stay on the host: its input is analog
    assert [found[n].memory for n in (0, 1)] == [weights * 8 / 8000, weights * 2 / 8000]
    assert found[0].errors != found[1].errors, "errors are those of the quantized network"
    cheapest, *_ = front(found, "memory")
    assert (cheapest.trial, cheapest.memory) == (1, weights * 2 / 8000)
    (ideal,) = dict(tune(graph, load_target("ideal"), x, x, None, plain[:1], {})).values()
    with pytest.raises(ModelError, match="this target's are not whole numbers"):
        front({0: ideal}, "memory")


def test_energy_is_neurons_by_the_step_and_the_rest_by_the_operation() -> None:
    net = Net(1, (1, 6, 6))
    graph = net.graph(net.linear(net.relu(net.linear(net.flat(net.x), 8)), 3))
    x, chip = samples(graph, FEW), load_target("loihi1")
    first = candidates(graph, 3)[:1]
    (found,) = dict(tune(graph, chip, x, x, None, first, {})).values()
    made = prepare(graph, x, first[0])
    spent = cost(lay(made.network, chip, measured(made.network, {"x": x}, 3)))
    per_step = {k: pj for k, pj in spent.energy_pj.items() if pj is not None}
    neurons = per_step.pop("neuron")
    assert neurons == 52 * (8 * 2 + 3)  # a reset by subtraction takes two compartments
    for t, (energy, operations) in enumerate(
        zip(found.energies, found.operations, strict=True), start=1
    ):
        rest = sum(per_step.values()) * operations / spent.synapses
        assert energy == pytest.approx((t * neurons + rest) / 1e6)


def test_the_choice_is_the_cheapest_that_is_good_enough() -> None:
    points = front(TRIALS)
    assert best(points, error=0.1).operations == 30
    assert best(points, budget=59).error == 0.1
    assert best(points, error=0.2, budget=25).operations == 19
    steps = front(TRIALS, "steps")
    assert best(steps, "steps", error=0.2).steps == 2
    assert config(TRIALS, best(points, error=0.2))["steps"] == 2
    with pytest.raises(ModelError, match=r"error: is 1.00%, the least that was found is 5.00%"):
        best(points, error=0.01)
    with pytest.raises(ModelError, match=r"budget: of 9 synaptic operations .* 10 is the least"):
        best(points, budget=9)
    with pytest.raises(ModelError, match="found nothing that the target can hold"):
        best(())


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
    assert main([*command, "--within", "100"]) == 0
    assert Path("tuned/front.png").stat().st_size > 1000
    said = json.loads(capsys.readouterr().out)
    written = json.loads(Path("tuned/config.json").read_text())
    assert said["chosen"] == written
    kept = Path("tuned/trials.json").read_text()
    assert main([*command, "--within", "100"]) == 0  # goes on, and has nothing to do
    assert json.loads(capsys.readouterr().out) == said
    assert Path("tuned/trials.json").read_text() == kept
    assert main([*command[:-1], "--least", "steps"]) == 0  # for people
    assert "the trained network's error" in capsys.readouterr().out
    assert main([*command, "--within", "-1"]) == 2
    assert "the least that was found" in capsys.readouterr().out
    assert main([*command, "--energy", "1"]) == 2
    assert "was not published" in capsys.readouterr().out
    Path("tuned/trials.json").write_text(kept[:-20])
    assert main(command) == 2
    assert "cannot be read" in capsys.readouterr().out
    Path("tuned/trials.json").write_text(kept)
    assert main([*command, "--energy", "1", "--operations", "1"]) == 2
    assert "has 2 budgets, --operations and --energy" in capsys.readouterr().out
    assert main([*command, "--memory", "1"]) == 2
    assert "those of ideal are not whole numbers" in capsys.readouterr().out
    np.savez("x.npz", inputs=samples(graph, 12) / 2)
    assert main(command) == 2  # other samples: another search
    assert "name another folder" in capsys.readouterr().out
    np.savez("x.npz", inputs=samples(graph, 12))
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
