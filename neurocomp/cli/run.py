"""`neurocomp run`: simulate an artifact and keep its spikes."""

import os
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from neurocomp.arrays import Array
from neurocomp.backends import backend as find_backend
from neurocomp.build import read
from neurocomp.cli.arguments import Build, Json, Python
from neurocomp.cli.console import progress, say, say_json
from neurocomp.cli.console import show as show_table
from neurocomp.cli.tables import table
from neurocomp.errors import ArtifactError
from neurocomp.exchange import Counted, beside
from neurocomp.samples import load_samples
from neurocomp.simulation import run as simulate


def run(
    build: Build,
    backend: Annotated[str, typer.Option("--backend", "-b", help="The simulator.")],
    inputs: Annotated[Path, typer.Option(help="Samples: .npz with `inputs`, or .npy.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The spikes, an .npz.")],
    membranes: Annotated[bool, typer.Option(help="Keep every membrane, too.")] = False,
    force: Annotated[bool, typer.Option(help="Replace the output if it is there.")] = False,
    python: Python = None,
    json: Json = False,
) -> int:
    """Run one of the artifact's simulations and write every spike."""
    if output.exists() and not force:
        raise ArtifactError(str(output), "is there already", "name another, or add --force")
    if not output.parent.is_dir():
        raise ArtifactError(str(output), "lies in a folder that is not there", "make the folder")
    artifact = read(build)
    samples = load_samples(inputs, artifact.input_shape)
    with progress(quiet=json) as observe:
        outcome = simulate(
            artifact, backend, samples, python=python, membranes=membranes, observe=observe
        )
    arrays = {f"spikes/{n}": a for n, a in outcome.spikes.items()}
    arrays |= {f"v/{n}": a for n, a in outcome.v.items()} | {"readout": outcome.readout}
    arrays |= {f"cost/{n}": a for n, a in outcome.costs.items()}
    _save(output, arrays)
    counted = beside(artifact.program, outcome)
    total = sum(int(a.sum()) for a in outcome.spikes.values())
    if json:
        shapes = {name: list(a.shape) for name, a in arrays.items()}
        said = {"spikes": str(output), "samples": len(samples), "total": total, "arrays": shapes}
        say_json({**said, "counted": [asdict(each) for each in counted]})
    else:
        if counted:
            show_counted(find_backend(backend).simulator.title, counted)
        say(f"{output}: {total:,} spikes of {len(samples)} samples, {len(arrays)} arrays")
    return 0


def show_counted(title: str, counted: tuple[Counted, ...]) -> None:
    """Show what a simulator counted beside what we do."""
    rows = ((c.what, _number(c.ours), _number(c.simulated), f"{c.difference:.2%}") for c in counted)
    columns = ["what", "#neurocomp", f"#{title}", "#difference"]
    show_table(table("the same spikes, counted twice", columns, rows))


def _number(value: float) -> int | float:
    """Give a count as a whole number."""
    return int(value) if value.is_integer() else value


def _save(path: Path, arrays: dict[str, Array]) -> None:
    """Write an .npz, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial.npz")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as kept:
            for name, array in arrays.items():
                with kept.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.save(member, array, allow_pickle=False)
        os.replace(partial, path)
    except OSError as error:
        raise ArtifactError(str(path), f"cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
