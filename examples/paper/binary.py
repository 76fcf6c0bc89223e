"""Networks of low precision, trained here: BinaryNet and BinaryConnect."""

from collections.abc import Callable

import numpy as np
from digits import FASHION, HERE, Digits, curve, facts, source
from section import OPERATIONS, TABLE, Line, Row, Rows, Section, table

from neurocomp.frontend.onnx import run_model
from neurocomp.readouts import Membrane

NAMES = {
    "heaviside": "BinaryNet, Heaviside neurons",
    "sign": "BinaryNet, sign neurons",
    "binary": "BinaryConnect, ReLU",
}
PAPER = {  # (error, %), (ANN), on its CIFAR-10 network of 1.234 G operations
    "heaviside": "12.55 (11.58) %",
    "sign": "11.75 (11.03) %",
    "binary": "16.65 (16.81) %",
}
PAPER_OPERATIONS = {  # those of the trained network, at how many points more error than its
    "heaviside": "0.38 x at +3.56, 4.9 x at +0.96",
    "sign": "1.0 x at +3.37, 14.9 x at +0.72",
    "binary": "1.5 x at +5.67, 8.9 x at -0.16",
}


def measured(name: str, limit: int | None) -> Row:
    """Compare a binary network's classes with its trained network's."""
    digits, integrates = Digits(name, limit), name.startswith("binary")
    options = {} if integrates else {"half_threshold": False, "ranges": "none"}
    found = digits.run(steps=8 if integrates else 1, **options)
    (ann,) = run_model(HERE / f"{name}.onnx", digits.x).values()
    same = found.curve.classes == np.argmax(ann, axis=1)[:, None]
    return {
        **facts(found),
        **curve(found, Membrane()),
        "same_class_as_ann": same.sum(axis=0).tolist(),
    }


def rows(limit: int | None) -> dict[str, Callable[[], Row]]:
    """Give what measures each network, those of MNIST first."""
    names = [name + data for data in ("", FASHION) for name in NAMES]
    return {name: lambda name=name: measured(name, limit) for name in names}


def title(name: str) -> str:
    """Name a network for people."""
    plain = NAMES[name.removesuffix(FASHION)]
    return f"{plain}, Fashion-MNIST" if name.endswith(FASHION) else plain


def page(rows: Rows) -> list[str]:
    """Write errors after some steps."""
    lines = [
        "## Binary networks",
        "",
        source(rows, "images"),
        "",
        "The first three on the test digits of MNIST, the others on the test images of",
        "Fashion-MNIST. Binary weights, trained with a straight-through estimator; no",
        "normalisation and T = 1 where the neurons are binary, too. The paper's BinaryNet repeats",
        "the same binary network in every step; with the membrane as readout one is enough.",
        "",
    ]
    cells = []
    for name, row in rows.items():
        for t in (t for t in (1, 4, 8) if t <= len(row["error"])):
            same = f"{row['same_class_as_ann'][t - 1]:,} of {row['samples']:,}"
            operations = f"{row['operations'][t - 1]:,} ({row['ann_operations']:,})"
            error = f"{row['error'][t - 1]:.2f}"
            cells.append([title(name), t, error, f"{row['ann_error']:.2f}", same, operations])
    head = ["", "T", "error, %", "ANN, %", "the ANN's class", "operations (the ANN's)"]
    return [*lines, *table(head, cells), ""]


def lines(rows: Rows) -> list[Line]:
    """Give Table 1's rows of low precision; ours are small networks of other data."""
    found = []
    for name, row in rows.items():
        plain = name.removesuffix(FASHION)
        data = "Fashion-MNIST images" if name.endswith(FASHION) else "MNIST digits"
        on = f"a small net, {row['samples']:,} {data} (paper: CIFAR-10)"
        error, steps = row["error"][-1], len(row["error"])
        found.append(
            Line(
                where=TABLE,
                what=f"{NAMES[plain]}, error (ANN)",
                paper=PAPER[plain],
                ours=f"{error:.2f} ({row['ann_error']:.2f}) %, T = {steps}",
                on=on,
            )
        )
        share = row["operations"][-1] / row["ann_operations"]
        found.append(
            Line(
                where=OPERATIONS,
                what=f"{NAMES[plain]}, operations of the ANN at points more than it",
                paper=PAPER_OPERATIONS[plain],
                ours=f"{share:.2f} x at {error - row['ann_error']:+.2f}, T = {steps}",
                on=on,
            )
        )
    return found


SECTION = Section(name="binary", rows=rows, page=page, lines=lines)
