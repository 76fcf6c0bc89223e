"""The page of the paper's rows is what its results give, and how those are measured."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MAKE = "import sys; sys.path[:0] = ['examples/paper']; from page import page; print(page(), end='')"


def test_the_page_holds_what_was_measured() -> None:
    asked = [sys.executable, "-c", MAKE]
    made = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert made == (ROOT / "docs" / "reference" / "paper.md").read_text(), (
        "python examples/paper/all.py --page"
    )


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give examples/paper/all.py."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "paper"))
    return importlib.import_module("all")


def test_a_run_that_was_interrupted_goes_on_at_the_same_commit(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def measured(name: str, *, fails: bool) -> dict[str, object]:
        if fails:
            raise KeyboardInterrupt
        done.append(name)
        return {"error": 1.0}

    def section(*, fails: bool) -> Any:
        rows = {
            "a": lambda: measured("a", fails=False),
            "b": lambda: measured("b", fails=fails),
        }
        return example.Section(name="made", rows=lambda limit: rows, page=lambda rows: [])

    monkeypatch.setattr(example, "commit", lambda: "abc")
    with pytest.raises(KeyboardInterrupt):
        example.measure(section(fails=True), tmp_path, None, keep=False)
    assert example.read(tmp_path, "made") == {"a": {"commit": "abc", "error": 1.0}}
    example.measure(section(fails=False), tmp_path, None, keep=False)
    assert done == ["a", "b"]
    monkeypatch.setattr(example, "commit", lambda: "def")
    example.measure(section(fails=False), tmp_path, None, keep=True)
    assert done == ["a", "b"], "rows of another commit are kept where that is asked for"
    example.measure(section(fails=False), tmp_path, None, keep=False)
    assert done == ["a", "b", "a", "b"], "else they are measured anew"
    assert {row["commit"] for row in example.read(tmp_path, "made").values()} == {"def"}


def test_a_choice_is_what_differs_least_that_the_budget_pays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "paper"))
    chosen = importlib.import_module("chosen")

    def row(differ: list[int], operations: list[float]) -> dict[str, object]:
        return {"readouts": {chosen.MEMBRANE: {"differ": differ, "operations": operations}}}

    curves = {
        "dear": row([10, 1], [4e5, 7.9e5]),  # more than 98 % of the budget
        "good": row([9, 5], [3e5, 6e5]),
        "same": row([8, 5], [3e5, 5e5]),
    }
    assert chosen.choose(curves, 0.8, early=False)[2:] == ("same", chosen.MEMBRANE, 2)
    assert chosen.choose(curves, 0.9, early=False)[2:] == ("dear", chosen.MEMBRANE, 2)
    assert chosen.choose(curves, 0.2, early=False) is None


def test_ranges_are_those_that_are_right_for_most_crops_of_all_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "paper"))
    network = importlib.import_module("efficientnet")

    def row(right: int) -> dict[str, object]:
        given = [[1] * right + [0] * (4 - right)]
        return {
            "labels": [1] * 4,
            "ann": [1] * 4,
            "classes": dict.fromkeys(network.READOUTS, given),
        }

    rows: dict[str, dict[str, object]] = {}
    for ranges, counts in zip(network.RANGES, ((4, 1), (2, 4), (3, 3), (4, 1)), strict=True):
        setting = network.named(network.CHOOSING, ranges)
        rows |= {f"{setting}; without {n}": row(count) for n, count in enumerate(counts)}
        rows[f"{setting}; photos 1 to 4"] = row(4 - counts[1])
    assert network.choose(rows) == "99.9 % a layer", "of the two with 6 crops the first"
    assert network.choose({}) is None
