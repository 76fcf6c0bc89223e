"""Compile the LeNet for Loihi 1, simulate what comes out in Brian2 and Lava, and check both.

    python examples/mnist/demo.py

These are the commands that you would type; each is shown before it runs.
"""

import shlex
import sys
from pathlib import Path

from neurocomp.cli import main

HERE = Path(__file__).parent
BUILD = HERE / "build"


def commands() -> tuple[tuple[str, ...], ...]:
    """Give the demo's command lines."""
    model, digits = str(HERE / "lenet.onnx"), str(HERE / "digits.npz")
    samples, build = str(HERE / "calibration.npz"), str(BUILD)
    return (
        ("setup", "lava"),
        ("compile", model, "--target", "loihi1", "--samples", samples, "-o", build),
        ("verify", build, "--inputs", digits, "--labels", digits, "--limit", "100"),
    )


def demo() -> int:
    """Run the commands one after the other; stop at the first that fails."""
    for command in commands():
        shown = [_shown(word) for word in command]
        print(f"\n$ neurocomp {shlex.join(shown)}", flush=True)
        code = main(list(command))
        if code:
            return code
    return 0


def _shown(word: str) -> str:
    path = Path(word)
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    return str(path.relative_to(Path.cwd())) if inside else word


if __name__ == "__main__":
    sys.exit(demo())
