"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from neurocomp.arrays import Shape
from neurocomp.errors import ModelError

Build = Annotated[Path, typer.Argument(help="The folder that `neurocomp compile` wrote.")]
Model = Annotated[Path, typer.Argument(help="The trained network, an ONNX file.")]
TargetName = Annotated[
    str, typer.Option("--target", "-t", help="A chip by name, or a target file of your own.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
Python = Annotated[
    str | None, typer.Option(help="The interpreter that has the simulator.", show_default=False)
]
InputShape = Annotated[
    str | None,
    typer.Option(help="The shape of one sample, 1,28,28, where the model leaves it open."),
]


def shape(text: str | None) -> Shape | None:
    """Read `1,28,28` as a shape. Raises ModelError for anything else."""
    if text is None:
        return None
    parts = text.replace("x", ",").split(",")
    if not all(p.strip().isdecimal() and int(p) > 0 for p in parts):
        raise ModelError("--input-shape", f"is {text!r}", "give it as 1,28,28")
    return tuple(int(p) for p in parts)
