"""`neurocomp compile`: a model and samples in, an artifact out."""

from collections.abc import Sequence
from dataclasses import asdict
from json import loads
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.artifact import check_place, write_report
from neurocomp.backends import backend as find_backend
from neurocomp.build import MOST_SYNAPSES, Artifact, emit, synapses
from neurocomp.cli.arguments import (
    Calibration,
    Clamp,
    Correct,
    HalfThreshold,
    Headroom,
    InputShape,
    Json,
    Linear,
    MaxPool,
    MembraneBits,
    Model,
    Moves,
    Per,
    Percentile,
    Pieces,
    Ranges,
    Reset,
    Rounding,
    Seed,
    Share,
    Spikes,
    Steps,
    TargetName,
    Verbose,
    WeightBits,
    shape,
)
from neurocomp.cli.console import progress, say, say_json
from neurocomp.cli.console import show as show_table
from neurocomp.cli.costs import RATES, cost_json, layers_json, say_cost
from neurocomp.cli.stages import Stage, Watch, spent
from neurocomp.cli.tables import counted, overflows, table
from neurocomp.cli.tables import precision as precision_table
from neurocomp.cli.tables import utilisation as utilisation_table
from neurocomp.compiler import Options, compile
from neurocomp.errors import GraphError, ModelError
from neurocomp.frontend.onnx import load, run_model, to_model
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.mapping.advice import least_cores
from neurocomp.mapping.arrange import MOVES
from neurocomp.mapping.utilisation import Utilisation, utilisation
from neurocomp.observe import Observe
from neurocomp.program import Program
from neurocomp.samples import load_calibration
from neurocomp.snn.relays import relayed

Backends = Annotated[
    list[str] | None, typer.Option("--backend", "-b", help="Repeatable; default: brian2, lava.")
]
Config = Annotated[Path | None, typer.Option(help="All of these options from a file of `tune`.")]
FIDELITY = 1e-3  # of the largest output: what importing may cost in float32


def compile_(
    model: Model,
    target: TargetName,
    samples: Calibration = None,
    backend: Backends = None,
    steps: Steps = 64,
    output: Annotated[Path, typer.Option("--output", "-o", help="The artifact.")] = Path("build"),
    ranges: Ranges = "percentile",
    percentile: Percentile = 99.9,
    headroom: Headroom = 1.0,
    per: Per = "channel",
    pieces: Pieces = 1,
    half_threshold: HalfThreshold = True,
    reset: Reset = "subtract",
    max_pool: MaxPool = "average",
    correct: Correct = "none",
    spikes: Spikes = "analog",
    seed: Seed = 0,
    linear: Linear = "auto",
    clamp: Clamp = 0,
    weight_bits: WeightBits = None,
    membrane_bits: MembraneBits = None,
    rounding: Rounding = "auto",
    share: Share = False,
    moves: Moves = MOVES,
    config: Config = None,
    input_shape: InputShape = None,
    verbose: Verbose = False,
    json: Json = False,
) -> int:
    """Compile a trained network for a chip and write the artifact."""
    chip, backends, watch = load_target(target), _known(backend), Watch("load")
    check_place(output)
    graph, inputs = _loaded(model, samples, shape(input_shape))
    options = Options(
        steps=steps,
        ranges=ranges,
        percentile=percentile,
        headroom=headroom,
        per=per,
        pieces=pieces,
        half_threshold=half_threshold,
        reset=reset,
        max_pool=max_pool,
        correct=correct,
        spikes=spikes,
        seed=seed,
        linear=linear,
        clamp=clamp,
        weight_bits=weight_bits,
        membrane_bits=membrane_bits,
        rounding=rounding,
        share=share,
        moves=moves,
    )
    options = read_options(config) if config else options
    with progress(quiet=json) as bars:
        program = _checked_and_compiled(model, graph, chip, inputs, options, watch.observing(bars))
        artifact = emit(program, graph, output, backends, options)
    return _report(artifact, watch.end(), verbose, json)


def _loaded(
    model: Path, samples: Path | None, given: tuple[int, ...] | None
) -> tuple[Graph, Array]:
    """Give the imported model and its calibration samples."""
    graph = load(model, given)
    return graph, load_calibration(model, samples, graph.input_shape)


def _checked_and_compiled(
    model: Path, graph: Graph, chip: Target, inputs: Array, options: Options, observe: Observe
) -> Program:
    """Compile `graph`, once it is known to compute what the file `model` does."""
    observe("check the import", 0, 1)
    _check_import(model, graph, inputs[:8])
    program = compile(graph, chip, inputs, options, observe=observe)
    observe("emit", 0, 1)
    return program


