"""Every mistake of the table is caught by the test that is named beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants import MUTANTS, PAGE, ROOT, Mutant, caught, page, passes, untried, workplace


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place_of_the_source(mutant: Mutant) -> None:
    assert (ROOT / "neurocomp" / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    file, name = mutant.test.split("::")
    assert f"def {name.split('[')[0]}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")


def test_the_page_shows_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()  # python tests/mutants.py --write


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with workplace() as made:
        yield made


@pytest.mark.slow
def test_without_a_mutant_the_tests_pass(place: Path) -> None:
    assert passes(place, *sorted({m.test for m in MUTANTS if not untried(m)}))


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant, place: Path) -> None:
    if why := untried(mutant):
        pytest.skip(why)
    assert caught(mutant, place)
