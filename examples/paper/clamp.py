"""The paper's voltage clamp, on the LeNet."""

from digits import MEMBRANES, plain, settings
from section import Rows, Section

CLAMPS = {f"{n} steps a layer": {"clamp": n, "half_threshold": False} for n in (0, 1, 2, 4)}


def page(rows: Rows) -> list[str]:
    """Write errors and operations."""
    text = (
        "Steps that each layer waits longer than the one before, v_init = 0, gates: "
        "error in % (million operations)."
    )
    return plain(rows, "Voltage clamp", text)


SECTION = Section(
    name="clamp", rows=lambda limit: settings("lenet", 12, CLAMPS, MEMBRANES, limit), page=page
)
