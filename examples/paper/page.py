"""Write docs/reference/paper.md from the measured results in results/.

python examples/paper/page.py
"""

import json
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "paper.md"
MEMBRANE = "argmax of v"
BINARY = {
    "heaviside": "BinaryNet, Heaviside neurons",
    "sign": "BinaryNet, sign neurons",
    "binary": "BinaryConnect, ReLU",
    "heaviside-fashion": "BinaryNet, Heaviside neurons, Fashion-MNIST",
    "sign-fashion": "BinaryNet, sign neurons, Fashion-MNIST",
    "binary-fashion": "BinaryConnect, ReLU, Fashion-MNIST",
}
HEAD = """\
# The paper's rows, measured here

Everything on this page was measured by `python examples/paper/measure.py` on the MNIST test
digits and written by `python examples/paper/page.py`; only the paper's own figures, which are
marked so, are typed in. The networks are trained by `examples/paper/networks.py` (seed, epochs
and accuracy in the JSON beside each). Calibration: {calibration} training digits.

* *Synaptic operations*: one for each synapse of every spike that reaches the readout within T
  steps, a mean over the digits. Borders are counted exactly; beside it stands what the authors'
  toolbox would count, which ignores them and counts pooling as one. Analog input is in neither,
  as in the paper: it costs 172,800 operations once a digit for the LeNet.
* *T* counts the steps of the readout. A layer starts a step after the one before it, so a digit
  takes T + depth steps in all, and an early exit is counted as if what is under way is dropped.
* Of many settings the best one on the same digits looks better than it is.
* One standard deviation of an error of 0.5 % on 10,000 digits is 0.07 points.
"""


def results(name: str) -> dict:
    """Read one section."""
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def cells(*values: object) -> str:
    return "| " + " | ".join(str(v) for v in values) + " |"


def table(head: list[object], rows: list[list[object]]) -> list[str]:
    """Write a table."""
    return [cells(*head), cells(*("---" for _ in head)), *(cells(*row) for row in rows)]


def millions(operations: float) -> str:
    return f"{operations / 1e6:.2f}"


def source(found: dict) -> str:
    """Say how many digits, and of which commit."""
    return f"{found['digits']:,} digits, commit {found['commit']}."


def ladder() -> list[str]:
    """Write Fig. 2's ladder."""
    found = results("ladder")
    shown = (4, 6, 8, 12, 16, 20)
    lines = ["## The ladder of Fig. 2", "", source(found), ""]
    lines += [
        "The paper's, on its CIFAR-10 network: none 83.50, max-norm 40.18, + reset by subtraction",
        "20.50, + analog input 16.40, + 99.9 % 12.18, ANN 12.14. Ours, on the LeNet of the paper's",
        "shape; every rung keeps those above it. Error, %:",
        "",
    ]
    for readout in (MEMBRANE, "Bernoulli of softmax(v)"):
        rows = [
            [name, *(f"{row['readouts'][readout]['error'][t - 1]:.2f}" for t in shown)]
            for name, row in found["rows"].items()
        ]
        ann = next(iter(found["rows"].values()))["ann_error"]
        lines += [f"Readout: {readout}; ANN {ann:.2f} %.", ""]
        lines += [*table(["", *(f"T = {t}" for t in shown)], rows), ""]
    return lines


def least(row: dict, allowed: float, key: str = "operations") -> list[tuple[float, str]]:
    """Give the fewest operations within `allowed` points of the ANN, of each readout."""
    found = []
    for name, curve in row["readouts"].items():
        steps = [
            (operations, t + 1)
            for t, (error, operations) in enumerate(zip(curve["error"], curve[key], strict=True))
            if error <= row["ann_error"] + allowed + 1e-9
        ]
        if steps:
            operations, t = min(steps)
            found.append((operations, f"{name}, T = {t}, {curve['error'][t - 1]:.2f} %"))
    return sorted(found)


