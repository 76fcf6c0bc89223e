"""Tables for people."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from neurocomp.mapping.utilisation import Utilisation
from neurocomp.precision import Precision


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Give a table; a column whose name starts with `#` is of numbers."""
    made = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for name in columns:
        right = name.startswith("#")
        made.add_column(
            name.removeprefix("#"), justify="right" if right else "left", overflow="fold"
        )
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value).replace("[", r"\[")


def precision(layers: Sequence[Precision]) -> Table:
    """Give one row a layer: what its numbers cost, and its membrane against its bits."""
    bounded = any(p.overflowed is not None for p in layers)
    rows = (
        (
            p.name,
            f"{p.weight_bits} x 2^{', '.join(map(str, p.exponents))}" if p.exponents else None,
            _decibels(p.weights_db),
            _decibels(p.drive_db),
            None if p.clipped is None else f"{p.clipped:.2%}",
            f"{p.proved_bits} of {p.state_bits}",
            None if p.peak is None else f"{p.peak / (2 ** (p.state_bits - 1) - 1):.1%}",
            *([] if not bounded else ["" if p.overflowed is None else f"{p.overflowed:.3%}"]),
        )
        for p in layers
    )
    columns = [
        *("layer", "#weight bits", "#weights\ndB", "#drive\ndB", "#clipped"),
        *("#membrane\nbits, proved", "#peak of\nstate"),
        *(["#sums\npast it"] if bounded else []),
    ]
    return table("signal to quantization noise, and the membrane", columns, rows)


def overflows(layers: Sequence[Precision], overflow: str) -> str:
    """Say what membranes do that may leave their bits, and where they did most."""
    measured = [p for p in layers if p.overflowed is not None]
    worst = max(measured, key=lambda p: p.overflowed or 0.0, default=None)
    what = {"saturate": "saturate", "wrap": "wrap around"}.get(overflow, overflow)
    if worst is None or not worst.overflowed:
        return f"membranes {what}, none did on the samples"
    return (
        f"membranes of {worst.state_bits} bits {what}: most in {worst.name}, "
        f"{worst.overflowed:.3%} of its sums on the samples"
    )


def _decibels(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def counted(number: int, what: str) -> str:
    """Write a number of things, `1 core` or `2 cores`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def utilisation(used: Utilisation) -> Table:
    """Give what the fullest core uses of each resource, and the sum over all cores used."""
    rows = (
        (
            f"{name} (binds)" if name == used.binding else name,
            usage.used,
            usage.limit,
            f"{usage.share:.0%}" if usage.limit else None,
            usage.total,
        )
        for name, usage in used.resources.items()
    )
    columns = ["resource", "#fullest core", "#limit", "#share", "#all cores"]
    return table("utilisation", columns, rows)
