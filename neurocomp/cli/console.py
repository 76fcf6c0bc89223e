"""Where the command line writes: results to stdout, progress and errors to stderr."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from neurocomp.errors import NeurocompError
from neurocomp.observe import Observe

PIPED_COLUMNS = 120  # of a table that does not go to a terminal
OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Observe]:
    """Give a function (what, done, total) that draws a bar for each `what` while the block runs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=ERR, transient=True, disable=quiet) as bars:
        tasks: dict[str, Any] = {}

        def observe(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield observe


def show(table: Table) -> None:
    """Write a table, as wide as the terminal, or as a file can take it."""
    console = OUT if OUT.is_terminal else Console(highlight=False, width=PIPED_COLUMNS)
    console.print(table)


def say(text: str) -> None:
    """Write a line of a result; the text is not markup."""
    OUT.print(text, markup=False, soft_wrap=True)


def note(text: str) -> None:
    """Write a remark to stderr."""
    ERR.print(text, markup=False, soft_wrap=True)


def say_json(value: Any) -> None:
    """Write one JSON object to stdout."""
    OUT.out(json.dumps(value, indent=2), highlight=False)


def say_error(error: NeurocompError, as_json: bool) -> None:
    """Write an error: to stderr for people, as an object to stdout for programs."""
    if as_json:
        parts = {"where": error.where, "wrong": error.wrong, "remedy": error.remedy}
        say_json({"error": {"kind": type(error).__name__, **parts}})
    else:
        ERR.print("[bold red]error:[/] ", end="")
        note(str(error))
