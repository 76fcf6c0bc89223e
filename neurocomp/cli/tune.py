"""`neurocomp tune`: search the options, show the front, write a config for `compile`."""

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from neurocomp.cli.arguments import InputShape, Json, Model, TargetName, shape
from neurocomp.cli.console import note, progress, say, say_json, show
from neurocomp.cli.tables import table
from neurocomp.compiler import Options
from neurocomp.errors import ArtifactError
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target
from neurocomp.samples import load_calibration, load_first_labels, load_samples
from neurocomp.tuning import Point, Trial, best, candidates, config, front
from neurocomp.tuning import tune as search

TRIALS = "trials.json"
CONFIG = "config.json"


def tune(
    model: Model,
    target: TargetName,
    inputs: Annotated[Path, typer.Option(help="Samples to measure on: .npz with `inputs`.")],
    labels: Annotated[
        Path | None, typer.Option(help="Their classes; without, the trained network's own.")
    ] = None,
    samples: Annotated[
        Path | None, typer.Option(help="Calibration samples, other than the inputs.")
    ] = None,
    steps: Annotated[int, typer.Option(help="The most steps.", min=1)] = 16,
    within: Annotated[
        float | None, typer.Option(help="At most so many points more error than the best found.")
    ] = None,
    operations: Annotated[
        float | None, typer.Option(help="At most so many synaptic operations a sample.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Use only the first samples.", min=1)] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder; a search in it goes on.")
    ] = Path("tuned"),
    input_shape: InputShape = None,
    json: Json = False,
) -> int:
    """Search percentiles, passes and steps; give the front of error and operations."""
    chip, graph = load_target(target), load(model, shape(input_shape))
    x = load_samples(inputs, graph.input_shape)[:limit]
    classes = load_first_labels(labels, len(x)) if labels else None
    calibration = load_calibration(model, samples, graph.input_shape)
    chosen = candidates(graph, steps)
    output.mkdir(parents=True, exist_ok=True)
    asked = {"model": str(model), "target": chip.name, "steps": steps, "samples": len(x)}
    trials = _read(output / TRIALS, asked, chosen)
    with progress(quiet=json) as observe:
        for place, trial in search(
            graph, chip, calibration, x, classes, chosen, dict(trials), observe
        ):
            trials[place] = trial
            _write(output / TRIALS, asked, trials)
    points = front(trials)
    least = min(p.error for p in points)
    goal = None if within is None else least + within / 100
    point = best(points, error=goal, operations=operations)
    (output / CONFIG).write_text(json_text.dumps(config(trials, point), indent=2) + "\n")
    if json:
        say_json({"front": [asdict(p) for p in points], "chosen": config(trials, point)})
    else:
        _print(points, trials, point, output)
    return 0


def _read(path: Path, asked: dict[str, object], chosen: tuple[Options, ...]) -> dict[int, Trial]:
    """Read the trials of a search that was interrupted. Raises ArtifactError for another's."""
    if not path.is_file():
        return {}
    kept = json_text.loads(path.read_text())
    if kept["asked"] != asked:
        wrong = f"holds a search of {kept['asked']}, this is of {asked}"
        raise ArtifactError(str(path.parent), wrong, "name another folder with -o")
    found = {}
    for place, trial in kept["trials"].items():
        options = Options(**trial.pop("options"))
        if int(place) < len(chosen) and chosen[int(place)] == options:
            errors, operations = tuple(trial["errors"]), tuple(trial["operations"])
            refused = trial["refused"]
            found[int(place)] = Trial(
                options=options, errors=errors, operations=operations, refused=refused
            )
    return found


def _write(path: Path, asked: dict[str, object], trials: dict[int, Trial]) -> None:
    """Write all trials so far, whole or not at all."""
    unfinished = path.with_suffix(".part")
    kept = {"asked": asked, "trials": {place: asdict(t) for place, t in trials.items()}}
    unfinished.write_text(json_text.dumps(kept) + "\n")
    unfinished.replace(path)


def _print(points: tuple[Point, ...], trials: dict[int, Trial], point: Point, output: Path) -> None:
    rows = (
        (
            "-> " if p is point else "",
            f"{p.error:.2%}",
            round(p.operations),
            p.steps,
            *_named(trials[p.trial].options),
        )
        for p in points
    )
    columns = ["", "#error", "#operations", "#steps", "ranges", "max pool", "correct"]
    show(table("front", columns, rows))
    refused = sorted({t.refused for t in trials.values() if t.refused})
    for reason in refused:
        note(f"not tried: {reason}")
    say(f"next: neurocomp compile ... --config {output / CONFIG}")


def _named(options: Options) -> tuple[str, str, str]:
    """Name the options that the search varies."""
    percentile = f"{options.percentile:g} %"
    ranges = f"error at {options.steps}" if options.ranges == "error" else percentile
    return ranges, options.max_pool, options.correct
