from __future__ import annotations

import ast
import subprocess
import sys

import networkx

from tests.meta.sources import (
    PACKAGES,
    ROOT,
    as_module,
    imported_when_loaded,
    imports_of,
    modules,
    tree_of,
)

BELOW = {
    "engines": set(),
    "reasoning": {"engines"},
    "planners": {"engines"},
    "orchestrator": {"engines", "reasoning", "planners"},
    "evals": {"engines", "reasoning", "planners", "orchestrator"},
}
NOT_INSTALLED = {"tests", "benchmarks", "examples", "training"}


def forbidden(module: str, tree: ast.AST) -> list[str]:
    package = module.partition(".")[0]
    others = (set(PACKAGES) | NOT_INSTALLED) - BELOW[package] - {package}
    return [name for name in imports_of(module, tree) if name.partition(".")[0] in others]


def test_imports_go_down_and_never_up_or_sideways() -> None:
    found = {module: forbidden(module, tree_of(path)) for module, path in modules().items()}
    assert {module: names for module, names in found.items() if names} == {}


def test_an_import_against_the_arrow_is_seen() -> None:
    code = ast.parse("import planners\ndef f():\n    from orchestrator.tools import Tool\n")
    assert forbidden("reasoning.answer", code) == ["planners", "orchestrator.tools.Tool"]
    assert forbidden("evals.grading", code) == []
    assert forbidden("engines.context", ast.parse("from ..evals import grading")) == [
        "evals.grading"
    ]


def test_modules_of_a_package_do_not_import_each_other_in_a_circle() -> None:
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    for module, path in modules().items():
        for name in imports_of(module, imported_when_loaded(tree_of(path))):
            other = as_module(name)
            # `from . import sibling` asks the package for the sibling only.
            if other is not None and other != module:
                graph.add_edge(module, other)
    assert graph.number_of_edges() > len(PACKAGES)
    assert list(networkx.simple_cycles(graph)) == []


def test_every_package_of_the_wheel_has_its_layer() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - NOT_INSTALLED == set(PACKAGES) == set(BELOW)
    configuration = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f'"{package}"' in configuration for package in PACKAGES)


def test_heavy_packages_stay_out() -> None:
    """Importing evals imports all packages below it, and the command is not one of what they import."""
    heavy = {"torch", "transformers", "vllm", "networkx", "sympy", "math_verify", "httpx", "numpy"}
    heavy |= {"aiohttp", "msgspec", "opentelemetry"}
    of_commands = {"rich", "yaml", "jsonschema", "docstring_parser"}
    imports = ("evals", "orchestrator.commands.run")
    code = f"import sys\nfor name in {imports}: __import__(name), print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    packages, command = (set(line.split()) for line in done.stdout.splitlines())
    assert packages >= set(PACKAGES)
    assert packages & (heavy | of_commands) == set()
    assert imports[1] in command - packages
    assert command & heavy == set()
