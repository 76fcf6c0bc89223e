"""`neurocomp setup` and `neurocomp doctor`: the interpreters that run artifacts."""

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer

from neurocomp.backends import backend, names
from neurocomp.cli.arguments import Json
from neurocomp.cli.console import progress, say, say_json
from neurocomp.cli.console import show as show_table
from neurocomp.cli.tables import table
from neurocomp.engine import Engine, active
from neurocomp.errors import BackendError
from neurocomp.simulation import find_python
from neurocomp.simulation import setup as make

PACKAGES = ("neurocomp", "numpy", "scipy", "networkx", "onnx", "onnxruntime", "brian2")


def setup(
    name: Annotated[str, typer.Argument(metavar="BACKEND", help="lava, brian2 or sanafe")],
) -> int:
    """Make the private environment that runs a backend's artifacts; once is enough."""
    chosen = backend(name)
    with progress() as observe:
        python = make(chosen, observe)
    say(f"{chosen.simulator.title} runs with {python}")
    return 0


def doctor(json: Json = False) -> int:
    """Say what is there and what is missing."""
    packages = {name: _version(name) for name in PACKAGES}
    backends = {name: _backend(name) for name in names()}
    engine = _engine()
    missing = [n for n, v in packages.items() if v is None]
    ok = not missing and all(b["python"] or not b["wanted"] for b in backends.values())
    if json:
        say_json(
            {
                "ok": ok,
                "python": sys.version,
                "packages": packages,
                "backends": backends,
                "engine": {"name": engine.name, "level": engine.level, "lost": engine.lost},
            }
        )
        return 0 if ok else 1
    rows = [("python", sys.version.split()[0], "")]
    rows += [(n, v or "missing", "" if v else f"pip install {n}") for n, v in packages.items()]
    rows.append(("engine", f"{engine.name} {engine.level}", engine.lost))
    rows += [(f"backend {n}", _state(b), b["python"] or b["problem"]) for n, b in backends.items()]
    show_table(table("doctor", ["what", "found", "where, or what to do"], rows))
    return 0 if ok else 1


def _engine() -> Engine:
    try:
        return active()
    except BackendError as error:  # the compiled kernel is another version's
        return Engine(name="stale", level="", lost=f"{error.wrong} ({error.remedy})")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _backend(name: str) -> dict[str, Any]:
    chosen = backend(name)
    try:
        found = {"python": find_python(chosen), "problem": ""}
    except BackendError as error:
        found = {"python": "", "problem": error.remedy}
    return {**found, "wanted": chosen.simulator.wanted}


def _state(found: dict[str, Any]) -> str:
    if found["python"]:
        return "ready"
    return "missing" if found["wanted"] else "missing, optional"
