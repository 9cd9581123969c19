"""Checks the arguments of a call by the schema that a server told. Pure.

What stands in a plan was checked with it; what came in for a reference was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.json_validator import Uncheckable, find_error

from ..errors import ToolError
from ..tools.data import short


def check_arguments(arguments: Mapping[str, Any], schema: Mapping[str, Any], name: str) -> None:
    """Returns if the arguments fit.

    Raises:
        ToolError: They do not: with the place, the value and what is wrong with it.
    """
    try:
        error = find_error(arguments, schema, best=True)
    except Uncheckable as problem:
        raise ToolError(f"{name}: {problem}") from None
    if error is None:
        return
    place = ".".join(str(part) for part in error.absolute_path)
    if not place:
        raise ToolError(f"{name}: {short(error.message)}")
    raise ToolError(
        f"{name}: argument {place!r} is {short(repr(error.instance))}: {short(error.message)}"
    )
