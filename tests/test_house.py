"""The house rules that a program can check: tools, sizes, walls, reasons, docstrings."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "symphony_cli"
LONGEST_FILE = 500
LONGEST_FUNCTION = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> list[Path]:
    """Our Python files below these folders of the repository."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


# --- tools


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "command",
    [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["lint-imports"]],
    ids=" ".join,
)
def test_the_tools_have_nothing_to_say(command: list[str]) -> None:
    beside = Path(sys.executable).with_name(command[0])
    program = str(beside) if beside.exists() else shutil.which(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed (extra `test`)")
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- sizes


def test_no_file_is_longer_than_a_person_reads_in_one_sitting() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources("symphony_cli", "tests", "bench")
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{place(path, node)} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources("symphony_cli", "tests", "bench")
        for node in ast.walk(tree_of(path))
        if isinstance(node, Function)
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}


# --- walls


def imports_of(path: Path) -> Iterator[tuple[ast.stmt, str, tuple[str, ...]]]:
    """Each import anywhere in a file: the statement, the module, the names taken from it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield node, ".".join([*_package(path, node.level), node.module or ""]), names
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, ()


def _package(path: Path, level: int) -> tuple[str, ...]:
    """Where a relative import with so many dots begins."""
    return path.relative_to(ROOT).parts[:-level] if level else ()


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_nobody_imports_what_another_module_keeps_to_itself() -> None:
    taken = [
        f"{place(path, node)} {module}: {name}"
        for path in sources("symphony_cli", "tests", "bench")
        for node, module, names in imports_of(path)
        if module.split(".")[0] in ("symphony_cli", "tests")
        for name in (*module.split("."), *names)
        if is_private(name)
    ]
    assert taken == []


def test_nobody_reaches_into_another_module_by_its_name() -> None:
    reached = [
        f"{place(path, node)} {node.value.id}.{node.attr}"
        for path in sources("symphony_cli")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and is_private(node.attr)
        and node.value.id in our_modules_in(path)
    ]
    assert reached == []


@cache
def our_modules_in(path: Path) -> frozenset[str]:
    """The names under which a file knows modules of ours."""
    return frozenset(
        alias.asname or alias.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("symphony_cli")
        for alias in node.names
        if file_of(f"{node.module}.{alias.name}") is not None
    )


def file_of(module: str) -> Path | None:
    """The file of a module of ours."""
    base = ROOT.joinpath(*module.split("."))
    found = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in found if path.is_file()), None)


@pytest.mark.parametrize("room", ["supervisor", "scripted"])
def test_a_room_beside_an_agent_needs_nothing_but_the_standard_library(room: str) -> None:
    """Whatever it imports, and whatever that imports."""
    front = sources(f"symphony_cli/{room}")
    assert front != []
    seen: set[Path] = set()
    foreign: list[str] = []
    while front:
        path = front.pop()
        if path in seen:
            continue
        seen.add(path)
        for node, module, names in imports_of(path):
            top = module.split(".")[0]
            if top == "symphony_cli":
                wanted = [module, *(f"{module}.{name}" for name in names)]
                front += [found for name in wanted if (found := file_of(name)) is not None]
            elif top not in sys.stdlib_module_names:
                foreign.append(f"{place(path, node)} {module}")
    assert foreign == []


# --- reasons


def broad_handlers() -> Iterator[tuple[Path, ast.ExceptHandler]]:
    """Every `except` that catches everything."""
    for path in sources("symphony_cli"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
                yield path, node


def _is_broad(caught: ast.expr | None) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
    return caught is None or not names.isdisjoint({"Exception", "BaseException"})


def test_whoever_catches_everything_says_why_or_passes_it_on() -> None:
    silent = []
    for path, handler in broad_handlers():
        line = path.read_text(encoding="utf-8").splitlines()[handler.lineno - 1]
        reason = line.partition("# noqa: BLE001")[2].strip(" -")
        last = handler.body[-1]
        passes_on = isinstance(last, ast.Raise) and last.exc is None
        if not passes_on and len(reason.split()) < 3:
            silent.append(place(path, handler))
    assert silent == []


# --- docstrings


def public_parts(path: Path) -> Iterator[ast.Module | ast.ClassDef | Function]:
    """A module, its public functions and classes, and the public methods of those."""
    module = tree_of(path)
    yield module
    for node in module.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node
            yield from (part for part in node.body if isinstance(part, Function) and is_open(part))
        elif isinstance(node, Function) and is_open(node):
            yield node


def is_open(function: Function) -> bool:
    return not function.name.startswith("_")


def test_everything_public_says_what_it_means() -> None:
    silent = [
        f"{place(path, part)} {getattr(part, 'name', 'module')}"
        for path in sources("symphony_cli")
        for part in public_parts(path)
        if not ast.get_docstring(part)
    ]
    assert silent == []
