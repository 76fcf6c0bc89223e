"""`neurocomp tune`: search the options, show the front, write a config for `compile`."""

import json as json_text
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from neurocomp.artifact import write_whole
from neurocomp.cli.arguments import (
    Calibration,
    Inputs,
    InputShape,
    Json,
    Labels,
    Limit,
    Model,
    TargetName,
    shape,
)
from neurocomp.cli.console import note, progress, say, say_json, show
from neurocomp.cli.tables import table
from neurocomp.compiler import Options
from neurocomp.errors import ArtifactError, ModelError
from neurocomp.figures import draw_front
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.samples import load_calibration, load_first_labels, load_samples
from neurocomp.tuning import Currency, Point, Trial, best, candidates, config, front, points
from neurocomp.tuning import tune as search

TRIALS = "trials.json"
CONFIG = "config.json"
FIGURE = "front.png"


def tune(
    model: Model,
    target: TargetName,
    inputs: Inputs,
    labels: Labels = None,
    samples: Calibration = None,
    steps: Annotated[int, typer.Option(help="The most steps.", min=1)] = 16,
    within: Annotated[
        float | None, typer.Option(help="At most so many points more error than the trained net.")
    ] = None,
    operations: Annotated[
        float | None, typer.Option(help="At most so many synaptic operations a sample.", min=0)
    ] = None,
    energy: Annotated[
        float | None, typer.Option(help="At most so many microjoules a sample.", min=0)
    ] = None,
    memory: Annotated[
        float | None, typer.Option(help="At most so many kilobytes of weights.", min=0)
    ] = None,
    least: Annotated[
        Currency, typer.Option(help="What shall be least, where no budget says it.")
    ] = "operations",
    limit: Limit = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder; a search in it goes on.")
    ] = Path("tuned"),
    input_shape: InputShape = None,
    json: Json = False,
) -> int:
    """Search percentiles, passes, steps and bits of weights; give the front of error and cost."""
    currency, budget = _budget(
        {"operations": operations, "energy": energy, "memory": memory}, least
    )
    chip, graph = load_target(target), load(model, shape(input_shape))
    _refuse_unknown(currency, chip)
    x = load_samples(inputs, graph.input_shape)[:limit]
    classes = load_first_labels(labels, len(x)) if labels else None
    calibration = load_calibration(model, samples, graph.input_shape)
    chosen = candidates(graph, steps, chip.arithmetic.weight_bits if chip.arithmetic else None)
    output.mkdir(parents=True, exist_ok=True)
    files = {"model": model, "inputs": inputs, "labels": labels, "calibration": samples}
    asked = {
        "target": chip.name,
        "steps": steps,
        "samples": len(x),
        **{what: _digest(path) for what, path in files.items() if path},
    }
    trials = _read(output / TRIALS, asked, chosen)
    with progress(quiet=json) as observe:
        for place, trial in search(
            graph, chip, calibration, x, classes, chosen, dict(trials), observe
        ):
            trials[place] = trial
            _write(output / TRIALS, asked, trials)
    for reason in sorted({t.refused for t in trials.values() if t.refused}):
        note(f"not tried: {reason}")
    _choose(trials, currency, within, budget, output, json)
    return 0


def _choose(
    trials: dict[int, Trial],
    currency: Currency,
    within: float | None,
    budget: float | None,
    output: Path,
    json: bool,
) -> None:
    """Show the front, and write the choice and a figure."""
    found = front(trials, currency)
    trained = next((t.ann_error for t in trials.values() if t.ann_error is not None), None)
    goal = None if within is None or trained is None else trained + within / 100
    try:
        point = best(found, currency, error=goal, budget=budget)
    except ModelError:
        if found and not json:
            show(_table(found, trials, None, trained))
        raise
    write_whole(output / CONFIG, json_text.dumps(config(trials, point), indent=2) + "\n")
    drawn = find_spec("matplotlib") is not None
    if drawn:
        draw_front(points(trials), found, point, currency, trained, output / FIGURE)
    if json:
        say_json(
            {
                "ann_error": trained,
                "front": [asdict(p) for p in found],
                "chosen": config(trials, point),
            }
        )
    else:
        show(_table(found, trials, point, trained))
        if drawn:
            say(f"figure: {output / FIGURE}")
        say(f"next: neurocomp compile ... --config {output / CONFIG}")


