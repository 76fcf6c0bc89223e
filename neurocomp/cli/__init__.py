"""The command line: `neurocomp check | compile | run | verify | show | list | setup | doctor`."""

from neurocomp.cli.main import main

__all__ = ["main"]