def _report(artifact: Artifact, stages: Sequence[Stage], verbose: bool, json: bool) -> int:
    """Write the report of what was made, show it, and give the exit code."""
    program = artifact.program
    used = utilisation(program.placement, program.target)
    summary = summarise(artifact, used, stages)
    write_report(artifact.folder, {"compile": summary})
    if json:
        say_json(summary)
    else:
        _print(program, used, artifact, stages, verbose)
    return 0


def read_options(path: Path) -> Options:
    """Read the options that `tune` wrote. Raises ModelError where the file is none of its."""
    try:
        return Options(**loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(str(path), f"is not a config: {error}", "write one with tune") from error


def _known(asked: list[str] | None) -> tuple[str, ...] | None:
    """Give the backends asked for, None for all. Raises UnsupportedError for an unknown one."""
    return tuple(find_backend(n).name for n in dict.fromkeys(asked)) if asked else None


def summarise(artifact: Artifact, used: Utilisation, stages: Sequence[Stage]) -> dict[str, Any]:
    """Give what `neurocomp compile --json` prints."""
    program = artifact.program
    return {
        "artifact": str(artifact.folder),
        "digest": artifact.manifest["digest"],
        "target": program.target.name,
        "steps": program.steps,
        "cores": used.cores,
        "chips": used.chips,
        "utilisation": {
            name: {"used": usage.used, "limit": usage.limit, "total": usage.total}
            for name, usage in used.resources.items()
        },
        "binding": used.binding,
        "precision": [asdict(p) for p in artifact.program.precision],
        "linear": {n: r._asdict() for n, r in relayed(artifact.program.network).items()},
        "layers": layers_json(program.network, program.target),
        "cost": program.cost and cost_json(program.cost, RATES, program.steps),
        "synapses": synapses(program.network),
        "simulated": list(artifact.backends),
        "stages": [asdict(stage) for stage in stages],
    }


def _check_import(model: Path, graph: Graph, samples: Array) -> None:
    """Raise GraphError where the imported graph does not compute what the file does."""
    (wanted,) = run_model(model, samples).values()
    (found,) = run_model(to_model(graph), samples).values()
    difference = float(np.abs(wanted.reshape(found.shape) - found).max())
    most = FIDELITY * max(float(np.abs(wanted).max()), 1e-6)
    if difference > most:
        raise GraphError(
            str(model),
            f"was imported wrongly: outputs differ by {difference:.3g}, rounding by {most:.3g}",
            "this is a bug of neurocomp",
        )


def _print(
    program: Program,
    used: Utilisation,
    artifact: Artifact,
    stages: Sequence[Stage],
    verbose: bool,
) -> None:
    blocks: dict[str, int] = {}
    for block in program.placement.cores:
        blocks[block.population] = blocks.get(block.population, 0) + 1
    rows = (
        (p.name, "x".join(map(str, p.shape)), int(np.prod(p.shape)), p.start_step, blocks[p.name])
        for p in program.network.populations
    )
    columns = ["population", "#shape", "#neurons", "#first step", "#blocks"]
    show_table(table(f"{program.target.title}, {program.steps} steps", columns, rows))
    if verbose and program.precision:
        show_table(precision_table(program.precision))
    show_table(utilisation_table(used))
    show_table(spent(stages))
    for value, more in relayed(program.network).items():
        say(f"{value}: {more.neurons:,} {more.kind} neurons and {counted(more.steps, 'step')} more")
    if program.target.arithmetic and program.target.arithmetic.proved_for == "step":
        say(overflows(program.precision, program.target.arithmetic.overflow or ""))
    if program.cost is not None:
        say_cost(program.cost, program.steps)
    least = least_cores(program.network, program.target)
    at_least = f", at least {least:,}" if least else ""
    cores, chips = counted(used.cores, "core"), counted(used.chips, "chip")
    say(f"it takes {cores} of {chips}{at_least}")
    if artifact.backends:
        say(f"artifact: {artifact.folder} (for {', '.join(artifact.backends)})")
        say(f"next: neurocomp verify {artifact.folder} --inputs x.npz")
    else:
        held = f"{synapses(program.network):,} synapses, simulators get up to {MOST_SYNAPSES:,}"
        say(f"artifact: {artifact.folder} (no simulation of the whole network: {held})")
        say(f"next: neurocomp verify {artifact.folder} --by-core --cores 40 --inputs x.npz")
