from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType

import pytest

from tests.meta.sources import PACKAGES, modules

# Looking at them imports vLLM and PyTorch; the tests on real engines do.
HEAVY = {"HogwildEngine", "VllmEngine"}


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_public_names_are_listed_sorted_and_once(package: ModuleType) -> None:
    names = package.__all__
    # As ruff has it: constants, then classes, then functions.
    assert names == sorted(set(names), key=lambda n: (not n.isupper(), n[0].islower(), n))


def test_every_public_name_resolves_and_is_documented(package: ModuleType) -> None:
    for name in set(package.__all__) - HEAVY:
        value = getattr(package, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name


def test_nothing_else_is_public(package: ModuleType) -> None:
    found = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    # Names that are imported on first use are not there yet.
    assert found - set(package.__all__) <= {"TYPE_CHECKING", "Any", "annotations"}


def test_public_names_come_from_the_package_itself(package: ModuleType) -> None:
    for name in set(package.__all__) - HEAVY:
        value = getattr(package, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__module__.partition(".")[0] == package.__name__, name


def test_no_module_has_a_name_that_is_taken() -> None:
    names = [module.rpartition(".") for module in modules()]
    assert [name for _, _, name in names if name in sys.stdlib_module_names] == []
    # `import package.name as x` would bind the function.
    public = {package: importlib.import_module(package).__all__ for package in PACKAGES}
    assert [name for parent, _, name in names if name in public.get(parent, ())] == []


@pytest.mark.parametrize("name", ["engines", "orchestrator", "planners"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'Nothing'"):
        _ = importlib.import_module(name).Nothing
