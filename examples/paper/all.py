"""Measure every row of the paper, and write docs/reference/paper.md.

    python examples/paper/all.py [section ...]

Every row that was measured is kept in results/ at once, with its commit: a run that was interrupted
goes on where it stopped, at the same commit. Rows of another commit are measured anew, unless
`--keep` asks for what is missing only; `--page` measures nothing and writes the page.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from page import PAGE, page
from section import RESULTS, Section, read, write
from sections import SECTIONS

HERE = Path(__file__).parent


def main() -> None:
    """Measure the sections that are named, or all, and write the page."""
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="section")
    parser.add_argument("--limit", type=int, help="a trial: so many samples, nothing is kept")
    parser.add_argument("--keep", action="store_true", help="rows of other commits, too")
    parser.add_argument("--page", action="store_true", help="only write the page")
    parser.epilog = f"sections: {', '.join(names)}"
    given = parser.parse_args()
    unknown = [name for name in given.sections if name not in names]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such section (there are {', '.join(names)})")
    if given.limit is not None and given.limit < 1:
        parser.error(f"--limit: is {given.limit}, at least 1 is needed")
    chosen = [s for s in SECTIONS if not given.page and s.name in (given.sections or names)]
    if given.limit is not None:
        with tempfile.TemporaryDirectory() as folder:
            for section in chosen:
                measure(section, Path(folder), given.limit, keep=False)
            print(page(Path(folder)), end="")
        return
    for section in chosen:
        measure(section, RESULTS, None, keep=given.keep)
    PAGE.write_text(page())
    say(f"written: {PAGE.relative_to(HERE.parents[1])}")


def measure(section: Section, folder: Path, limit: int | None, *, keep: bool) -> None:
    """Measure the rows of `section` that `folder` does not hold, each kept when it is done."""
    known, todo, current = read(folder, section.name), section.rows(limit), commit()
    rows = {name: row for name, row in known.items() if name in todo}
    for place, (name, measured) in enumerate(todo.items(), start=1):
        where = f"{section.name} {place} of {len(todo)}, {name}"
        if name in rows and (keep or rows[name]["commit"] == current):
            say(f"{where}: kept, commit {rows[name]['commit']}")
            continue
        say(f"{where}...")
        start = time.perf_counter()
        rows[name] = {"commit": current, **measured()}
        write(folder, section.name, {n: rows[n] for n in todo if n in rows})
        say(f"{where}: {time.perf_counter() - start:.0f} s")


def commit() -> str:
    """Give the commit that is checked out, with a star where sources differ from it."""

    def git(*arguments: str) -> str:
        asked = ["git", *arguments]
        return subprocess.run(asked, cwd=HERE, capture_output=True, text=True, check=True).stdout

    outputs = [f":!{path.relative_to(HERE.parents[1])}" for path in (RESULTS, PAGE)]
    root = git("rev-parse", "--show-toplevel").strip()
    changed = git("-C", root, "status", "--porcelain", "--", ".", *outputs)
    return git("rev-parse", "--short", "HEAD").strip() + ("*" if changed else "")


def say(line: str) -> None:
    """Show progress."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
