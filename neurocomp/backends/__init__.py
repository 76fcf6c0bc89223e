"""Backends: one folder each, found by listing this one; none imports its simulator.

A backend's package holds `SIMULATOR`, what its artifacts need to run, and `emit(program) -> Files`.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple

from neurocomp.artifact import Files
from neurocomp.backends.simulator import Simulator
from neurocomp.errors import UnsupportedError
from neurocomp.program import Program


class Backend(NamedTuple):
    """One backend."""

    name: str
    simulator: Simulator
    emit: Callable[[Program], Files]


def names() -> tuple[str, ...]:
    """List the backends."""
    found = files(__package__).iterdir()
    return tuple(
        sorted(f.name for f in found if f.is_dir() and f.joinpath("__init__.py").is_file())
    )


def wanted() -> tuple[str, ...]:
    """List the backends that serve where none is named."""
    return tuple(name for name in names() if backend(name).simulator.wanted)


def backend(name: str) -> Backend:
    """Give the backend called `name`. Raises UnsupportedError where there is none."""
    if name not in names():
        raise UnsupportedError(name, "is not a backend", f"use one of {', '.join(names())}")
    module = import_module(f"{__package__}.{name}")
    return Backend(name, module.SIMULATOR, module.emit)
