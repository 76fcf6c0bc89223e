"""`neurocomp show`: what an artifact, a model or a target holds."""

from pathlib import Path
from typing import Annotated

import typer

from neurocomp.build import read, report
from neurocomp.cli.arguments import InputShape, shape
from neurocomp.cli.console import say
from neurocomp.cli.console import show as show_table
from neurocomp.cli.tables import counted, table
from neurocomp.cli.tables import precision as precision_table
from neurocomp.cli.tables import utilisation as utilisation_table
from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target, target_names
from neurocomp.hw.target import Target
from neurocomp.mapping.utilisation import utilisation
from neurocomp.snn.text import text


def show(
    what: Annotated[str, typer.Argument(help="An artifact, an ONNX file, or a target.")],
    input_shape: InputShape = None,
) -> int:
    """Show what an artifact, a model or a target holds."""
    path = Path(what)
    if path.is_dir():
        _show_artifact(path)
    elif path.suffix == ".toml" or (what in target_names() and not path.is_file()):
        _show_target(load_target(what))
    elif path.is_file():
        _show_model(path, input_shape)
    else:
        targets = ", ".join(target_names())
        raise ModelError(what, "is no artifact, file or target", f"targets are {targets}")
    return 0


def _show_artifact(path: Path) -> None:
    artifact = read(path)
    program = artifact.program
    say(text(program.network).rstrip())
    used = utilisation(program.placement, program.target)
    rows = (
        (str(block), place.chip, f"({place.row}, {place.column})", *demand.values())
        for block, place in program.placement.cores.items()
        for demand in [program.placement.demand[block]]
    )
    resources = next(iter(program.placement.demand.values()), {})
    columns = ["block", "#chip", "#core", *(f"#{name}" for name in resources)]
    show_table(table(f"{program.target.title}: {counted(used.cores, 'core')}", columns, rows))
    if program.precision:
        show_table(precision_table(program.precision))
    show_table(utilisation_table(used))
    made = artifact.manifest
    say(f"compiled by neurocomp {made['neurocomp']}, digest {made['digest']}")
    if "verify" in report(path):
        checked = report(path)["verify"]
        verdict = "exact" if checked["exact"] else "NOT exact"
        say(f"verified: {verdict}, {', '.join(checked['backends'])}, {checked['samples']} samples")


def _show_model(path: Path, input_shape: str | None) -> None:
    graph = load(path, shape(input_shape))
    rows = (
        (n.name, type(n.op).__name__, n.op.role, ", ".join(n.inputs), _text(graph.shapes[n.name]))
        for n in graph.nodes
    )
    title = f"{path}: {graph.input} {_text(graph.input_shape)} -> {graph.output}"
    show_table(table(title, ["value", "operator", "role", "inputs", "#shape"], rows))


def _show_target(target: Target) -> None:
    say(f"{target.name}: {target.title}")
    rows = [(f"limit of a core: {name}", limit) for name, limit in target.core.limits.items()]
    rows += [(f"compartments of {name}", n) for name, n in target.compartments.items()]
    numbers: list[tuple[str, object]] = [
        *rows,
        ("cores of a chip", target.core.count),
        ("one threshold per", target.threshold_per),
        ("largest delay, steps", target.max_delay_steps),
    ]
    if target.arithmetic is not None:
        widths = target.arithmetic
        numbers += [(name.replace("_", " "), getattr(widths, name)) for name in widths.__slots__]
    published = ((what, "not published" if n is None else n) for what, n in numbers)
    show_table(table("", ["what", "#value"], published))
    show_table(table("sources", ["key", "source"], target.sources.items()))


def _text(shape_: tuple[int, ...]) -> str:
    return "x".join(map(str, shape_))
