"""The application: its commands, and how an error becomes an exit code.

0 done, 1 checked and found wrong, 2 the input cannot be used.
"""

import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Annotated, Any

import typer

from neurocomp.cli.check import check
from neurocomp.cli.compile import compile_
from neurocomp.cli.console import note, say, say_error
from neurocomp.cli.environments import doctor, setup
from neurocomp.cli.evaluate import evaluate
from neurocomp.cli.listing import list_
from neurocomp.cli.map import map_
from neurocomp.cli.run import run
from neurocomp.cli.show import show
from neurocomp.cli.sweep import sweep
from neurocomp.cli.tune import tune
from neurocomp.cli.verify import verify
from neurocomp.errors import NeurocompError

COMMANDS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("check", check),
    ("map", map_),
    ("compile", compile_),
    ("run", run),
    ("verify", verify),
    ("evaluate", evaluate),
    ("tune", tune),
    ("sweep", sweep),
    ("show", show),
    ("list", list_),
    ("setup", setup),
    ("doctor", doctor),
)
CANNOT = 2  # the exit code for input that cannot be used
HELP = """Put a trained network on a neuromorphic chip, and prove that the result does what it does.

    neurocomp compile model.onnx --target loihi1 --samples x.npz -o build

    neurocomp verify build --inputs x.npz
"""


def application() -> typer.Typer:
    """Give the application with all its commands."""
    app = typer.Typer(
        name="neurocomp",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for name, command in COMMANDS:
        app.command(name)(_guarded(command))
    return app


def _show_version(asked: bool) -> None:
    if asked:
        say(f"neurocomp {version('neurocomp')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say it.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""


def _guarded(command: Callable[..., int]) -> Callable[..., None]:
    """Let `command` end in an exit code whatever happens that a user can act on."""

    @wraps(command)
    def guarded(**given: Any) -> None:
        try:
            code = command(**given)
        except NeurocompError as error:
            say_error(error, bool(given.get("json")))
            code = CANNOT
        except KeyboardInterrupt:
            note("interrupted: nothing was written")
            code = CANNOT
        raise typer.Exit(code)

    return guarded


def main(arguments: list[str] | None = None) -> int:
    """Run the command line on `arguments`, or the process's, and give the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        application()(given, prog_name="neurocomp")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
