"""Imports go down: a module imports from lower floors and from its own folder only."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "neurocomp"

# A folder or top-level file and its floor. A longer prefix ("backends.lava") wins over a shorter.
FLOORS: dict[str, int] = {
    "errors": 0,
    "arrays": 0,
    "observe": 0,
    "snn": 1,
    "hw": 1,
    "precision": 1,
    "engine": 2,
    "ann": 2,
    "quantize": 3,  # measures in the engine
    "mapping": 2,
    "frontend": 3,
    "passes": 3,
    "convert": 3,
    "program": 3,
    "samples": 3,
    "ranges": 3,
    "quiet": 3,
    "readouts": 3,
    "clamp": 3,
    "adjust": 4,  # as calibrate
    "operations": 3,
    "calibrate": 4,  # measures with the front end's onnxruntime
    "artifact": 4,
    "codec": 4,
    "compiler": 5,
    "evaluation": 6,  # compiles nothing, runs the oracle
    "tuning": 7,
    "sweep": 7,
    "backends": 5,
    "build": 6,  # a program on disk, with what each backend emits
    "simulation": 7,  # runs a build
    "exchange": 8,  # counts what a run did
    "comparison": 8,  # compares what runs gave back
    "verification": 9,  # runs and compares
    "bycore": 9,  # runs single blocks and compares
    "report": 9,
    "figures": 9,
    "cli": 10,
    "__main__": 11,
    "__init__": 11,  # the public API; `import neurocomp` from within
}


def modules(root: Path) -> dict[str, Path]:
    """Give every module below the package folder `root`, by dotted name without the package's."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        found[".".join(name)] = path
    return found


def unit(module: str, floors: Mapping[str, int]) -> str | None:
    """Give the longest prefix of `module` that has a floor."""
    parts = module.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((p for p in prefixes if p in floors), None)


def imported(root: Path, path: Path) -> Iterator[tuple[int, str]]:
    """Give line and name of every import of the package's own, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head, _, rest = alias.name.partition(".")
                if head == root.name:
                    yield node.lineno, rest or "__init__"
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, name) for name in _imported_from(root, path, node))


def _imported_from(root: Path, path: Path, node: ast.ImportFrom) -> Iterator[str]:
    if node.level:
        package = (root.name, *path.relative_to(root).parent.parts)
        base = package[: len(package) - node.level + 1]
    else:
        base = ()
    head, *rest = (*base, *(node.module.split(".") if node.module else ()))
    if head != root.name:
        return
    if rest:
        yield ".".join(rest)
        return
    for alias in node.names:
        is_module = (root / f"{alias.name}.py").exists() or (root / alias.name).is_dir()
        yield alias.name if is_module else "__init__"


def upward_imports(root: Path, floors: Mapping[str, int]) -> list[str]:
    """Give one line for every import that does not go down and every module without a floor."""
    wrong = []
    for module, path in modules(root).items():
        own = unit(module, floors)
        if own is None:
            wrong.append(f"{module}: has no floor (add it to FLOORS in tests/test_floors.py)")
            continue
        for line, name in imported(root, path):
            other = unit(name, floors)
            if other is None:
                wrong.append(f"{module}:{line}: imports {name}, which has no floor")
            elif other != own and floors[other] >= floors[own]:
                wrong.append(
                    f"{module}:{line}: floor {floors[own]} imports {name} of floor {floors[other]}"
                )
    return wrong


def test_imports_go_down() -> None:
    assert upward_imports(PACKAGE, FLOORS) == []


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """Write a package of `files` below `root`, and give its folder."""
    package = root / "neurocomp"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


SOUND = {
    "__init__.py": "from neurocomp.cli import main\n",
    "errors.py": "",
    "convert.py": "from neurocomp.snn.network import Network\nfrom neurocomp.snn import oracle\n",
    "cli.py": "import numpy\nfrom . import convert\nfrom neurocomp import errors\n",
    "snn/__init__.py": "from .network import Network\n",
    "snn/network.py": "from ..errors import X\nfrom .boxes import Box\n",
    "snn/boxes.py": "import neurocomp.errors\n",
    "snn/oracle.py": "from neurocomp.snn.boxes import Box\n",
}


def test_a_sound_package_passes(tmp_path: Path) -> None:
    assert upward_imports(plant(tmp_path, SOUND), FLOORS) == []


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("snn/a.py", "from neurocomp.convert import c\n", "snn.a:1: floor 1 imports convert"),
        ("snn/a.py", "from neurocomp import convert\n", "snn.a:1: floor 1 imports convert"),
        ("snn/a.py", "import neurocomp.convert as c\n", "snn.a:1: floor 1 imports convert"),
        ("snn/a.py", "from ..convert import c\n", "snn.a:1: floor 1 imports convert"),
        ("snn/a.py", "from .. import convert\n", "snn.a:1: floor 1 imports convert"),
        ("snn/a/__init__.py", "from ...convert import c\n", "snn.a:1: floor 1 imports convert"),
        ("snn/a.py", "def f():\n    import neurocomp.cli\n", "snn.a:2: floor 1 imports cli"),
        (
            "snn/a.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..cli import m\n",
            "snn.a:3: floor 1 imports cli",
        ),
        ("hw/a.py", "from neurocomp.snn import network\n", "hw.a:1: floor 1 imports snn"),
        ("program.py", "from neurocomp.convert import c\n", "program:1: floor 3 imports convert"),
        ("cli.py", "import neurocomp\n", "cli:1: floor 10 imports __init__ of floor 11"),
        ("cli.py", "from neurocomp import main\n", "cli:1: floor 10 imports __init__ of floor 11"),
        ("attic.py", "", "attic: has no floor"),
        ("attic/a.py", "", "attic.a: has no floor"),
        ("cli.py", "from neurocomp.attic import a\n", "cli:1: imports attic, which has no floor"),
    ],
)
def test_a_planted_violation_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    (wrong,) = upward_imports(plant(tmp_path, SOUND | {name: text}), FLOORS)
    assert says in wrong


def test_a_longer_prefix_has_its_own_floor(tmp_path: Path) -> None:
    root = plant(tmp_path, SOUND | {"snn/late.py": "from neurocomp.convert import c\n"})
    assert upward_imports(root, FLOORS | {"snn.late": 4}) == []