def _budget(
    budgets: Mapping[Currency, float | None], least: Currency
) -> tuple[Currency, float | None]:
    """Give what costs are counted in, and the most that may be spent."""
    given = [currency for currency, most in budgets.items() if most is not None]
    if len(given) > 1:
        named = " and ".join(f"--{currency}" for currency in given)
        raise ModelError("tune", f"has {len(given)} budgets, {named}", "give one of them")
    return (given[0], budgets[given[0]]) if given else (least, None)


def _refuse_unknown(currency: Currency, chip: Target) -> None:
    """Raise ModelError where what is asked for is not known of the target."""
    if currency == "energy" and not chip.energy_pj:
        raise ModelError("energy", f"of {chip.name} was not published", "ask for operations")
    if currency == "memory" and chip.arithmetic is None:
        wrong = f"of weights is the same for all, those of {chip.name} are not whole numbers"
        raise ModelError("memory", wrong, "choose another target, or ask for operations")


def _digest(path: Path) -> str:
    """Tell a file from another of the same name."""
    with path.open("rb") as file:
        return f"{path.name} {file_digest(file, 'sha256').hexdigest()[:16]}"


def _read(path: Path, asked: dict[str, object], chosen: tuple[Options, ...]) -> dict[int, Trial]:
    """Read the trials of a search that was interrupted. Raises ArtifactError for another's."""
    if not path.is_file():
        return {}
    try:
        kept = json_text.loads(path.read_text())
        return _known(path, kept, asked, chosen)
    except (ValueError, KeyError, TypeError) as error:
        wrong = f"cannot be read ({error})"
        raise ArtifactError(str(path), wrong, "delete it, or name another folder") from error


def _known(
    path: Path, kept: dict[str, Any], asked: dict[str, object], chosen: tuple[Options, ...]
) -> dict[int, Trial]:
    """Give the trials of a file that are of this search."""
    if kept["asked"] != asked:
        wrong = f"holds a search of {kept['asked']}, this is of {asked}"
        raise ArtifactError(str(path.parent), wrong, "name another folder with -o")
    found = {}
    for place, trial in kept["trials"].items():
        options = Options(**trial.pop("options"))
        if int(place) < len(chosen) and chosen[int(place)] == options:
            lists = {name: tuple(v) for name, v in trial.items() if isinstance(v, list)}
            found[int(place)] = Trial(options=options, **{**trial, **lists})
    return found


def _write(path: Path, asked: dict[str, object], trials: dict[int, Trial]) -> None:
    """Write all trials so far, whole or not at all."""
    kept = {"asked": asked, "trials": {place: asdict(t) for place, t in trials.items()}}
    write_whole(path, json_text.dumps(kept) + "\n")


def _table(
    found: tuple[Point, ...], trials: dict[int, Trial], point: Point | None, trained: float | None
) -> Table:
    """Give one row a point of the front, the chosen one marked."""
    rows = (
        (
            "-> " if p is point else "",
            f"{p.error:.2%}",
            round(p.operations),
            None if p.energy is None else f"{p.energy:.4g}",
            None if p.memory is None else f"{p.memory:.4g}",
            p.steps,
            trials[p.trial].options.weight_bits,
            *_named(trials[p.trial].options),
        )
        for p in found
    )
    title = "front" if trained is None else f"front; the trained network's error is {trained:.2%}"
    columns = [
        "",
        "#error",
        "#operations",
        "#energy, uJ",
        "#weights, kB",
        "#steps",
        "#bits",
        "ranges",
        "max pool",
        "correct",
    ]
    return table(title, columns, rows)


def _named(options: Options) -> tuple[str, str, str]:
    """Name the options that the search varies."""
    percentile = f"{options.percentile:g} %"
    ranges = f"error at {options.steps}" if options.ranges == "error" else percentile
    return ranges, options.max_pool, options.correct
