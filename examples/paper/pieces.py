"""Neurons that share the range of an activation, on the LeNet."""

from digits import MEMBRANES, plain, settings
from section import Rows, Section

STEPS = 16
PIECES = {
    f"{ranges}: {n} neuron{'s' if n > 1 else ''} an activation": {
        "max_pool": "drive",
        "pieces": n,
        **options,
    }
    for ranges, options in (
        ("99.9 %", {}),
        ("the greatest", {"percentile": 100.0}),
        ("twice the greatest", {"percentile": 100.0, "headroom": 2.0}),
    )
    for n in (1, 2, 3)
}


def page(rows: Rows) -> list[str]:
    """Write errors and operations."""
    text = (
        "Pooled drive, a range a channel; its parts are chosen for the least error of rounding: "
        "error in % (million operations)."
    )
    return plain(rows, "Neurons that share a range", text)


SECTION = Section(
    name="pieces", rows=lambda limit: settings("lenet", STEPS, PIECES, MEMBRANES, limit), page=page
)
