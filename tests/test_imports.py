"""What is imported when: nothing by `import neurocomp`, one command by the command line."""

import inspect
import json
import subprocess
import sys

import pytest

from neurocomp.cli.main import COMMANDS, command

HEAVY = {
    "brian2",
    "matplotlib",
    "networkx",
    "numba",
    "numpy",
    "onnx",
    "onnxruntime",
    "ortools",
    "pymetis",
    "scipy",
    "torch",
}
SIMULATORS = {"brian2", "lava", "nengo", "nengo_loihi", "sanafe", "torch"}


def loaded_by(program: str) -> set[str]:
    """Give the packages that a fresh interpreter has imported after `program`."""
    say = "import json, sys; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{say}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def command_line(*arguments: str) -> str:
    return f"from neurocomp.cli import main\nmain({list(arguments)!r})"


def test_importing_the_package_imports_nothing() -> None:
    found = loaded_by("import neurocomp")
    assert found & (HEAVY | {"typer", "rich"}) == set()
    assert "neurocomp" in found


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("nosuch",)])
def test_the_command_line_imports_no_command_that_is_not_asked_for(
    arguments: tuple[str, ...],
) -> None:
    assert loaded_by(command_line(*arguments)) & HEAVY == set()


def test_no_command_imports_what_only_some_of_its_runs_need() -> None:
    every = "\n".join(f"command({home!r})" for _, home, _ in COMMANDS)
    found = loaded_by(f"from neurocomp.cli.main import command\n{every}")
    assert found & (SIMULATORS | {"matplotlib", "numba", "ortools", "pymetis"}) == set()


def test_what_the_help_says_of_a_command_is_what_its_function_says() -> None:
    for name, home, summary in COMMANDS:
        assert (inspect.getdoc(command(home)) or "").partition("\n\n")[0] == summary, name


def test_the_package_runs_as_a_module() -> None:
    asked = [sys.executable, "-m", "neurocomp", "--version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("neurocomp ")
