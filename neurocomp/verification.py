"""Verify an artifact: run its simulations, and compare them with the integer network."""

from collections.abc import Sequence

import numpy as np

from neurocomp.arrays import Array
from neurocomp.build import Artifact
from neurocomp.comparison import Reference, Report, compare
from neurocomp.errors import ArtifactError, MissingError, ModelError
from neurocomp.observe import Observe
from neurocomp.samples import check_samples
from neurocomp.simulation import Outcome, run


def verify(
    artifact: Artifact,
    samples: Array,
    labels: Array | None = None,
    backends: Sequence[str] | None = None,
    *,
    python: str | None = None,
    reference: Reference = "engine",
    observe: Observe = lambda what, done, total: None,
) -> Report:
    """Simulate `samples`, (samples, *input shape), and compare every spike; `labels` are classes.

    What they are compared with comes from the engine, or from the oracle, which takes its time.
    Backends whose simulator is missing are named in the report's `not_run`, unless they were asked
    for: then, and where none is left, MissingError or ArtifactError is raised.
    """
    checked = check_samples(np.asarray(samples), artifact.input_shape, "samples")
    if labels is not None and len(labels) != len(checked):
        raise ModelError("labels", f"are {len(labels)}, the samples {len(checked)}")
    outcomes: dict[str, Outcome] = {}
    missing: dict[str, str] = {}
    for name in backends or artifact.backends:
        try:
            outcomes[name] = run(artifact, name, checked, python=python, observe=observe)
        except MissingError as error:
            if backends:
                raise
            missing[name] = str(error)
    if not artifact.backends and not backends:
        wrong = "holds no simulation of the whole network, it is too large for that"
        raise ArtifactError(str(artifact.folder), wrong, "verify it core by core, --by-core")
    if not outcomes:
        wrong = "none of its simulators is there"
        raise ArtifactError(str(artifact.folder), wrong, "; ".join(missing.values()))

    def again(name: str, sample: int) -> Outcome:
        one = checked[sample : sample + 1]
        return run(artifact, name, one, python=python, membranes=True)

    return compare(
        artifact.program,
        checked,
        outcomes,
        artifact.ann(checked),
        labels,
        not_run=missing,
        rerun=again,
        reference=reference,
        observe=observe,
    )
