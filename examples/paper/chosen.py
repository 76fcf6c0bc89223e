"""The LeNet's front, chosen on held-out digits and then measured on the test digits: Figs. 1, 5.

`lenet-held-out` is trained on the first 50,000 training digits. On the other 10,000 a row of the
front, T and the readout are chosen by the rule of `choose`; the page shows what that choice, and
no other, does on the test digits.
"""

from collections.abc import Callable
from typing import Any

from digits import HELD_OUT, MEMBRANE, Digits, curve, facts
from front import FRONT, STEPS
from section import Line, Row, Rows, Section, commits, millions, table

from neurocomp.readouts import EarlyExit, Membrane, Readout

NAME = "lenet-held-out"
PARTS = (HELD_OUT, "test")
SLACK = 0.98  # of a budget is spent on the held-out digits: others may cost a little more
BUDGETS = (0.20, 0.30, 0.45, 0.60, 0.80, 1.00)  # million operations
GOALS = {0.80: 0.1, 0.45: 1.0}  # a budget, and the points above the ANN that it shall allow
READOUTS: dict[str, Readout] = {
    MEMBRANE: Membrane(),
    **{f"early exit at margin {m:g}": EarlyExit(margin=m) for m in (1.0, 2.0, 3.0, 4.0)},
}
Choice = tuple[float, float, str, str, int]  # error, operations, row, readout, T


def rows(limit: int | None) -> dict[str, Callable[[], Row]]:
    """Give what measures each row of the front, on the held-out digits and on the test digits."""

    def measured(options: dict[str, object]) -> Row:
        row: dict[str, Any] = {}
        for part in PARTS:
            found = Digits(NAME, limit, part).run(**options)
            each = {name: curve(found, readout) for name, readout in READOUTS.items()}
            row[part] = {**facts(found), "readouts": each}
        return row

    return {
        name: lambda options=options: measured({"steps": STEPS, **options})
        for name, options in FRONT.items()
    }


def choose(rows: Rows, budget: float, *, early: bool) -> Choice | None:
    """Give the least error on the held-out digits within `budget` million operations.

    Of equal ones the cheapest. Where not `early`, all samples run for T steps.
    """
    found = [
        (error, operations, name, readout, t)
        for name, row in rows.items()
        for readout, each in row[HELD_OUT]["readouts"].items()
        if early or readout == MEMBRANE
        for t, (error, operations) in enumerate(
            zip(each["error"], each["operations"], strict=True), start=1
        )
        if operations <= SLACK * budget * 1e6
    ]
    return min(found, default=None)


def tested(rows: Rows, choice: Choice) -> tuple[float, float]:
    """Give error and operations of a choice on the test digits."""
    _, _, name, readout, t = choice
    each = rows[name]["test"]["readouts"][readout]
    return each["error"][t - 1], each["operations"][t - 1]


def page(rows: Rows) -> list[str]:
    """Write one line for each budget."""
    first = next(iter(rows.values()))
    seen, test = first[HELD_OUT], first["test"]
    lines = [
        "## Chosen on held-out digits",
        "",
        f"Commit {commits(rows)}. A LeNet of the same shape, trained on 50,000 digits. For each",
        f"budget the row of the front, T and the readout of the least error on {seen['samples']:,}",
        f"other training digits (ANN: {seen['ann_error']:.2f} %) within {SLACK:.0%} of the budget",
        "are chosen, the cheaper one of equals; then that choice, and no other, is read on the",
        f"{test['samples']:,} test digits (ANN: {test['ann_error']:.2f} %). Error in % (million",
        "operations, borders counted).",
        "",
    ]
    head = ["budget", "chosen", "held-out", "test", "more than the ANN", "aim"]
    for early in (False, True):
        cells = []
        for budget in BUDGETS:
            choice = choose(rows, budget, early=early)
            if choice is not None:
                cells.append(_cells(rows, budget, choice, test["ann_error"]))
        lines += ["Every digit runs for T steps:" if not early else "An early exit is allowed:", ""]
        lines += [*table(head, cells), ""]
    return lines


def _cells(rows: Rows, budget: float, choice: Choice, ann: float) -> list[str]:
    seen, paid, name, readout, t = choice
    error, operations = tested(rows, choice)
    return [
        f"{budget:.2f}",
        f"{name}; {readout}, T = {t}",
        f"{seen:.2f} ({millions(paid)})",
        f"{error:.2f} ({millions(operations)})",
        f"{error - ann:+.2f}",
        f"at most +{GOALS[budget]:.1f}" if budget in GOALS else "",
    ]


def lines(rows: Rows) -> list[Line]:
    """Give the LeNet of Table 1 and of Figs. 1 and 5, at the budgets that there are aims for."""
    found = []
    papers = {0.80: "1.07 (1.04) %, 3.03 M", 0.45: "2.07 (1.04) %, 1.07 M"}
    for (budget, allowed), where in zip(
        GOALS.items(), ("Table 1, Fig. 5", "Figs. 1, 5"), strict=True
    ):
        choice = choose(rows, budget, early=False)
        if choice is None:
            continue
        error, operations = tested(rows, choice)
        test = rows[choice[2]]["test"]
        found.append(
            Line(
                where=where,
                what=f"LeNet, error (ANN) and operations (ANN: 2.35 M); aim: +{allowed:g} points, "
                f"{budget:.2f} M",
                paper=papers[budget],
                ours=f"{error:.2f} ({test['ann_error']:.2f}) %, {millions(operations)} M, "
                f"T = {choice[4]}",
                on=f"LeNet of the paper's shape, {test['samples']:,} MNIST test digits, chosen on "
                "others",
            )
        )
    return found


SECTION = Section(name="chosen", rows=rows, page=page, lines=lines)
