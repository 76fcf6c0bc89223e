"""Verify a network core by core: each block alone, on what was recorded of its sources.

A network too large for a simulator is proved all the same. The engine runs all of it and keeps
every spike; then blocks are emitted alone and run, a few in one simulation, and every spike and
membrane is compared. See `isolate` for why that is enough.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from neurocomp.arrays import Array
from neurocomp.backends import backend, wanted
from neurocomp.build import Artifact
from neurocomp.bycore.isolate import isolate, synapses, whole_block
from neurocomp.bycore.report import ENGINE, CoreReport
from neurocomp.bycore.tally import Tally
from neurocomp.engine import Keep, Result, simulate, spikes_in
from neurocomp.errors import ArtifactError, MissingError, UnsupportedError
from neurocomp.mapping.placement import Block
from neurocomp.mapping.sample import sample
from neurocomp.observe import Observe
from neurocomp.program import Program
from neurocomp.samples import check_samples
from neurocomp.simulation import Outcome, find_python, run_program
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Accumulator, Given, NoMembrane
from neurocomp.snn.oracle import simulate as step_by_step

SYNAPSES = 16_000_000  # of one run at most: to start one takes seconds, a synapse a microsecond

Blocks = Mapping[str, tuple[Block, ...]]  # of each population


def verify_by_core(
    artifact: Artifact,
    samples: Array,
    backends: Sequence[str] | None = None,
    *,
    cores: Mapping[str, int | None] | None = None,
    seed: int = 0,
    python: str | None = None,
    observe: Observe = lambda what, done, total: None,
) -> CoreReport:
    """Run blocks of every population alone on `samples`, (samples, *input shape), and compare.

    `cores` says for each backend how many blocks of a population it runs; None, and a backend that
    is not among them, stand for all. Backends whose simulator is missing are named in the report,
    unless they were asked for: then, and where none is left, MissingError or ArtifactError is
    raised.
    """
    program = artifact.program
    checked = check_samples(np.asarray(samples), artifact.input_shape, "samples")
    ready, missing = _ready(artifact, backends, python)
    chosen = {n: _chosen(program, (cores or {}).get(n), seed) for n in ready}
    recorded = record(program.network, checked, program.steps, observe)
    tally = Tally(program, (ENGINE, *ready))
    for name, blocks in chosen.items():
        every = [block for each in blocks.values() for block in each]
        observe(name, 0, len(every))
        done = 0
        for batch in batches(program.network, every, backend(name).simulator.blocks):
            alone = isolate(program, batch, lambda source, box: spikes_in(recorded, source, box))
            wanted = expected(alone, batch, checked)
            tally.engine(batch, wanted, recorded)
            found = run_program(alone, name, checked, python=python, membranes=True)
            tally.backend(name, batch, wanted, found)
            done += len(batch)
            observe(name, done, len(every))
    return CoreReport(
        samples=len(checked),
        steps=program.steps,
        seed=seed,
        layers=tally.layers(),
        first=tally.first,
        not_run=missing,
    )


def _ready(
    artifact: Artifact, asked: Sequence[str] | None, python: str | None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Give the backends whose simulator is there, and why others are not."""
    ready, missing = list[str](), dict[str, str]()
    for name in dict.fromkeys(asked or artifact.backends or wanted()):
        if not backend(name).simulator.alone:
            if asked:
                raise UnsupportedError(name, "runs whole networks only", "use brian2 or lava")
            missing[name] = f"{name}: runs whole networks only"
            continue
        try:
            find_python(backend(name), python)
            ready.append(name)
        except MissingError as error:
            if asked:
                raise
            missing[name] = str(error)
    if not ready:
        wrong = "none of its simulators is there"
        raise ArtifactError(str(artifact.folder), wrong, "; ".join(missing.values()))
    return tuple(ready), missing


def _chosen(program: Program, most: int | None, seed: int) -> Blocks:
    """Give the blocks to run of each population; what the host sends is one block."""
    found = dict(sample(program.placement, program.target, most, seed))
    for population in program.network.populations:
        if isinstance(population.neuron, Given):
            found[population.name] = (whole_block(population),)
    return found


def record(network: Network, samples: Array, steps: int, observe: Observe) -> Result:
    """Run all of `network` in the engine, and keep every spike and the accumulators' membranes."""
    silent = {p.name for p in network.populations if isinstance(p.neuron, Accumulator)}
    keep = Keep(
        counts=False,
        operations=False,
        rasters=tuple(p.name for p in network.populations if p.name not in silent),
        membranes=tuple(silent),
    )
    inputs = {i.name: samples for i in network.inputs}
    return simulate(
        network,
        inputs,
        network.run_length(steps),
        keep=keep,
        observe=lambda what, done, total: observe(ENGINE, done, total),
    )


def batches(network: Network, blocks: Iterable[Block], most: int) -> Iterator[list[Block]]:
    """Put blocks together that one simulation can hold, in their order."""
    batch, held = list[Block](), 0
    for block in blocks:
        size = synapses(network, block)
        if batch and (len(batch) == most or held + size > SYNAPSES):
            yield batch
            batch, held = [], 0
        batch.append(block)
        held += size
    if batch:
        yield batch


def expected(program: Program, blocks: Sequence[Block], samples: Array) -> Outcome:
    """Give what the oracle does with isolated `blocks`: every spike, every membrane."""
    network = program.network
    inputs = {i.name: samples for i in network.inputs}
    spikes: dict[str, list[Array]] = {str(b): [] for b in blocks}
    v: dict[str, list[Array]] = {
        str(b): [] for b in blocks if not isinstance(network.population(str(b)).neuron, NoMembrane)
    }
    for step in step_by_step(network, inputs, network.run_length(program.steps)):
        for name, fired in spikes.items():
            fired.append(step.spikes[name])
        for name, membranes in v.items():
            membranes.append(step.v[name])
    return Outcome(
        spikes={n: np.stack(each, axis=1) for n, each in spikes.items()},
        readout=np.zeros(0),
        v={n: np.stack(each, axis=1) for n, each in v.items()},
    )
