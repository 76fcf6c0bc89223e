"""Programs on cores so small that every population is cut, and their artifacts."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from neurocomp.arrays import Array
from neurocomp.build import Artifact
from neurocomp.compiler import Options, compile
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Core, Target
from neurocomp.mapping.grid import Grid, blocks, parts
from neurocomp.mapping.placement import Place, Placement
from neurocomp.program import Program
from neurocomp.snn.network import Network
from tests.ann.corpus import CORPUS as GRAPHS
from tests.backends import corpus
from tests.end_to_end.exact import gated, samples

STEPS = 12


def in_pieces(network: Network) -> Program:
    """Give `network` with every axis of every population cut in two, or its channels in three."""
    halves = {
        p.name: Grid(
            (
                parts(p.shape[0], min(p.shape[0], 3)),
                parts(p.shape[1], min(p.shape[1], 2)),
                parts(p.shape[2], min(p.shape[2], 2)),
            )
        )
        for p in network.populations
    }
    every = blocks(halves)
    return replace(
        corpus.program(network),
        placement=Placement(
            cores={b: Place(chip=0, row=0, column=i) for i, b in enumerate(every)},
            demand={b: {} for b in every},
        ),
    )


def of_corpus(name: str) -> tuple[Artifact, Array]:
    """Give a network of the backends' corpus, and its samples."""
    network = corpus.CORPUS[name]()
    return artifact(in_pieces(network)), corpus.samples(network)


def of_graph(name: str) -> tuple[Artifact, Array]:
    """Compile a network of the importer's corpus for cores of few neurons."""
    graph = GRAPHS[name]()
    options = Options(steps=STEPS)
    program = compile(
        graph, small("ideal" if gated(graph) else "loihi2"), samples(graph, 8), options
    )
    return artifact(program, graph.input_shape), samples(graph, 2)


def small(name: str, neurons: int = 4) -> Target:
    """Give a chip with cores of few neurons."""
    return replace(load_target(name), core=Core(count=None, limits={"neurons": neurons}))


def artifact(program: Program, input_shape: tuple[int, ...] | None = None) -> Artifact:
    """Give an artifact that is not on disk: what single blocks need of it is the program."""
    shape = input_shape or program.network.inputs[0].sample_shape
    manifest = {"backends": ["brian2", "lava"], "input_shape": list(shape)}
    return Artifact(folder=Path("nowhere"), manifest=manifest, program=program)


def length(program: Program) -> int:
    return program.network.run_length(program.steps)


def whole_run(program: Program, x: Array) -> dict[str, Array]:
    """Give the oracle's spikes of the whole network, and its accumulators' membranes."""
    from neurocomp.snn.oracle import simulate

    inputs = {program.network.inputs[0].name: x}
    steps = list(simulate(program.network, inputs, length(program)))
    found = {}
    for p in program.network.populations:
        found[p.name] = np.stack([s.spikes[p.name] for s in steps], axis=1)
        found[f"v/{p.name}"] = np.stack([s.v[p.name] for s in steps], axis=1)
    return found
