from __future__ import annotations

import importlib
import inspect
import re

import pytest

from engines import ForkjoinError
from tests.meta.sources import PACKAGES, modules

LEAF = re.compile(r"^(?P<indent>[ │]*)(?:[├└]── )?(?P<name>[A-Z]\w+)(?:\s|$)")
HEAVY = {"engines.vllm_engine", "engines.vllm_start", "engines.vllm_statistics"}


def drawn(package: str) -> dict[str, str | None]:
    """The classes in the tree of a package's errors, each with the one above it."""
    text = inspect.getdoc(importlib.import_module(f"{package}.errors")) or ""
    tree = text[text.index("ForkjoinError") :].split("\n\n")[0]
    found: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in tree.splitlines():
        match = LEAF.match(line)
        if match is None:
            continue
        depth = match.start("name")
        while above and above[-1][0] >= depth:
            above.pop()
        found[match["name"]] = above[-1][1] if above else None
        above.append((depth, match["name"]))
    return found


def defined(package: str) -> dict[str, type[ForkjoinError]]:
    """The errors that the modules of a package define."""
    found = {}
    for module in modules():
        if module.partition(".")[0] == package and module not in HEAVY:
            for name, value in vars(importlib.import_module(module)).items():
                if (
                    inspect.isclass(value)
                    and issubclass(value, ForkjoinError)
                    and value.__module__ == module
                ):
                    found[name] = value
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_error_of_a_package_is_in_its_tree(package: str) -> None:
    assert set(defined(package)) <= set(drawn(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_tree_is_drawn_as_the_classes_are(package: str) -> None:
    everything = {name: kind for other in PACKAGES for name, kind in defined(other).items()}
    tree = drawn(package)
    assert len(tree) > 1
    for name, above in tree.items():
        parent = everything[name].__base__
        assert parent is not None
        assert (parent.__name__ if name != "ForkjoinError" else None) == above, name


@pytest.mark.parametrize("package", PACKAGES)
def test_every_error_has_an_exit_code_of_the_command_line_and_says_what_it_is(package: str) -> None:
    for kind in defined(package).values():
        assert kind.exit_code in (1, 2)
        assert isinstance(kind.retryable, bool)
        assert kind.__doc__
