"""The paper's three estimates of rates that gate a max pool, on the LeNet."""

from digits import MEMBRANES, plain, settings
from section import Rows, Section

GATES = {
    "online average": {"max_pool": "average"},
    "exponential average": {"max_pool": "exponential"},
    "FIR filter": {"max_pool": "fir"},
}


def page(rows: Rows) -> list[str]:
    """Write errors and operations."""
    text = "A range a channel, v_init = threshold / 2: error in % (million operations)."
    return plain(rows, "Max pooling gates", text)


SECTION = Section(
    name="gates", rows=lambda limit: settings("lenet", 16, GATES, MEMBRANES, limit), page=page
)
