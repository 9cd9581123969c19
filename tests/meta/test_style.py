from __future__ import annotations

import ast
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("module", modules())
def test_a_module_is_short_and_says_what_it_is_for(module: str) -> None:
    path = modules()[module]
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("module", modules())
def test_a_module_prints_nothing(module: str) -> None:
    calls = [
        node.func for node in ast.walk(tree_of(modules()[module])) if isinstance(node, ast.Call)
    ]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]


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
    assert folders <= {*PACKAGES, "meta", "examples", "benchmarks"}
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
