"""A block alone, on what was recorded of its sources, does what it does in the whole network."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.build import Artifact
from neurocomp.bycore.isolate import CLOCK, isolate, synapses, whole_block
from neurocomp.bycore.verify import batches, expected
from neurocomp.engine import Keep, simulate, spikes, spikes_in
from neurocomp.mapping.placement import Block
from neurocomp.program import Program
from neurocomp.snn.boxes import Box, whole
from neurocomp.snn.check import check
from neurocomp.snn.neurons import Graded, MaxIntegrateAndFire, NoMembrane, Poisson, Recorded
from neurocomp.snn.synapses import Conv
from tests.ann.corpus import CORPUS as GRAPHS
from tests.backends.corpus import CORPUS
from tests.bycore.nets import in_pieces, length, of_corpus, of_graph, whole_run

EVERY = [
    *(pytest.param(of_corpus, n, id=f"networks-{n}") for n in CORPUS),
    *(pytest.param(of_graph, n, id=f"graphs-{n}") for n in GRAPHS),
]

UNCUT = ("one_layer", "dead_layer")  # too small


def alone(program: Program, blocks: list[Block], run: dict[str, Array]) -> Program:
    return isolate(program, blocks, lambda name, box: run[name][:, :, *box.slices])


def blocks_of(program: Program) -> list[Block]:
    drawn = [p for p in program.network.populations if isinstance(p.neuron, Poisson)]
    kept = [b for b in program.placement.cores if b.population not in {p.name for p in drawn}]
    return [*(whole_block(p) for p in drawn), *kept]


def test_graded_sources_are_computed_from_what_spikes() -> None:
    program = of_corpus("bottlenecks_graded")[0].program
    graded = {p.name for p in program.network.populations if isinstance(p.neuron, Graded)}
    run = whole_run(program, np.zeros((1, 1, 5, 4), dtype=np.float32))
    fired = {n: v for n, v in run.items() if n not in graded}  # a graded one's would be missed
    fed = 0
    for block in blocks_of(program):
        network = alone(program, [block], fired).network
        computed = {p.name for p in network.populations if p.name.endswith(" computed")}
        fed += len(computed)
        for name in computed:
            assert isinstance(network.population(name).neuron, Graded)
            assert network.into(name)
        into = sum(p.synapse.fan_in(whole(p.synapse.post_shape)) for p in network.projections)
        assert into == synapses(program.network, block)
    assert fed > len(graded)


@pytest.mark.parametrize(("made", "name"), EVERY)
def test_every_block_alone_spikes_as_in_the_whole(
    made: Callable[[str], tuple[Artifact, Array]], name: str
) -> None:
    artifact, x = made(name)
    program, x = artifact.program, x.astype(np.float32)
    run = whole_run(program, x)
    every = blocks_of(program)
    assert len(every) > len(program.network.populations) or name in UNCUT
    for batch in batches(program.network, every, 16):
        made_alone = alone(program, batch, run)
        check(made_alone.network, program.steps)
        assert made_alone.network.run_length(program.steps) == length(program)
        found = expected(made_alone, batch, x)
        for block in batch:
            cut = (slice(None), slice(None), *block.box.slices)
            assert np.array_equal(found.spikes[str(block)], run[block.population][cut]), block
            population = program.network.population(block.population)
            if isinstance(population.neuron, NoMembrane):
                assert str(block) not in found.v
            else:
                assert np.array_equal(found.v[str(block)], run[f"v/{block.population}"][cut]), block


def test_sources_in_common_stand_once_and_are_cut_to_the_field() -> None:
    program = in_pieces(CORPUS["conv"]())
    run = whole_run(program, np.zeros((1, 1, 6, 5), dtype=np.float32))
    box = Box((0, 1), (0, 1), (0, 1))
    blocks = [
        Block(population="b", box=box),
        Block(population="b", box=Box((1, 2), (0, 1), (0, 1))),
    ]
    network = alone(program, blocks, run).network
    recorded = [p for p in network.populations if isinstance(p.neuron, Recorded)]
    (source,) = recorded  # both read the first channel of `a`
    assert source.shape[0] == 1 and source.shape[1] < 6
    assert {p.source for p in network.projections} == {source.name}
    assert network.populations[-1].name == CLOCK == network.readout


def test_a_batch_holds_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    program = in_pieces(CORPUS["deep"]())
    blocks = list(program.placement.cores)
    assert [b for each in batches(program.network, blocks, 5) for b in each] == blocks
    assert max(len(each) for each in batches(program.network, blocks, 5)) == 5
    monkeypatch.setattr("neurocomp.bycore.verify.SYNAPSES", 40)
    for each in batches(program.network, blocks, 5):
        held = sum(synapses(program.network, b) for b in each)
        assert held <= 40 or len(each) == 1


def test_synapses_are_those_of_the_block() -> None:
    program = in_pieces(CORPUS["conv"]())
    (p,) = program.network.into("b")
    assert isinstance(p.synapse, Conv)
    each = [synapses(program.network, b) for b in program.placement.cores if b.population == "b"]
    assert sum(each) == p.synapse.fan_in(whole(p.synapse.post_shape))


@pytest.mark.parametrize("name", ["conv", "max_gate", "input_spikes"])
def test_spikes_of_a_box_are_those_of_all(name: str) -> None:
    network = CORPUS[name]()
    names = tuple(p.name for p in network.populations[:-1])
    x = np.random.default_rng(1).random((2, *network.inputs[0].shape)).astype(np.float32)
    kept = simulate(network, {"x": x}, 9, keep=Keep(rasters=names))
    for p in network.populations[:-1]:
        box = Box(*((n // 3, n - n // 4) for n in p.shape))
        assert np.array_equal(spikes_in(kept, p.name, box), spikes(kept, p.name)[:, :, *box.slices])


def test_a_neuron_with_compartments_keeps_its_taps() -> None:
    program = in_pieces(CORPUS["pooled_drive"]())
    run = whole_run(program, np.zeros((1, 1, 5, 5), dtype=np.float32))
    block = next(b for b in program.placement.cores if b.population == "b")
    own = alone(program, [block], run).network.population(str(block))
    assert isinstance(own.neuron, MaxIntegrateAndFire)
    assert own.bias.shape == (*block.box.shape, 6)


def test_recorded_spikes_of_another_shape_are_refused() -> None:
    from neurocomp.errors import GraphError

    program = in_pieces(CORPUS["dense"]())
    run = whole_run(program, np.zeros((1, 7, 1, 1), dtype=np.float32))
    block = next(b for b in program.placement.cores if b.population == "b")
    network = alone(program, [block], run).network
    first = network.populations[0]
    assert isinstance(first.neuron, Recorded)
    wrong = replace(first, neuron=Recorded(spikes=first.neuron.spikes[:, :, :2]))
    with pytest.raises(GraphError, match=r"has shape \(9, 1, 1\), its spikes \(2, 1, 1\)"):
        check(replace(network, populations=(wrong, *network.populations[1:])), program.steps)
