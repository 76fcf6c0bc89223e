"""A section of the page: how its rows are measured, and what is written of them.

A section is one file that gives a `Section`; `sections.py` names them all. What was measured of a
section lies in results/NAME.json: `{row: {"commit": ..., ...what its function gave...}}`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

Row = dict[str, Any]  # of JSON values
Rows = Mapping[str, Row]  # as they were measured, each with its "commit"


TABLE, LADDER, OPERATIONS = "Table 1", "Fig. 2", "Figs. 1, 4, 5: operations"  # of the paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table at the top of the page."""

    where: str  # one of the three above, in whose order the table stands, or else below them
    what: str
    paper: str  # its figure, with the unit
    ours: str
    on: str  # what ours was measured on


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section.

    `rows(limit)` gives every row's name and the function that measures it, on at most `limit`
    samples where that is not None; functions are called one by one, and what each gave is on disk
    before the next one starts. `page` and `lines` get what is measured so far, at least one row.
    """

    name: str  # of its results, and on the command line
    rows: Callable[[int | None], Mapping[str, Callable[[], Row]]]
    page: Callable[[Rows], list[str]]  # Markdown, from its heading on
    lines: Callable[[Rows], list[Line]] = lambda rows: []


def read(folder: Path, name: str) -> dict[str, Row]:
    """Give the rows of a section that are measured, none where there is no file."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def write(folder: Path, name: str, rows: Rows) -> None:
    """Write a section's rows, whole or not at all."""
    folder.mkdir(exist_ok=True)
    part = folder / f"{name}.part"
    part.write_text(json.dumps(rows) + "\n")
    part.replace(folder / f"{name}.json")


def commits(rows: Rows) -> str:
    """Name the commits that rows were measured at."""
    return ", ".join(dict.fromkeys(row["commit"] for row in rows.values()))


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> list[str]:
    """Write a table in Markdown."""
    head = list(head)
    return [_cells(head), _cells("---" for _ in head), *(_cells(row) for row in rows)]


def _cells(values: Iterable[object]) -> str:
    return "| " + " | ".join(str(v).replace("|", "\\|") for v in values) + " |"


def millions(operations: float) -> str:
    """Write millions, with two digits after the point."""
    return f"{operations / 1e6:.2f}"
