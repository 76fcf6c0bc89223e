"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from neurocomp.arrays import Shape
from neurocomp.errors import ModelError

Build = Annotated[Path, typer.Argument(help="The folder that `neurocomp compile` wrote.")]
Model = Annotated[Path, typer.Argument(help="The trained network, an ONNX file.")]
TargetName = Annotated[
    str, typer.Option("--target", "-t", help="A chip by name, or a target file of your own.")
]
Inputs = Annotated[Path, typer.Option(help="Samples to measure on: .npz with `inputs`, or .npy.")]
Labels = Annotated[
    Path | None, typer.Option(help="Their classes; without, the trained network's own.")
]
Calibration = Annotated[
    Path | None,
    typer.Option("--samples", help="Calibration samples: .npz with `inputs`, or .npy."),
]
Limit = Annotated[int | None, typer.Option(help="Use only the first samples.", min=1)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
Python = Annotated[
    str | None, typer.Option(help="The interpreter that has the simulator.", show_default=False)
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show each layer's precision.")]
InputShape = Annotated[
    str | None,
    typer.Option(help="The shape of one sample, 1,28,28, where the model leaves it open."),
]

Steps = Annotated[int, typer.Option(help="Time steps that the readout accumulates over.")]
Ranges = Annotated[
    Literal["percentile", "error", "none"],
    typer.Option(help="What rate 1 stands for: a percentile, the range of least error, or 1."),
]
Percentile = Annotated[
    float, typer.Option(help="Of the activations, that a firing rate of 1 stands for.")
]
Headroom = Annotated[
    float, typer.Option(help="Times the range that was measured: unseen inputs exceed it.")
]
Per = Annotated[Literal["channel", "layer"], typer.Option(help="What has a range of its own.")]
Pieces = Annotated[
    int, typer.Option(help="Neurons that share an activation's range: small steps for small ones.")
]
HalfThreshold = Annotated[bool, typer.Option(help="Start membranes at threshold / 2.")]
Reset = Annotated[Literal["subtract", "zero"], typer.Option(help="What a spike does to v.")]
MaxPool = Annotated[
    Literal["average", "exponential", "fir", "drive", "relus"],
    typer.Option(help="A gate by a rate's estimate, on accumulated drive, or as ReLUs."),
]
Correct = Annotated[
    Literal["none", "bias", "potential"],
    typer.Option(help="Correct each layer's mean rate on the samples, by its bias or its start."),
]
Spikes = Annotated[Literal["analog", "poisson"], typer.Option(help="The input.")]
Seed = Annotated[int, typer.Option(help="Of what is random.")]
WeightBits = Annotated[
    int | None,
    typer.Option(help="Of a weight, 1 or more.", min=1, show_default="all that the target has"),
]
MembraneBits = Annotated[
    int | None,
    typer.Option(
        help="Of a membrane that may leave them, and then does what the target's do.",
        min=2,
        show_default="none leaves those of the target",
    ),
]
Rounding = Annotated[
    Literal["auto", "nearest", "least-squares", "adaptive"],
    typer.Option(
        help="Of weights: the nearest, at a scale that errs least, or so that outputs are kept; "
        "auto: nearest from 8 bits where no layer gets noisy, else fitted."
    ),
]
Linear = Annotated[
    Literal["auto", "compose", "pairs", "graded"],
    typer.Option(
        help="Values between neurons: always composed into synapses, or relayed by pairs or graded "
        "neurons where that is fewer synapses; auto: by pairs where it is 4 times fewer."
    ),
]
Share = Annotated[bool, typer.Option("--share", help="Let small blocks share a core.")]
Moves = Annotated[int, typer.Option(min=0, help="Moves of cores; 0: swaps only, fast.")]
Clamp = Annotated[int, typer.Option(help="Steps each layer waits longer than the last.", min=0)]


def shape(text: str | None) -> Shape | None:
    """Read `1,28,28` as a shape. Raises ModelError for anything else."""
    if text is None:
        return None
    parts = text.replace("x", ",").split(",")
    if not all(p.strip().isdecimal() and int(p) > 0 for p in parts):
        raise ModelError("--input-shape", f"is {text!r}", "give it as 1,28,28")
    return tuple(int(p) for p in parts)
