"""The command line: `neurocomp check`, `compile`, `run`, `verify`, `evaluate` and others."""

from neurocomp.cli.main import main

__all__ = ["main"]
