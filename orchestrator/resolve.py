"""Puts results in the place of references, in one pass: what a result says is never looked at again. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from planners import Argument, Reference, Template

from .errors import ToolError


def resolve(value: Argument, results: Mapping[str, Any]) -> Any:
    """The argument with every reference replaced by the result that it names.

    Raises:
        ToolError: A result has no such field.
    """
    if isinstance(value, Reference):
        return _result(value, results)
    if isinstance(value, Template):
        return "".join(
            part if isinstance(part, str) else as_text(_result(part, results))
            for part in value.parts
        )
    if isinstance(value, list):
        return [resolve(item, results) for item in value]
    if isinstance(value, dict):
        return {key: resolve(item, results) for key, item in value.items()}
    return value


def as_text(result: Any) -> str:
    """A result as it stands in a prompt: text as it is, anything else as JSON."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


def _result(reference: Reference, results: Mapping[str, Any]) -> Any:
    result = results[reference.node]
    if reference.field is None:
        return result
    if not isinstance(result, Mapping) or reference.field not in result:
        raise ToolError(f"the result of node {reference.node!r} has no field {reference.field!r}")
    return result[reference.field]
