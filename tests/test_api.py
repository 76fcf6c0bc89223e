"""The public API: what it holds, what importing costs, and the README's ten lines."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import neurocomp

ROOT = Path(__file__).parents[1]


def described(name: str) -> str:
    """Write a public name as one line: a function's parameters, a class's fields."""
    value = getattr(neurocomp, name)
    if inspect.isclass(value) and issubclass(value, BaseException):
        return f"{name}: error"
    if inspect.isclass(value):
        return f"{name}: {', '.join(getattr(value, '__dataclass_fields__', {}))}"
    parameters = inspect.signature(value).parameters.values()
    words = [p.name if p.default is p.empty else f"{p.name}=" for p in parameters]
    return f"{name}({', '.join(words)})"


def test_the_public_api_is_as_written(golden: Callable[[str, str], None]) -> None:
    golden("api.txt", "".join(f"{described(name)}\n" for name in neurocomp.__all__))


def test_every_public_name_has_a_home() -> None:
    assert sorted(neurocomp.HOMES) == neurocomp.__all__ == dir(neurocomp)
    with pytest.raises(AttributeError, match="has no attribute 'deploy'"):
        neurocomp.deploy  # noqa: B018 - reading the name is the test


def test_importing_loads_neither_a_simulator_nor_a_model_library() -> None:
    code = "import neurocomp, sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.split())
    assert not loaded & {"brian2", "lava", "onnx", "onnxruntime", "scipy", "networkx", "rich"}


def test_no_command_line_imports_a_simulator() -> None:
    code = "import neurocomp.cli, sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(shown.stdout.split()) & {"brian2", "lava"}


def test_the_readmes_lines_run(tmp_path: Path) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(lines.splitlines()) <= 13
    code = lines.replace('"examples/', f'"{ROOT}/examples/')
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True {'ann': ")
