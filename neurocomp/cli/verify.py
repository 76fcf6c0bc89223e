"""`neurocomp verify`: compiled right, and precise enough?"""

from pathlib import Path
from typing import Annotated

import typer

from neurocomp.arrays import Array
from neurocomp.artifact import changed, write_report
from neurocomp.cli.arguments import Build, Json, Python
from neurocomp.cli.console import OUT, Observe, note, progress, say, say_json
from neurocomp.cli.tables import accuracies, populations
from neurocomp.compile import Artifact, read, report
from neurocomp.errors import ArtifactError, MissingError
from neurocomp.run import Outcome, run
from neurocomp.samples import load_labels, load_samples
from neurocomp.verify import Report, to_json
from neurocomp.verify import verify as compare


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
    python: Python = None,
    json: Json = False,
) -> int:
    """Run the artifact's simulations and compare every spike with the integer oracle."""
    artifact = read(build)
    samples = load_samples(inputs, artifact.input_shape)
    classes = load_labels(labels, len(samples)) if labels else None
    samples, classes = samples[:limit], None if classes is None else classes[:limit]
    with progress(quiet=json) as observe:
        outcomes, missing = _simulate(artifact, backend, samples, python, observe)

        def rerun(name: str, sample: int) -> Outcome:
            one = samples[sample : sample + 1]
            return run(build, name, one, python=python, membranes=True)

        found = compare(
            artifact.program,
            samples,
            outcomes,
            artifact.ann(samples),
            classes,
            rerun=rerun,
            observe=observe,
        )
    path = write_report(build, {**report(build), "verify": to_json(found)})
    if json:
        say_json({**to_json(found), "not_run": missing})
    else:
        _print(artifact, found, missing, path)
    return 0 if found.exact else 1


def _simulate(
    artifact: Artifact,
    asked: list[str] | None,
    samples: Array,
    python: str | None,
    observe: Observe,
) -> tuple[dict[str, Outcome], dict[str, str]]:
    """Run each backend; one that nobody asked for by name and that is missing is left out."""
    outcomes: dict[str, Outcome] = {}
    missing: dict[str, str] = {}
    for name in asked or artifact.backends:
        try:
            outcomes[name] = run(artifact.folder, name, samples, python=python, observe=observe)
        except MissingError as error:
            if asked:
                raise
            missing[name] = str(error)
    if not outcomes:
        raise ArtifactError(
            str(artifact.folder), "none of its simulators is there", "\n".join(missing.values())
        )
    return outcomes, missing


def _print(artifact: Artifact, found: Report, missing: dict[str, str], path: Path) -> None:
    OUT.print(populations(found))
    OUT.print(accuracies(found))
    for name, check in found.backends.items():
        if check.mismatches:
            say(f"{name}: {check.mismatches:,} values differ, first {check.first_difference}")
    for error in missing.values():
        note(f"not run: {error}")
    edited = changed(artifact.folder, artifact.manifest)
    if edited:
        note(f"changed since it was compiled: {', '.join(edited)}")
    ran = " and ".join(found.backends)
    verdict = "exact" if found.exact else "NOT exact"
    compared = "every spike of every neuron equals the integer network's"
    say(f"compiled right? {verdict}" + (f": {ran}, {compared}" if found.exact else ""))
    say(f"artifact: {artifact.folder}, report: {path}")
