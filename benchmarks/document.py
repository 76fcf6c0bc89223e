"""A page of the documentation of which benchmarks write a section each."""

from pathlib import Path

PERFORMANCE = Path(__file__).parents[1] / "docs" / "reference" / "performance.md"


def write_section(name: str, text: str, page: Path = PERFORMANCE) -> None:
    """Put `text` where the page has `<!-- name -->` and `<!-- end of name -->`.

    Raises ValueError where it has not both.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page}: has no {begin} with {end} after it")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
