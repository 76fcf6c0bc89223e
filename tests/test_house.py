"""The house rules that a program can check: sizes, names, and what may be called and imported."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "neurocomp"

FILE_LINES = 400
FUNCTION_LINES = 60
BANNED_NAMES = re.compile(r"utils\.py|helpers\.py|common\.py|base_.*\.py")
PICKLES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
SIMULATORS = {"brian2", "lava", "sanafe", "sanafecpp"}
ONNX = {"onnx", "onnxruntime", "onnxslim"}
ONNX_FILES = ("frontend/", "calibrate.py", "verify.py")

# file below the package, its text, its tree -> what is wrong with it
Rule = Callable[[str, str, ast.Module], Iterator[str]]


def is_emitted(file: str) -> bool:
    """Say whether `file` is text for artifacts: it runs there, never here."""
    return file.startswith("backends/") and "emitted" in Path(file).parent.parts


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Give line and top-level package of every absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module.split(".")[0]


def short_files(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield f"{file}: has {lines} lines, the limit is {FILE_LINES}"


def short_functions(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{file}:{node.lineno}: {node.name} has {lines} lines, not {FUNCTION_LINES}"


def telling_names(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    if BANNED_NAMES.fullmatch(Path(file).name):
        yield f"{file}: the name does not say what the file is for"


def docstrings(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    if not ast.get_docstring(tree):
        yield f"{file}: has no docstring"


def silence(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    if file == "cli.py" or is_emitted(file):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "print":
            yield f"{file}:{node.lineno}: prints (return a value, or call observe)"
    yield from (f"{file}:{n}: imports logging" for n, name in imports(tree) if name == "logging")


def narrow_excepts(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {t.id for t in types if isinstance(t, ast.Name)}
            if node.type is None or names & {"Exception", "BaseException"}:
                yield f"{file}:{node.lineno}: catches everything"


def no_pickle(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    yield from (f"{file}:{n}: imports {name}" for n, name in imports(tree) if name in PICKLES)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            refused = isinstance(node.value, ast.Constant) and node.value.value is False
            if not refused:
                yield f"{file}:{node.value.lineno}: allows pickle"


def onnx_in_its_place(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    if not file.startswith(ONNX_FILES):
        yield from (f"{file}:{n}: imports {name}" for n, name in imports(tree) if name in ONNX)


def no_simulator(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    if not is_emitted(file):
        found = imports(tree)
        yield from (f"{file}:{n}: imports {name}" for n, name in found if name in SIMULATORS)


def emitted_stands_alone(file: str, text: str, tree: ast.Module) -> Iterator[str]:
    if is_emitted(file):
        found = (n for n, name in imports(tree) if name == "neurocomp")
        yield from (
            f"{file}:{n}: imports neurocomp, which is not there when it runs" for n in found
        )


RULES: tuple[Rule, ...] = (
    short_files,
    short_functions,
    telling_names,
    docstrings,
    silence,
    narrow_excepts,
    no_pickle,
    onnx_in_its_place,
    no_simulator,
    emitted_stands_alone,
)


def broken(root: Path, rule: Rule) -> list[str]:
    """Give one line for everything below the package folder `root` that breaks `rule`."""
    wrong = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        wrong.extend(rule(path.relative_to(root).as_posix(), text, ast.parse(text)))
    return wrong


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_obeys(rule: Rule) -> None:
    assert broken(PACKAGE, rule) == []


@pytest.mark.parametrize(
    ("rule", "file", "text", "says"),
    [
        (short_files, "snn/a.py", "x = 1\n" * 401, "snn/a.py: has 401 lines, the limit is 400"),
        (short_functions, "a.py", "def f():\n" + "    x = 1\n" * 60, "a.py:1: f has 61 lines"),
        (telling_names, "snn/utils.py", "", "snn/utils.py: the name"),
        (telling_names, "base_op.py", "", "base_op.py: the name"),
        (docstrings, "a.py", "x = 1\n", "a.py: has no docstring"),
        (silence, "snn/cli.py", "print(1)\n", "snn/cli.py:1: prints"),
        (silence, "a.py", "def f():\n    import logging.config\n", "a.py:2: imports logging"),
        (narrow_excepts, "a.py", "try:\n    f()\nexcept:\n    pass\n", "a.py:3: catches"),
        (narrow_excepts, "a.py", "try:\n    f()\nexcept Exception as e:\n    pass\n", "a.py:3"),
        (
            narrow_excepts,
            "a.py",
            "try:\n    f()\nexcept (OSError, Exception):\n    pass\n",
            "a.py:3",
        ),
        (no_pickle, "a.py", "from pickle import load\n", "a.py:1: imports pickle"),
        (no_pickle, "a.py", "np.load(f, allow_pickle=True)\n", "a.py:1: allows pickle"),
        (onnx_in_its_place, "ann/a.py", "import onnx.helper\n", "ann/a.py:1: imports onnx"),
        (no_simulator, "backends/lava/a.py", "from lava.x import y\n", "imports lava"),
        (no_simulator, "emitted/a.py", "import brian2\n", "emitted/a.py:1: imports brian2"),
        (emitted_stands_alone, "backends/x/emitted/a.py", "import neurocomp.snn\n", "a.py:1"),
        (no_simulator, "cli.py", "def f():\n    import brian2\n", "cli.py:2: imports brian2"),
    ],
)
def test_a_planted_violation_is_named(
    tmp_path: Path, rule: Rule, file: str, text: str, says: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    (wrong,) = broken(tmp_path, rule)
    assert says in wrong


@pytest.mark.parametrize(
    ("rule", "file", "text"),
    [
        (short_files, "a.py", "x = 1\n" * 400),
        (short_functions, "a.py", "def f():\n" + "    x = 1\n" * 59),
        (silence, "cli.py", "print(1)\n"),
        (silence, "backends/a.py", "TEXT = 'print(1)'\n"),
        (silence, "backends/lava/emitted/run.py", "print(1)\n"),
        (no_simulator, "backends/lava/emitted/run.py", "import lava\n"),
        (narrow_excepts, "a.py", "try:\n    f()\nexcept (OSError, ValueError):\n    pass\n"),
        (no_pickle, "a.py", "np.load(f, allow_pickle=False)\n"),
        (onnx_in_its_place, "frontend/onnx.py", "import onnx\n"),
        (onnx_in_its_place, "verify.py", "import onnxruntime\n"),
        (onnx_in_its_place, "passes/a.py", "from neurocomp.frontend import onnx\n"),
    ],
)
def test_what_is_allowed_passes(tmp_path: Path, rule: Rule, file: str, text: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    assert broken(tmp_path, rule) == []