def front() -> list[str]:
    """Write accuracy against operations."""
    found = results("front")
    any_row = next(iter(found["rows"].values()))
    lines = [
        "## Accuracy against operations",
        "",
        source(found),
        "",
        f"The trained network: error {any_row['ann_error']:.2f} %, {any_row['ann_operations']:,} "
        "operations. The paper's LeNet: 1.07 M for 1.03 points more than its ANN, 3.03 M for 0.03.",
        "",
        "Error in % (million synaptic operations; in brackets borders ignored), argmax of v:",
        "",
    ]
    shown = range(1, 9)
    rows = []
    for name, row in found["rows"].items():
        curve = row["readouts"][MEMBRANE]
        points = zip(
            curve["error"],
            curve["operations"],
            curve["operations_without_borders"],
            strict=True,
        )
        texts = [f"{e:.2f} ({millions(o)} [{millions(w)}])" for e, o, w in points]
        rows.append([name, *texts, *("",) * (len(shown) - len(texts))])
    lines += [*table(["", *(f"T = {t}" for t in shown)], rows), ""]
    for allowed, bar in ((0.1, 0.80), (1.0, 0.45)):
        lines += [
            f"Fewest million operations for at most {allowed:g} points more than the ANN (the aim: "
            f"{bar:.2f}), without and with an early exit:",
            "",
        ]
        rows = []
        for name, row in found["rows"].items():
            each = least(row, allowed)
            fixed = [x for x in each if "early" not in x[1]]
            early = [x for x in each if "early" in x[1]]
            plain = [x for x in least(row, allowed, "operations_without_borders")]
            plain = [x for x in plain if "early" not in x[1]]
            rows.append([name, *(_best(x) for x in (fixed, plain, early))])
        head = ["", "borders counted", "borders ignored", "early exit, borders counted"]
        lines += [*table(head, rows), ""]
    return lines


def _best(found: list[tuple[float, str]]) -> str:
    return f"{millions(found[0][0])} ({found[0][1]})" if found else "not within these steps"


def readouts() -> list[str]:
    """Write the readouts, on one network."""
    found = results("front")
    name = "+ pool on accumulated drive"
    row = found["rows"][name]
    lines = ["## Readouts", "", f"Of the row *{name}*: error in % (million operations).", ""]
    rows = [
        [
            readout,
            *(
                f"{e:.2f} ({millions(o)})"
                for e, o in zip(curve["error"], curve["operations"], strict=True)
            ),
        ]
        for readout, curve in row["readouts"].items()
    ]
    return [*lines, *table(["", *(f"T = {t}" for t in range(1, 9))], rows), ""]


def plain(name: str, title: str, text: str) -> list[str]:
    """Write a section of settings with one readout."""
    found = results(name)
    lines = [f"## {title}", "", source(found), "", text, ""]
    (readout,) = next(iter(found["rows"].values()))["readouts"]
    length = len(next(iter(found["rows"].values()))["readouts"][readout]["error"])
    shown = [t for t in (1, 2, 4, 6, 8, 10, 12, 16) if t <= length]
    rows = []
    for key, row in found["rows"].items():
        curve = row["readouts"][readout]
        rows.append(
            [
                key,
                *(
                    f"{curve['error'][t - 1]:.2f} ({millions(curve['operations'][t - 1])})"
                    for t in shown
                ),
            ]
        )
    return [*lines, *table(["", *(f"T = {t}" for t in shown)], rows), ""]


def binary() -> list[str]:
    """Write the networks of low precision."""
    found = results("binary")
    lines = [
        "## Binary networks",
        "",
        source(found),
        "",
        "The first three on MNIST, the others on the 10,000 test images of Fashion-MNIST.",
        "Binary weights, trained with a straight-through estimator; no normalisation and T = 1",
        "where the neurons are binary, too. The paper's BinaryNet repeats the same binary network",
        "in every step; with the membrane as readout one step is enough.",
        "",
    ]
    rows = []
    for name, row in found["rows"].items():
        for t in (1, 4, 8):
            if t <= len(row["error"]):
                same = f"{row['same_class_as_ann'][t - 1]:,} of {found['digits']:,}"
                operations = f"{row['operations'][t - 1]:,} ({row['ann_operations']:,})"
                rows.append(
                    [BINARY[name], t, row["error"][t - 1], row["ann_error"], same, operations]
                )
    head = ["", "T", "error, %", "ANN, %", "the ANN's class", "operations (the ANN's)"]
    return [*lines, *table(head, rows), ""]


def main() -> None:
    """Write the page of the sections that are there."""
    sections = {
        "ladder": ladder,
        "front": lambda: front() + readouts(),
        "gates": lambda: plain(
            "gates",
            "Max pooling gates",
            "A range a channel, v_init = threshold / 2: error in % (million operations).",
        ),
        "clamp": lambda: plain(
            "clamp",
            "Voltage clamp",
            "Steps that each layer waits longer than the one before, v_init = 0, gates: error in % "
            "(million operations).",
        ),
        "binary": binary,
    }
    lines = [HEAD.format(calibration=500)]
    for name, section in sections.items():
        if (HERE / "results" / f"{name}.json").is_file():
            lines += section()
    PAGE.write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
