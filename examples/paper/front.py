"""Accuracy against operations on the LeNet: Fig. 1 and the operations of Fig. 5."""

from digits import MEMBRANE, settings, source
from section import Row, Rows, Section, millions, table

from neurocomp.readouts import ClockedSoftmax, EarlyExit, Membrane, Readout, SoftmaxSpikes

STEPS = 8
GOALS = ((0.1, 0.80), (1.0, 0.45))  # points more than the ANN, million operations
FRONT: dict[str, dict[str, object]] = {
    "paper: 99.9 % a layer, gate": {"half_threshold": False, "per": "layer"},
    "+ v_init = threshold / 2": {"per": "layer"},
    "+ 99.9 % a channel": {},
    "+ pool on accumulated drive": {"max_pool": "drive"},
    "+ ranges by least error": {"max_pool": "drive", "ranges": "error"},
    "99.9 % a channel, drive, bias corrected": {"max_pool": "drive", "correct": "bias"},
    "99.9 % a channel, drive, start corrected": {"max_pool": "drive", "correct": "potential"},
    "ranges by least error, drive, bias corrected": {
        "max_pool": "drive",
        "ranges": "error",
        "correct": "bias",
    },
    "ranges by least error, drive, start corrected": {
        "max_pool": "drive",
        "ranges": "error",
        "correct": "potential",
    },
    "+ ranges by least error at T = 4": {"max_pool": "drive", "ranges": "error", "steps": 4},
    "99.9 % a channel, drive, bias corrected at T = 4": {
        "max_pool": "drive",
        "correct": "bias",
        "steps": 4,
    },
    **{
        f"{ranges}, drive, start corrected at T = {t}": {
            "max_pool": "drive",
            **options,
            "correct": "potential",
            "steps": t,
        }
        for ranges, options in (
            ("99.9 % a channel", {}),
            ("ranges by least error", {"ranges": "error"}),
        )
        for t in (4, 6)
    },
    "max pool as ReLUs": {"max_pool": "relus"},
}
READ = "+ pool on accumulated drive"  # the row whose readouts are shown
READOUTS: dict[str, Readout] = {
    MEMBRANE: Membrane(),
    "Bernoulli of softmax(v)": SoftmaxSpikes(),
    "external clock, 0.3 a step": ClockedSoftmax(),
    "from step 2": Membrane(first=2),
    "from step 3": Membrane(first=3),
    **{f"early exit at margin {m:g}": EarlyExit(margin=m) for m in (0.5, 1.0, 2.0, 3.0, 4.0)},
}
PAPER = "paper: 99.9 % a layer, gate"  # the row of the paper's own settings


def page(rows: Rows) -> list[str]:
    """Write every row after each number of steps, what is least, and the readouts."""
    any_row = next(iter(rows.values()))
    lines = [
        "## Accuracy against operations",
        "",
        source(rows),
        "",
        f"The trained network: error {any_row['ann_error']:.2f} %, {any_row['ann_operations']:,} "
        "operations. The paper's LeNet: 1.07 M for 1.03 points more than its ANN, 3.03 M for 0.03.",
        "Of many settings the best one on the same digits looks better than it is: what is chosen",
        "on other digits stands in the next section.",
        "",
        "Error in % (million synaptic operations; in brackets borders ignored), argmax of v:",
        "",
    ]
    shown = range(1, STEPS + 1)
    cells = []
    for name, row in rows.items():
        each = row["readouts"][MEMBRANE]
        kinds = (each[k] for k in ("error", "operations", "operations_without_borders"))
        texts = [f"{e:.2f} ({millions(o)} [{millions(w)}])" for e, o, w in zip(*kinds, strict=True)]
        cells.append([name, *texts, *("",) * (len(shown) - len(texts))])
    lines += [*table(["", *(f"T = {t}" for t in shown)], cells), ""]
    for allowed, goal in GOALS:
        lines += [
            f"Fewest million operations for at most {allowed:g} points more than the ANN (the aim: "
            f"{goal:.2f}), without and with an early exit:",
            "",
        ]
        head = ["", "borders counted", "borders ignored", "early exit, borders counted"]
        lines += [*table(head, [_fewest(name, row, allowed) for name, row in rows.items()]), ""]
    return [*lines, *(readouts(rows[READ]) if READ in rows else [])]


def _fewest(name: str, row: Row, allowed: float) -> list[str]:
    each = least(row, allowed)
    plain = least(row, allowed, "operations_without_borders")
    columns = (
        [x for x in each if "early" not in x[1]],
        [x for x in plain if "early" not in x[1]],
        [x for x in each if "early" in x[1]],
    )
    best = (f"{millions(x[0][0])} ({x[0][1]})" if x else "not within these steps" for x in columns)
    return [name, *best]


def least(row: Row, allowed: float, key: str = "operations") -> list[tuple[float, str]]:
    """Give the fewest operations within `allowed` points of the ANN, of each readout, in order."""
    found = []
    for name, each in row["readouts"].items():
        steps = [
            (operations, t + 1)
            for t, (error, operations) in enumerate(zip(each["error"], each[key], strict=True))
            if error <= row["ann_error"] + allowed + 1e-9
        ]
        if steps:
            operations, t = min(steps)
            found.append((operations, f"{name}, T = {t}, {each['error'][t - 1]:.2f} %"))
    return sorted(found)


def readouts(row: Row) -> list[str]:
    """Write the readouts of one network."""
    lines = ["## Readouts", "", f"Of the row *{READ}*: error in % (million operations).", ""]
    cells = [
        [
            readout,
            *(
                f"{e:.2f} ({millions(o)})"
                for e, o in zip(each["error"], each["operations"], strict=True)
            ),
        ]
        for readout, each in row["readouts"].items()
    ]
    return [*lines, *table(["", *(f"T = {t}" for t in range(1, STEPS + 1))], cells), ""]


SECTION = Section(
    name="front",
    rows=lambda limit: settings("lenet", STEPS, FRONT, READOUTS, limit),
    page=page,
)
