"""Strict tables: what a key may hold, and an error that names file, key and both values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf

from neurocomp.errors import TargetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a file, and where it stands: `loihi1.toml: cores`."""

    where: str
    items: Mapping[str, object]

    def at(self, key: str) -> str:
        """Name one key of the table."""
        return f"{self.where}.{key}" if ": " in self.where else f"{self.where}: {key}"

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Raise TargetError at the first key that is not `known`."""
        names = tuple(known)
        for key in self.items:
            if key not in names:
                close = get_close_matches(key, names, 1)
                hint = f"did you mean {close[0]}? " if close else ""
                raise TargetError(
                    self.at(key), "is not a known key", f"{hint}known: {', '.join(names)}"
                )

    def refuse_missing(self, needed: Iterable[str]) -> None:
        """Raise TargetError at the first key that is `needed` and absent."""
        for key in needed:
            if key not in self.items:
                raise TargetError(self.at(key), "is missing", f"add {key} = ...")

    def text(self, key: str) -> str:
        """Give the text at `key`. Raises TargetError where it is empty or no text."""
        self.refuse_missing((key,))
        value = self.items[key]
        if not isinstance(value, str):
            raise TargetError(self.at(key), f"is {kind(value)}, a text is needed", 'write it "so"')
        if not value.strip():
            raise TargetError(self.at(key), "is empty", "write a text")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Give the text at `key`. Raises TargetError where it is not of `choices`."""
        value = self.text(key)
        if value not in choices:
            raise TargetError(self.at(key), f"is {value!r}", f"use one of {', '.join(choices)}")
        return value

    def whole(self, key: str, allowed: Whole) -> int:
        """Give the number at `key`. Raises TargetError where it is none, or out of range."""
        value = self.items[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TargetError(
                self.at(key), f"is {kind(value)}, a whole number is needed", "write digits only"
            )
        if not allowed.least <= value <= allowed.most:
            bound = ("least", allowed.least) if value < allowed.least else ("most", allowed.most)
            raise TargetError(
                self.at(key), f"is {value}, the {bound[0]} is {bound[1]}", "correct the number"
            )
        return value

    def wholes(self, key: str, allowed: Whole) -> tuple[int, ...]:
        """Give the list of numbers at `key`. Raises TargetError where it is none, or empty."""
        self.refuse_missing((key,))
        values = self.items[key]
        if not isinstance(values, list) or not values:
            wrong = f"is {kind(values)}, a list of whole numbers is needed"
            raise TargetError(self.at(key), wrong, "write [1, 2]")
        each = Table(where=self.at(key), items={str(n): v for n, v in enumerate(values)})
        return tuple(each.whole(name, allowed) for name in each.items)

    def real(self, key: str) -> float:
        """Give the number at `key`. Raises TargetError where it is none, or below 0."""
        value = self.items[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
            raise TargetError(
                self.at(key), f"is {kind(value)}, a number from 0 is needed", "correct it"
            )
        return float(value)

    def table(self, key: str) -> "Table":
        """Give the table at `key`. Raises TargetError where it is none."""
        self.refuse_missing((key,))
        value = self.items[key]
        if not isinstance(value, dict):
            raise TargetError(
                self.at(key), f"is {kind(value)}, a table is needed", f"write [{key}]"
            )
        return Table(where=self.at(key), items=value)


def kind(value: object) -> str:
    """Name a TOML value for an error: its type, and the value where it is short."""
    match value:
        case bool():
            return f"the truth value {str(value).lower()}"
        case int():
            return f"the number {value}"
        case float():
            return f"the number {value}"
        case str():
            return f"the text {value[:40]!r}"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"a table of {len(value)}"
    return f"a {type(value).__name__}"


def numbers(
    table: Table, schema: Mapping[str, Whole], others: tuple[str, ...] = ()
) -> tuple[dict[str, int], dict[str, str]]:
    """Give the numbers of `table` by key, and the source of each.

    `others` are known keys that hold no number and need a source as well. Raises TargetError.
    """
    table.refuse_unknown((*schema, *others, "source"))
    table.refuse_missing(key for key, allowed in schema.items() if allowed.required)
    found = {k: table.whole(k, schema[k]) for k in schema if k in table.items}
    return found, _sources(table, [k for k in table.items if k != "source"])


def reals(table: Table, known: Iterable[str]) -> tuple[dict[str, float], dict[str, str]]:
    """Give the numbers of `table` by key, each of them optional, and the source of each.

    Raises TargetError.
    """
    table.refuse_unknown((*known, "source"))
    keys = [key for key in table.items if key != "source"]
    return {key: table.real(key) for key in keys}, _sources(table, keys)


def _sources(table: Table, keys: list[str]) -> dict[str, str]:
    """Give each key's source: one text for the whole table, or a table with a text for each key."""
    if "source" not in table.items:
        raise TargetError(
            table.where, "has numbers without a source", 'add source = "where they are from"'
        )
    if isinstance(table.items["source"], str):
        return dict.fromkeys(keys, table.text("source"))
    each = table.table("source")
    each.refuse_unknown(keys)
    return {key: each.text(key) for key in keys}
