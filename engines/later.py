"""Names of a package that are imported when they are first asked for, so that importing the package stays cheap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def imported_later(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """What a package takes as its `__getattr__`.

    Args:
        package: Its `__name__`.
        places: The module of each name, relative to the package: `{"HttpEngine": ".remote.http_engine"}`.
    """

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(places[name], package), name)

    return find
