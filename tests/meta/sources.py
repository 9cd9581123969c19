"""The project's files as the meta tests read them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("engines", "reasoning", "planners", "orchestrator", "evals")


@cache
def tracked_files() -> tuple[Path, ...]:
    """The files that are in git, or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return tuple(path for path in paths if path.is_file())


@cache
def modules() -> dict[str, Path]:
    """The modules of the packages by their names; a package itself is its `__init__.py`."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(module: str, tree: ast.AST) -> Iterator[str]:
    """The full names of what the code imports: modules, and names in modules."""
    is_package = modules()[module].name == "__init__.py"
    parent = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parent[: len(parent) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def as_module(name: str) -> str | None:
    """The module of ours that an imported name is, or lies in."""
    known = modules()
    if name in known:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in known else None


def imported_when_loaded(tree: ast.Module) -> ast.Module:
    """The code without what runs later: bodies of functions, and what only type checkers read."""

    class Later(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    copy: ast.Module = Later().visit(ast.parse(ast.unparse(tree)))
    return copy
