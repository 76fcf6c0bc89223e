"""The ladder of Fig. 2: from no normalisation to the 99.9th percentile, on the LeNet."""

from itertools import pairwise

from digits import MEMBRANE, settings, source
from section import LADDER as FIGURE
from section import Line, Rows, Section, table

from neurocomp.readouts import Membrane, SoftmaxSpikes

STEPS = 20
SHOWN = (4, 6, 8, 12, 16, 20)
PLAIN = {"half_threshold": False, "per": "layer", "reset": "zero", "spikes": "poisson"}
SUBTRACT = {**PLAIN, "reset": "subtract"}
LADDER = {
    "none": {**PLAIN, "ranges": "none"},
    "max-norm": {**PLAIN, "percentile": 100.0},
    "+ reset by subtraction": {**SUBTRACT, "percentile": 100.0},
    "+ analog input": {**SUBTRACT, "percentile": 100.0, "spikes": "analog"},
    "+ 99.9 %": {**SUBTRACT, "spikes": "analog"},
}
PAPER = {  # error in %, on its CIFAR-10 network
    "none": 83.50,
    "max-norm": 40.18,
    "+ reset by subtraction": 20.50,
    "+ analog input": 16.40,
    "+ 99.9 %": 12.18,
}
READOUTS = {MEMBRANE: Membrane(), "Bernoulli of softmax(v)": SoftmaxSpikes()}


def page(rows: Rows) -> list[str]:
    """Write the ladder, and at which T every rung is lower than the one above."""
    cited = ", ".join(f"{name} {error:.2f}" for name, error in PAPER.items())
    lines = [
        "## The ladder of Fig. 2",
        "",
        source(rows),
        "",
        f"The paper's, on its CIFAR-10 network: {cited}, ANN 12.14.",
        "",
        "Ours, on the LeNet of the paper's shape; every rung keeps those above it. Error, %:",
        "",
    ]
    for readout in READOUTS:
        cells = [
            [name, *(f"{row['readouts'][readout]['error'][t - 1]:.2f}" for t in SHOWN)]
            for name, row in rows.items()
        ]
        ann = next(iter(rows.values()))["ann_error"]
        lines += [f"Readout: {readout}; ANN {ann:.2f} %.", ""]
        lines += [*table(["", *(f"T = {t}" for t in SHOWN)], cells), ""]
        if len(rows) == len(LADDER):
            lines += [*falling(rows, readout), ""]
    return lines


def falling(rows: Rows, readout: str) -> list[str]:
    """Say for which of all T every rung lowers the error, and where it first does not elsewhere."""
    steps = range(1, STEPS + 1)
    stops = {t: stop(rows, readout, t) for t in steps}
    falls = [t for t in steps if stops[t] is None]
    lines = ["It falls at every rung for " + (f"T = {spans(falls)}." if falls else "no T.")]
    for t in SHOWN:
        if stops[t] is not None:
            upper, lower, tied = stops[t]
            verb = "ties with" if tied else "is above"
            lines.append(f"At T = {t} *{lower}* {verb} *{upper}*.")
    return lines


def stop(rows: Rows, readout: str, t: int) -> tuple[str, str, bool] | None:
    """Give the first two rungs between which the error does not fall after `t` steps."""
    errors = {name: row["readouts"][readout]["error"][t - 1] for name, row in rows.items()}
    names = list(errors)
    for upper, lower in pairwise(names):
        if errors[lower] >= errors[upper]:
            return upper, lower, errors[lower] == errors[upper]
    return None


def spans(steps: list[int]) -> str:
    """Write rising numbers, neighbours as a span."""
    parts: list[list[int]] = []
    for t in steps:
        if parts and t == parts[-1][-1] + 1:
            parts[-1].append(t)
        else:
            parts.append([t])
    return ", ".join(f"{p[0]}" if len(p) == 1 else f"{p[0]} to {p[-1]}" for p in parts)


def lines(rows: Rows) -> list[Line]:
    """Give one line a rung, at the last T."""
    return [
        Line(
            where=FIGURE,
            what=f"{name}, error (ANN)",
            paper=f"{PAPER[name]:.2f} (12.14) %",
            ours=f"{row['readouts'][MEMBRANE]['error'][-1]:.2f} ({row['ann_error']:.2f}) %, "
            f"T = {STEPS}",
            on=f"LeNet, {row['samples']:,} MNIST digits (paper: CIFAR-10)",
        )
        for name, row in rows.items()
    ]


SECTION = Section(
    name="ladder",
    rows=lambda limit: settings("lenet", STEPS, LADDER, READOUTS, limit),
    page=page,
    lines=lines,
)
