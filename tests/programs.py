"""Small compiled programs for tests, and what a simulator that makes no mistake gives for them."""

from collections.abc import Iterable

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.convert import convert
from neurocomp.hw.read import load_target
from neurocomp.mapping.chain import map_network
from neurocomp.program import Program
from neurocomp.quantize import quantize
from neurocomp.simulation import Outcome
from neurocomp.snn.neurons import MaxGate
from neurocomp.snn.oracle import record, simulate
from tests.ann.corpus import CORPUS
from tests.ann.net import samples
from tests.test_convert import normalised

STEPS = 16


def program(name: str, chip: str = "loihi2") -> Program:
    """Compile a network of the corpus, without onnxruntime."""
    graph = CORPUS[name]()
    target = load_target(chip)
    reference = convert(normalised(graph, samples(graph, 3)), 0.0, 1.0)
    made = quantize(reference, target, STEPS)
    return Program(
        network=made.network,
        reference=reference,
        scale=made.scale,
        target=target,
        placement=map_network(made.network, target),
        steps=STEPS,
    )


def chips(name: str) -> Iterable[str]:
    """Give the targets that a network of the corpus is compiled for; only one has gates."""
    graph: Graph = CORPUS[name]()
    gates = any(type(n.op).__name__ == "MaxPool" for n in graph.nodes)
    return ("ideal",) if gates else ("ideal", "loihi2")


def outcome(made: Program, x: Array) -> Outcome:
    """Give what a backend gives that makes no mistake, membranes included."""
    (source,) = made.network.inputs
    length = made.network.run_length(made.steps)
    kept = record(made.network, {source.name: x}, length)
    v = {
        p.name: np.stack(
            [s.v[p.name] for s in simulate(made.network, {source.name: x}, length)], axis=1
        )
        for p in made.network.populations
        if not isinstance(p.neuron, MaxGate)
    }
    return Outcome(spikes=dict(kept.spikes), readout=kept.readout, v=v)
