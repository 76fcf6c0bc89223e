"""`neurocomp verify`: compiled right, and precise enough?"""

from pathlib import Path
from typing import Annotated

import typer

from neurocomp import bycore
from neurocomp.arrays import Array
from neurocomp.artifact import changed, write_report
from neurocomp.backends import wanted as default_backends
from neurocomp.build import Artifact, read, report
from neurocomp.bycore import verify_by_core
from neurocomp.cli.arguments import Build, Json, Python, Seed
from neurocomp.cli.bycore import show_by_core, wanted_cores
from neurocomp.cli.console import note, progress, say, say_json
from neurocomp.cli.console import show as show_table
from neurocomp.cli.tables import counted
from neurocomp.cli.verified import accuracies, populations
from neurocomp.comparison import Reference, Report, to_json
from neurocomp.samples import load_labels, load_samples
from neurocomp.verification import verify as check


def verify(
    build: Build,
    inputs: Annotated[Path, typer.Option(help="Samples: .npz with `inputs`, or .npy.")],
    labels: Annotated[
        Path | None, typer.Option(help="Their classes: .npz with `labels`, or .npy.")
    ] = None,
    backend: Annotated[
        list[str] | None, typer.Option("--backend", "-b", help="Repeatable; default: all.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Use only the first samples.", min=1)] = None,
    reference: Annotated[
        Reference, typer.Option(help="What runs the network: the fast engine, or its definition.")
    ] = "engine",
    by_core: Annotated[
        bool,
        typer.Option("--by-core", help="Run blocks alone: for networks too large to simulate."),
    ] = False,
    cores: Annotated[
        list[str] | None,
        typer.Option(
            help="Blocks of each layer, 40, or of one backend, lava=10. Repeatable.",
            show_default="all",
        ),
    ] = None,
    seed: Seed = 0,
    python: Python = None,
    json: Json = False,
) -> int:
    """Run the artifact's simulations and compare every spike with the integer network's."""
    artifact = read(build)
    samples = load_samples(inputs, artifact.input_shape)
    classes = load_labels(labels, len(samples)) if labels else None
    samples, classes = samples[:limit], None if classes is None else classes[:limit]
    if by_core or cores:
        return _by_core(artifact, samples, backend, cores or [], seed, python, json)
    with progress(quiet=json) as observe:
        found = check(
            artifact,
            samples,
            classes,
            backend,
            python=python,
            reference=reference,
            observe=observe,
        )
    path = write_report(build, {**report(build), "verify": to_json(found)})
    if json:
        say_json(to_json(found))
    else:
        _print(artifact, found, path)
    return 0 if found.exact else 1


def _by_core(
    artifact: Artifact,
    samples: Array,
    backends: list[str] | None,
    cores: list[str],
    seed: int,
    python: str | None,
    json: bool,
) -> int:
    wanted = wanted_cores(cores, backends or artifact.backends or default_backends())
    with progress(quiet=json) as observe:
        found = verify_by_core(
            artifact, samples, backends, cores=wanted, seed=seed, python=python, observe=observe
        )
    summary = bycore.to_json(found)
    path = write_report(artifact.folder, {**report(artifact.folder), "verify_by_core": summary})
    if json:
        say_json(summary)
    else:
        show_by_core(artifact, found, path)
    return 0 if found.exact else 1


def _print(artifact: Artifact, found: Report, path: Path) -> None:
    show_table(populations(found))
    show_table(accuracies(found))
    for name, compared in found.backends.items():
        if compared.mismatches:
            first = compared.first_difference
            say(f"{name}: {compared.mismatches:,} values differ, first {first}")
    for error in found.not_run.values():
        note(f"not run: {error}")
    edited = changed(artifact.folder, artifact.manifest)
    if edited:
        note(f"changed since it was compiled: {', '.join(edited)}")
    ran = " and ".join(found.backends)
    verdict = "exact" if found.exact else "NOT exact"
    equal = "every spike of every neuron equals the integer network's"
    say(f"compiled right? {verdict}" + (f": {ran}, {equal}" if found.exact else ""))
    say(f"the integer network ran in: {found.reference}")
    placed = artifact.program.placement.cores.values()
    say(f"{artifact.program.target.name}: {counted(len(set(placed)), 'core')}")
    say(f"artifact: {artifact.folder}")
    say(f"report: {path}")
