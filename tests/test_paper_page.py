"""The page of the paper's rows is what its results give."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAKE = "import sys; sys.path[:0] = ['examples/paper']; from page import page; print(page(), end='')"


def test_the_page_holds_what_was_measured() -> None:
    asked = [sys.executable, "-c", MAKE]
    made = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert made == (ROOT / "docs" / "reference" / "paper.md").read_text(), (
        "python examples/paper/all.py --page"
    )
