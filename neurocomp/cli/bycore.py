"""What `neurocomp verify --by-core` takes and says."""

from collections.abc import Sequence
from pathlib import Path

from neurocomp.backends import backend
from neurocomp.build import Artifact
from neurocomp.bycore import ENGINE, CoreReport
from neurocomp.cli.console import note, say
from neurocomp.cli.console import show as show_table
from neurocomp.cli.tables import counted, table
from neurocomp.errors import ModelError


def wanted_cores(given: Sequence[str], backends: Sequence[str]) -> dict[str, int | None]:
    """Read `40` and `lava=10`: blocks of each population, by backend; None stands for all.

    Raises ModelError for anything else.
    """
    found: dict[str, int | None] = dict.fromkeys(backends)
    for text in sorted(given, key=lambda t: "=" in t):  # what names a backend wins
        name, _, number = text.rpartition("=")
        if not number.isdecimal() or int(number) < 1:
            raise ModelError("--cores", f"is {text!r}", "give a number, 40, or lava=10")
        for each in [backend(name).name] if name else backends:
            found[each] = int(number)
    return found


def show_by_core(artifact: Artifact, found: CoreReport, path: Path) -> None:
    """Show how many blocks were run, and what differed."""
    names = found.backends
    rows = (
        (
            layer.name,
            layer.neurons,
            layer.blocks,
            *(n for name in names for n in (layer.run[name], layer.mismatches[name])),
        )
        for layer in found.layers
    )
    columns = [f"#{name}\n{what}" for name in names for what in ("run", "differ")]
    title = f"core by core: {counted(found.samples, 'sample')}, {found.steps} steps each"
    show_table(table(title, ["population", "#neurons", "#blocks", *columns], rows))
    for name, first in found.first.items():
        what = "the engine that recorded the spikes" if name == ENGINE else name
        say(f"{what}: {found.mismatches(name):,} neurons and steps differ, first {first}")
    for error in found.not_run.values():
        note(f"not run: {error}")
    for name in names:
        say(f"{name} ran {_of(found.run(name), found.blocks)}")
    say(f"compiled right? {_verdict(found)}")
    say(f"artifact: {artifact.folder}")
    say(f"report: {path}")


def _of(run: int, blocks: int) -> str:
    if run == blocks:
        return f"all {counted(blocks, 'block')}"
    return f"{run:,} of {counted(blocks, 'block')}, {run / blocks:.2%}"


def _verdict(found: CoreReport) -> str:
    if not found.exact:
        return "NOT exact"
    if all(found.run(name) == found.blocks for name in found.backends):
        return (
            "exact: every spike and membrane of every block is right on the right spikes of its "
            "sources, and so is the network"
        )
    return (
        "exact, of the blocks that were run: every spike and membrane is right on the right "
        "spikes of their sources (--cores runs more)"
    )
