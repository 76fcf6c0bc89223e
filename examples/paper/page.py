"""The page of all that is measured: docs/reference/paper.md."""

from pathlib import Path

from section import LADDER, OPERATIONS, RESULTS, TABLE, Line, commits, read, table
from sections import SECTIONS

PLACES = (TABLE, LADDER, OPERATIONS)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "paper.md"
HEAD = """\
# The paper's rows, measured here

    python examples/paper/all.py

measures every row of this page and writes it; only the paper's own figures, which are marked so,
are typed in. The LeNet and the binary networks are trained by `examples/paper/networks.py` (seed,
epochs and accuracy in the JSON beside each) and calibrated on 500 training images.

* *Synaptic operations*: one for each synapse of every spike that reaches the readout within T
  steps, a mean over the samples. Borders are counted exactly; beside it stands what the authors'
  toolbox would count, which ignores them and counts pooling as one. Analog input is in neither,
  as in the paper: it costs 172,800 operations once a digit for the LeNet.
* *T* counts the steps of the readout. A layer starts a step after the one before it, so a sample
  takes T + depth steps in all, and an early exit is counted as if what is under way is dropped.
* One standard deviation of an error of 0.5 % on 10,000 digits is 0.07 points.
* A star after a commit: sources differed from it when the row was measured.
"""


def page(folder: Path = RESULTS) -> str:
    """Give the page of the sections that are measured, from their results in `folder`."""
    measured = [(section, read(folder, section.name)) for section in SECTIONS]
    there = [(section, rows) for section, rows in measured if rows]
    head = ["in the paper", "", "the paper's figure", "ours", "measured on", "commit"]
    found = [(line, commits(rows)) for section, rows in there for line in section.lines(rows)]
    cells = [
        [line.where, line.what, line.paper, line.ours, line.on, commit]
        for line, commit in sorted(found, key=lambda each: _place(each[0]))
    ]
    lines = [HEAD, "## The paper's figures beside ours", "", *table(head, cells), ""]
    for section, rows in there:
        lines += section.page(rows)
    return "\n".join(lines).rstrip() + "\n"


def _place(line: Line) -> int:
    return PLACES.index(line.where) if line.where in PLACES else len(PLACES)
