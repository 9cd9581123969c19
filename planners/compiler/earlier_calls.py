"""How calls of a later round are compared with earlier ones, and go on from them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from ..plan import AnyNode, Argument, Call, Reference, Template, Think
from ..planner import Finding

# Integers up to here are floats too.
_EXACT = 2**53

_N = TypeVar("_N", bound=AnyNode)


def asked(call: Call, findings: Mapping[str, Finding]) -> str:
    """The tool and its arguments, with results in the place of references to them.

    A reference to what is not there stands for itself.

    >>> one = Call(id="1", tool="add", arguments={"a": 84, "b": 3})
    >>> two = Call(id="5", tool="add", arguments={"b": 3.0, "a": Reference(node="4")})
    >>> asked(one, {}) == asked(two, {"4": Finding(status="ok", text="84", data=84)})
    True
    """
    arguments = {name: _filled(value, findings) for name, value in call.arguments.items()}
    return json.dumps([call.tool, arguments], sort_keys=True)


def renamed(node: _N, names: Mapping[str, str]) -> _N:
    """The step with other names for the nodes that it refers to, where `names` has one.

    >>> renamed(Think(id="6", prompt=Template(parts=(Reference(node="5"),))), {"5": "1"}).dependencies
    ('1',)
    """
    if isinstance(node, Call):
        return node.model_copy(update={"arguments": _renamed(node.arguments, names)})
    if isinstance(node, Think):
        after = None if node.after is None else names.get(node.after, node.after)
        return node.model_copy(update={"prompt": _renamed(node.prompt, names), "after": after})
    return node


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, Template):
        return Template(parts=tuple(_renamed(part, names) for part in value.parts))
    if isinstance(value, Reference):
        return value.model_copy(update={"node": names.get(value.node, value.node)})
    return value


def _filled(value: Argument, findings: Mapping[str, Finding]) -> Any:
    if isinstance(value, Reference):
        return _alike(_result(value, findings))
    if isinstance(value, Template):
        pieces = (p if isinstance(p, str) else _result(p, findings) for p in value.parts)
        return "".join(p if isinstance(p, str) else json.dumps(p) for p in pieces)
    if isinstance(value, list):
        return [_filled(item, findings) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, findings) for key, item in value.items()}
    return _alike(value)


def _result(reference: Reference, findings: Mapping[str, Finding]) -> Any:
    finding = findings.get(reference.node)
    result = None if finding is None or not finding.usable else finding.data
    if result is not None and reference.field is not None:
        result = result.get(reference.field) if isinstance(result, Mapping) else None
    return {"$ref": reference.node, "field": reference.field} if result is None else result


def _alike(value: Any) -> Any:
    """Equal numbers in one form."""
    if isinstance(value, dict):
        return {key: _alike(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_alike(item) for item in value]
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and abs(value) <= _EXACT else value
