"""Blocks in the simulators: every spike and membrane is compared, and a planted fault is found."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp import simulation
from neurocomp.arrays import Array
from neurocomp.artifact import Files
from neurocomp.backends import Backend, backend
from neurocomp.backends.host import npz
from neurocomp.build import Artifact, emit
from neurocomp.bycore import to_json, verify_by_core
from neurocomp.cli import main
from neurocomp.compiler import Options, compile
from neurocomp.errors import ArtifactError, MissingError
from neurocomp.mapping.placement import Block
from neurocomp.program import Program
from tests.ann.corpus import CORPUS as GRAPHS
from tests.backends.corpus import CORPUS
from tests.bycore.nets import of_corpus, of_graph, small
from tests.end_to_end.exact import need, samples

Made = Callable[[str], tuple[Artifact, Array]]
GATE = [  # a convolution, a gate, sums, a depthwise layer, an Inception block, graded neurons
    (of_corpus, "bottlenecks_graded"),
    (of_corpus, "conv"),
    (of_corpus, "max_gate"),
    (of_graph, "residual_projected"),
    (of_graph, "depthwise"),
    (of_graph, "inception"),
]
REST = [(of_corpus, n) for n in CORPUS] + [(of_graph, n) for n in GRAPHS]


def named(cases: list[tuple[Made, str]]) -> list[object]:
    return [pytest.param(made, n, id=f"{made.__name__}-{n}") for made, n in cases]


def check(made: Made, name: str, simulator: str, cores: int | None) -> None:
    need(simulator)
    artifact, x = made(name)
    report = verify_by_core(artifact, x, [simulator], cores={simulator: cores})
    assert report.exact, {n: str(d) for n, d in report.first.items()}
    for layer in report.layers:
        most = layer.blocks if cores is None else min(layer.blocks, cores)
        assert layer.run[simulator] == layer.run["engine"] == most
        assert layer.values[simulator] > 0


@pytest.mark.parametrize("simulator", ["brian2", "lava"])
@pytest.mark.parametrize(("made", "name"), named(GATE))
def test_blocks_alone_are_exact(made: Made, name: str, simulator: str) -> None:
    check(made, name, simulator, 3)


@pytest.mark.slow  # a start of a simulator for every network
@pytest.mark.parametrize("simulator", ["brian2", "lava"])
@pytest.mark.parametrize(("made", "name"), named(REST))
def test_every_block_of_every_network_is_exact(made: Made, name: str, simulator: str) -> None:
    check(made, name, simulator, None)


def spoilt(program: Program, block: Block) -> Files:
    """Emit `program` for Brian2 with one weight of `block` a little larger."""
    entries = dict(backend("brian2").emit(program).entries)
    text = entries["brian2/run.py"]
    assert isinstance(text, str)
    (name,) = (
        line.split(":")[0].removeprefix("# ")
        for line in text.splitlines()
        if line.startswith("# s") and line.split(" -> ")[1].startswith(repr(str(block)))
    )
    content = entries[f"brian2/{name}.npz"]
    assert isinstance(content, bytes)
    with np.load(io.BytesIO(content)) as kept:
        arrays = dict(kept)
    arrays["weights"] = arrays["weights"].copy()
    arrays["weights"].flat[arrays["weights"].argmax()] += 1
    entries[f"brian2/{name}.npz"] = npz(arrays)
    return Files(entries)


def lenet(tmp_path: Path) -> tuple[Artifact, Array]:
    graph = GRAPHS["lenet"]()
    options = Options(steps=12)
    program = compile(graph, small("loihi2", 20), samples(graph, 8), options)
    return emit(program, graph, tmp_path / "build", ("brian2",), options), samples(graph, 2)


def plant(monkeypatch: pytest.MonkeyPatch, artifact: Artifact) -> Block:
    """Let one block of the second layer be emitted with a wrong weight, and give it."""
    blocks = [b for b in artifact.program.placement.cores if b.population == "relu2"]
    block = blocks[len(blocks) // 2]

    def planted(name: str) -> Backend:
        return backend(name)._replace(emit=lambda program: spoilt(program, block))

    monkeypatch.setattr(simulation, "backend", planted)
    return block


def test_a_fault_in_one_cores_weights_is_found_and_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact, x = lenet(tmp_path)
    assert verify_by_core(artifact, x).exact
    block = plant(monkeypatch, artifact)
    found = verify_by_core(artifact, x)
    assert not found.exact
    assert list(found.first) == ["brian2"]  # not the engine
    first = found.first["brian2"]
    assert first.block == block
    place = artifact.program.placement.cores[block]
    assert first.at.population == "relu2"
    assert all(a <= i < b for i, (a, b) in zip(first.at.neuron, block.box.ranges, strict=True))
    text, core = str(first), f"core ({place.row}, {place.column}) of chip {place.chip}"
    assert text.startswith(f"{core}, block {block}: ")
    assert f"sample {first.at.sample}, step {first.at.step}, relu2[" in text
    assert first.at.v_expected != first.at.v_found or first.at.expected != first.at.found
    wrong = {layer.name: layer.mismatches["brian2"] for layer in found.layers}
    assert wrong["relu2"] == found.mismatches("brian2") == sum(wrong.values()) > 0


def test_the_command_ends_with_1_and_names_the_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact, x = lenet(tmp_path)
    np.savez(tmp_path / "x.npz", inputs=x)
    command = ["verify", str(artifact.folder), "--inputs", str(tmp_path / "x.npz"), "--by-core"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "compiled right? exact: every spike and membrane of every block" in said
    block = plant(monkeypatch, artifact)
    assert main(command) == 1
    said = capsys.readouterr().out
    assert "compiled right? NOT exact" in said
    assert "first core (" in said and f"block {block}: sample" in said
    assert main([*command, "--cores", "few"]) == 2
    assert "--cores: is 'few' (give a number, 40, or lava=10)" in capsys.readouterr().err


def test_a_wrong_engine_is_told_from_a_wrong_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact, x = of_corpus("dense")
    from neurocomp.bycore import verify as module

    true = module.simulate

    def wrong(*given: object, **more: object) -> object:
        found = true(*given, **more)  # type: ignore[arg-type]
        rasters = dict(found.rasters)
        rasters["b"] = rasters["b"] ^ 1  # the first neuron of every 8, inverted
        return replace(found, rasters=rasters)

    monkeypatch.setattr(module, "simulate", wrong)
    found = verify_by_core(artifact, x, ["brian2"])
    assert not found.exact
    assert "engine" in found.first and found.first["engine"].at.population == "b"
    assert "brian2" not in found.first


def test_a_smaller_sample_is_part_of_a_larger_one_and_holds_what_binds() -> None:
    from neurocomp.mapping.sample import sample

    artifact, _ = of_graph("lenet")
    program = artifact.program
    few = sample(program.placement, program.target, 4, 3)
    more = sample(program.placement, program.target, 9, 3)
    all_ = sample(program.placement, program.target, None, 3)
    assert [b for each in all_.values() for b in each] == list(program.placement.cores)
    for name, blocks in few.items():
        assert set(blocks) <= set(more[name]) <= set(all_[name])
        assert len(blocks) == min(4, len(all_[name]))
        most = max(program.placement.demand[b]["neurons"] for b in all_[name])
        assert any(program.placement.demand[b]["neurons"] == most for b in blocks)
        assert {all_[name][0], all_[name][-1]} <= set(blocks)
    assert few == sample(program.placement, program.target, 4, 3)
    assert few != sample(program.placement, program.target, 4, 4)


def test_each_backend_runs_its_own_number_of_blocks() -> None:
    need("lava")
    artifact, x = of_graph("lenet")
    told: list[tuple[str, int, int]] = []
    found = verify_by_core(
        artifact, x[:1], cores={"brian2": 6, "lava": 3}, observe=lambda *what: told.append(what)
    )
    assert found.exact
    for layer in found.layers:
        assert layer.run["engine"] == layer.run["brian2"] == min(6, layer.blocks)
        assert layer.run["lava"] == min(3, layer.blocks)
    plain = to_json(found)
    assert plain["backends"]["lava"]["blocks"] == found.run("lava")
    assert told[-1] == ("lava", found.run("lava"), found.run("lava"))


def test_a_missing_simulator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from neurocomp.bycore import verify as module

    artifact, x = of_corpus("dense")

    def no_lava(chosen: Backend, python: str | None = None) -> str:
        if chosen.name == "lava":
            raise MissingError("Lava", "is away", "make it")
        return simulation.find_python(chosen, python)

    monkeypatch.setattr(module, "find_python", no_lava)
    found = verify_by_core(artifact, x)
    assert found.exact and found.backends == ("brian2",)
    assert list(found.not_run) == ["lava"]
    with pytest.raises(MissingError, match="is away"):
        verify_by_core(artifact, x, ["lava"])

    def none(chosen: Backend, python: str | None = None) -> str:
        raise MissingError(chosen.simulator.title, "is away", "make it")

    monkeypatch.setattr(module, "find_python", none)
    with pytest.raises(ArtifactError, match="none of its simulators is there"):
        verify_by_core(artifact, x)
