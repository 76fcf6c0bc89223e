"""`neurocomp evaluate`: accuracy against steps and operations, and what each layer loses."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from neurocomp.build import MODEL, read
from neurocomp.cli import arguments as given
from neurocomp.cli.console import progress, say, say_json, show
from neurocomp.cli.tables import table
from neurocomp.compiler import Options, Prepared, prepare, with_passes
from neurocomp.evaluation import Evaluation, interval, rasters, to_json
from neurocomp.evaluation import evaluate as measure
from neurocomp.figures import draw
from neurocomp.frontend.onnx import load
from neurocomp.samples import load_calibration, load_first_labels, load_samples


def evaluate(
    what: Annotated[Path, typer.Argument(help="A folder that compile wrote, or an ONNX file.")],
    inputs: given.Inputs,
    labels: given.Labels = None,
    samples: given.Calibration = None,
    steps: given.Steps = 64,
    ranges: given.Ranges = "percentile",
    percentile: given.Percentile = 99.9,
    headroom: given.Headroom = 1.0,
    per: given.Per = "channel",
    pieces: given.Pieces = 1,
    half_threshold: given.HalfThreshold = True,
    reset: given.Reset = "subtract",
    max_pool: given.MaxPool = "average",
    correct: given.Correct = "none",
    spikes: given.Spikes = "analog",
    seed: given.Seed = 0,
    linear: given.Linear = "auto",
    clamp: given.Clamp = 0,
    limit: given.Limit = None,
    figures: Annotated[
        Path | None, typer.Option(help="Also draw figures into this folder.")
    ] = None,
    input_shape: given.InputShape = None,
    json: given.Json = False,
) -> int:
    """Measure a converted network on a data set: an artifact, or a model with these options."""
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
    )
    with progress(quiet=json) as observe:
        if what.is_dir():
            made, length = _compiled(what)
            x = load_samples(inputs, made.graph.input_shape)[:limit]
        else:
            graph = load(what, given.shape(input_shape))
            x = load_samples(inputs, graph.input_shape)[:limit]
            measured = load_calibration(what, samples, graph.input_shape)
            made, length = prepare(graph, measured, options, observe=observe), steps
        classes = load_first_labels(labels, len(x)) if labels else None
        found = measure(made.network, made.graph, x, classes, length, observe=observe)
        raster = rasters(made.network, x[0], length) if figures is not None else ()
    if figures is not None:
        draw(found, raster, figures)
    _show(found, figures, json=json)
    return 0


def _show(found: Evaluation, figures: Path | None, *, json: bool) -> None:
    if json:
        say_json(to_json(found))
    else:
        _print(found, figures)


def _compiled(folder: Path) -> tuple[Prepared, int]:
    """Give an artifact's graph, with the units it was compiled with, and its network."""
    artifact = read(folder)
    options = Options(**artifact.manifest["options"])
    graph = with_passes(load(folder / MODEL), options, artifact.program.units)
    return Prepared(graph=graph, network=artifact.program.network), artifact.program.steps


def _print(found: Evaluation, figures: Path | None) -> None:
    show(curve_table(found))
    show(layer_table(found))
    for line in found.advice or ("nothing to change stands out",):
        say(line)
    if figures is not None:
        say(f"figures: {figures}")


def curve_table(found: Evaluation) -> Table:
    """Give accuracy and operations at some steps, the last included; the ANN first."""
    curve, total = found.curve, len(found.curve.right)
    shown = sorted({t for t in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, total)})
    rows: list[tuple[object, ...]] = [
        ("ANN", *_share(found.ann_right, found.samples), found.ann_operations, None, None)
    ]
    for t in shown:
        if t <= total:
            right = int(curve.right[t - 1])
            operations = round(float(curve.operations[t - 1]))
            plain = round(float(curve.operations_without_borders[t - 1]))
            rows.append(
                (t, *_share(right, found.samples), operations, plain, t * curve.neuron_updates)
            )
    what = "accuracy" if found.labelled else "same class as ANN"
    columns = ["steps", f"#{what}", "#95 %", "#operations", "#borders\nignored", "#neuron\nupdates"]
    return table(f"{found.samples} samples", columns, rows)


def layer_table(found: Evaluation) -> Table:
    """Give one row a layer."""
    rows = (
        (
            layer.name,
            layer.neurons,
            f"{layer.pearson:.4f}",
            f"{layer.rms:.4f}",
            f"{layer.saturated:.2%}",
            f"{layer.dead:.2%}",
            None if layer.loss is None else f"{layer.loss:.2%}",
        )
        for layer in found.layers
    )
    columns = ["layer", "#neurons", "#Pearson", "#RMS", "#saturated", "#dead", "#accuracy\nlost"]
    return table("rates against activations", columns, rows)


def _share(right: int, samples: int) -> tuple[str, str]:
    low, high = interval(right, samples)
    return f"{right / samples:.2%}", f"{low:.2%} to {high:.2%}"
