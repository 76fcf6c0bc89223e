"""`neurocomp sweep`: accuracy against the bits of a weight."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.table import Table

from neurocomp.cli.arguments import (
    Calibration,
    Inputs,
    InputShape,
    Json,
    Labels,
    Limit,
    Model,
    Steps,
    TargetName,
    shape,
)
from neurocomp.cli.compile import read_options
from neurocomp.cli.console import note, progress, say, say_json, show
from neurocomp.cli.tables import table
from neurocomp.compiler import Options, prepare
from neurocomp.errors import ModelError, UnsupportedError
from neurocomp.figures import draw_sweep
from neurocomp.frontend.onnx import load, run_model
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.mapping.support import refuse_unsupported
from neurocomp.quantize import Rounding
from neurocomp.readouts import classes
from neurocomp.samples import load_calibration, load_first_labels, load_samples
from neurocomp.sweep import Swept
from neurocomp.sweep import sweep as measured


def sweep(
    model: Model,
    target: TargetName,
    inputs: Inputs,
    labels: Labels = None,
    samples: Calibration = None,
    bits: Annotated[
        str | None,
        typer.Option(help="Of a weight: 8,4,2 or 1-8.", show_default="all that the target has"),
    ] = None,
    rounding: Annotated[
        str, typer.Option(help="One or more of nearest, least-squares, adaptive, with commas.")
    ] = "nearest,adaptive",
    steps: Steps = 64,
    config: Annotated[
        Path | None, typer.Option(help="Options of the conversion, from a file of `tune`.")
    ] = None,
    limit: Limit = None,
    figure: Annotated[Path | None, typer.Option(help="Also draw it to this file.")] = None,
    input_shape: InputShape = None,
    json: Json = False,
) -> int:
    """Measure accuracy against the bits of a weight, in the target's numbers."""
    chip, graph = load_target(target), load(model, shape(input_shape))
    chosen, methods = _bits(bits, chip), _methods(rounding)
    options = read_options(config) if config else Options(steps=steps)
    x = load_samples(inputs, graph.input_shape)[:limit]
    given = load_first_labels(labels, len(x)) if labels else None
    calibration = load_calibration(model, samples, graph.input_shape)
    with progress(quiet=json) as observe:
        (output,) = run_model(model, x).values()
        own = classes(output)
        wanted = own if given is None else given
        network = prepare(graph, calibration, options, observe=observe).network
        refuse_unsupported(network, chip)
        found = list(
            measured(network, chip, calibration, x, wanted, options, chosen, methods, observe)
        )
    trained = float((own == wanted).mean())
    if figure is not None:
        draw_sweep(found, trained, given is not None, figure)
    if json:
        say_json(_to_json(found, trained, given is not None, options))
        return 0
    for reason in sorted({s.refused for s in found if s.refused}):
        note(f"not measured: {reason}")
    show(_table(found, trained, chip, given is not None))
    if figure is not None:
        say(f"figure: {figure}")
    return 0


def _to_json(
    found: list[Swept], trained: float, labelled: bool, options: Options
) -> dict[str, Any]:
    return {
        "samples": found[0].samples,
        "labelled": labelled,
        "ann": trained,
        "options": asdict(replace(options, weight_bits=None)),
        "sweep": [asdict(s) | {"accuracy": s.accuracy} for s in found],
    }


def _bits(text: str | None, chip: Target) -> tuple[int, ...]:
    """Read `8,4,2` or `1-8`, most first. Raises ModelError for anything else."""
    if chip.arithmetic is None:
        raise UnsupportedError(
            chip.name, "has no whole numbers", "choose a target that has: neurocomp list targets"
        )
    if text is None:
        return tuple(range(chip.arithmetic.weight_bits, 0, -1))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        last = last or first
        if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last) <= 64):
            raise ModelError("--bits", f"is {text!r}", "give them as 8,4,2 or 1-8")
        found.update(range(int(first), int(last) + 1))
    return tuple(sorted(found, reverse=True))


def _methods(text: str) -> tuple[Rounding, ...]:
    """Read `nearest,adaptive`. Raises ModelError for anything else."""
    known: tuple[Rounding, ...] = get_args(Rounding)
    asked = [part.strip() for part in text.split(",")]
    if not set(asked) <= set(known):
        raise ModelError("--rounding", f"is {text!r}", f"name some of {', '.join(known)}")
    return tuple(m for m in known if m in asked)


def _table(found: list[Swept], trained: float, chip: Target, labelled: bool) -> Table:
    """Give one row a number of bits: the accuracy of each rounding, and what binds."""
    methods = list(dict.fromkeys(s.rounding for s in found if s.bits is not None))
    by_place = {(s.bits, s.rounding): s for s in found}
    rows: list[tuple[Any, ...]] = [("ANN", f"{trained:.2%}"), ("float SNN", _share(found[0]))]
    for bits in dict.fromkeys(s.bits for s in found if s.bits is not None):
        each = [by_place[bits, m] for m in methods]
        best = max(each, key=lambda s: s.right)
        low, high = best.interval
        noise = "" if best.drive_db is None else f"{best.worst}, {best.drive_db:.1f} dB"
        rows.append((bits, *map(_share, each), f"{low:.2%} to {high:.2%}", noise))
    columns = ["weight bits", *(f"#{m}" for m in methods), "#95 %, best", "noisiest layer, best"]
    what = "accuracy" if labelled else "same class as the ANN"
    title = f"{chip.title}: {what} of {found[0].samples} samples"
    return table(title, columns, (row + (None,) * (len(columns) - len(row)) for row in rows))


def _share(one: Swept) -> str:
    return "refused" if one.refused else f"{one.accuracy:.2%}"
