from __future__ import annotations

import ast
from pathlib import Path

from tests.meta.sources import PACKAGES, ROOT, imports_of, modules, tracked_files, tree_of

LONGEST_MODULE = 400
# Put together here, so that this file does not hold them either.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("download", "pytorch", "org"),
        ("registry", "npmjs", "org"),
        ("huggingface", "co"),
    )
]


def test_modules_are_short_and_say_what_they_are_for() -> None:
    lengths = {
        module: len(path.read_text(encoding="utf-8").splitlines())
        for module, path in modules().items()
    }
    assert {module: n for module, n in lengths.items() if n > LONGEST_MODULE} == {}
    assert [
        module for module, path in modules().items() if not ast.get_docstring(tree_of(path))
    ] == []


def test_no_module_prints() -> None:
    assert [module for module, path in modules().items() if prints(tree_of(path))] == []
    assert prints(ast.parse("def f():\n    print(1)"))


def prints(tree: ast.AST) -> bool:
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(call, ast.Name) and call.id == "print" for call in calls)


def test_only_the_vllm_adapter_imports_asyncio() -> None:
    users = {
        module
        for module, path in modules().items()
        if any(name.partition(".")[0] == "asyncio" for name in imports_of(module, tree_of(path)))
    }
    assert users == {"engines.vllm_engine"}


def test_no_file_names_the_host_of_a_registry() -> None:
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        found += [f"{path}: {host}" for host in REGISTRIES if host.encode() in content]
    assert len(tracked_files()) > 50
    assert found == []


def test_every_folder_of_tests_mirrors_a_package_or_a_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders <= {*PACKAGES, "meta", "examples", "benchmarks", "docs", "training"}
    assert {"engines", "orchestrator", "meta", "examples"} <= folders


def test_every_suppression_names_its_rule() -> None:
    bare = []
    for path in tracked_files():
        if path.suffix == ".py":
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                comment = line.rpartition("#")[2].strip()
                if comment in ("noqa", "type: ignore"):
                    bare.append(f"{path}:{number}")
    assert bare == []


def test_no_scratch_file_is_tracked() -> None:
    unwanted = {".part", ".orig", ".rej", ".pyc", ".log"}
    assert [path for path in tracked_files() if Path(path).suffix in unwanted] == []
