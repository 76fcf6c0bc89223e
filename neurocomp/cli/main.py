"""The application: its commands, and how an error becomes an exit code.

0 done, 1 checked and found wrong, 2 the input cannot be used.
"""

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer

from neurocomp.cli.console import note, say, say_error
from neurocomp.errors import NeurocompError

# Name, function below `neurocomp.cli`, and the first line of its docstring. Only the command that
# is asked for is imported: help and version need none, and some import seconds' worth.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    (
        "check",
        "check.check",
        "Say of every node whether it is supported, rewritten or unsupported, why, and what to do.",
    ),
    (
        "map",
        "map.map_",
        "Say whether a network fits a chip, on how many cores, what binds, and what it costs.",
    ),
    ("compile", "compile.compile_", "Compile a trained network for a chip and write the artifact."),
    ("run", "run.run", "Run one of the artifact's simulations and write every spike."),
    (
        "verify",
        "verify.verify",
        "Run the artifact's simulations and compare every spike with the integer network's.",
    ),
    (
        "evaluate",
        "evaluate.evaluate",
        "Measure a converted network on a data set: an artifact, or a model with these options.",
    ),
    (
        "tune",
        "tune.tune",
        "Search percentiles, passes, steps and bits of weights; give the front of error and cost.",
    ),
    (
        "sweep",
        "sweep.sweep",
        "Measure accuracy against the bits of a weight, in the target's numbers.",
    ),
    ("show", "show.show", "Show what an artifact, a model or a target holds."),
    ("list", "listing.list_", "List what there is, a line each."),
    (
        "setup",
        "environments.setup",
        "Make the private environment that runs a backend's artifacts; once is enough.",
    ),
    ("doctor", "environments.doctor", "Say what is there and what is missing."),
)
CANNOT = 2  # the exit code for input that cannot be used
HELP = """Put a trained network on a neuromorphic chip, and prove that the result does what it does.

    neurocomp compile model.onnx --target loihi1 --samples x.npz -o build

    neurocomp verify build --inputs x.npz
"""


def application(asked: str | None) -> typer.Typer:
    """Give the application with the command `asked` for; the others have their help alone."""
    app = typer.Typer(
        name="neurocomp",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for name, home, summary in COMMANDS:
        app.command(name, help=summary)(_guarded(command(home)) if name == asked else _not_asked)
    return app


def command(home: str) -> Callable[..., int]:
    """Import a command by what COMMANDS says of it, and give its function."""
    module, _, function = home.partition(".")
    found: Callable[..., int] = getattr(import_module(f"neurocomp.cli.{module}"), function)
    return found


def _not_asked() -> None:
    """Stand for a command that does not run."""


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
        # no option before the command takes a value
        asked = next((a for a in given if not a.startswith("-")), None)
        application(asked)(given, prog_name="neurocomp")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
