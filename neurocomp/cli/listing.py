"""`neurocomp list`: the targets, backends, passes and operators that there are."""

from collections.abc import Iterable
from typing import Annotated, Literal

import typer

from neurocomp.ann.ops import OPS
from neurocomp.backends import backend, names
from neurocomp.cli.arguments import Json
from neurocomp.cli.console import say_json
from neurocomp.cli.console import show as show_table
from neurocomp.cli.tables import table
from neurocomp.hw.read import load_target, target_names
from neurocomp.passes import PASSES

What = Literal["targets", "backends", "passes", "ops"]


def list_(
    what: Annotated[What, typer.Argument(help="What to list.")],
    json: Json = False,
) -> int:
    """List what there is, a line each."""
    found = {
        "targets": _targets,
        "backends": _backends,
        "passes": _passes,
        "ops": _ops,
    }[what]()
    rows = [tuple(r) for r in found]
    if json:
        say_json({what: [{"name": name, "about": about} for name, about in rows]})
    else:
        show_table(table(what, ["name", "about"], rows))
    return 0


def _targets() -> Iterable[tuple[str, str]]:
    return ((name, load_target(name).title) for name in target_names())


def _backends() -> Iterable[tuple[str, str]]:
    return ((name, backend(name).simulator.title) for name in names())


def _passes() -> Iterable[tuple[str, str]]:
    return ((p.name, (p.__doc__ or "").splitlines()[0]) for p in PASSES)


def _ops() -> Iterable[tuple[str, str]]:
    for op in OPS:
        meaning = (op.__doc__ or "").splitlines()[0]
        yield op.__name__, f"{meaning}  from {', '.join(op.onnx)}, {op.role}"
