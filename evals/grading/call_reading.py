"""Reads calls of functions as models write them. Pure; nothing is run.

[play(artist="Muse"), play(artist="Blur")]         Python, in a list, alone, or on lines of their own
[{"name": "play", "arguments": {"artist": "Muse"}}]  JSON, in whatever of the usual forms
<tool_call>{"name": ...}</tool_call>               the same in tags
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .call_matching import WrittenCall

_LONGEST = 20_000
_DEEPEST = 40  # brackets in brackets: Python's parser has a stack of its own
_TAGGED = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_FENCED = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
_LISTED = re.compile(r"^[ \t>*`]*(\[.*\])[ \t`]*$", re.MULTILINE)
_WORDS = {"true": True, "false": False, "null": None, "none": None}


def read_calls(text: str) -> list[WrittenCall] | None:
    """The calls that a text is; None if it is none.

    >>> read_calls("[f(a=1, b=[-2]), g.h()]")
    [WrittenCall(name='f', arguments={'a': 1, 'b': [-2]}), WrittenCall(name='g.h', arguments={})]
    """
    if len(text) > _LONGEST or _depth(text) > _DEEPEST:
        return None
    return _from_json(text) or _from_python(text)


def calls_in(text: str) -> list[WrittenCall] | None:
    """The calls that a model's text ends in; None if there are none to be read."""
    text = text[-_LONGEST:]
    tagged = [read_calls(inner) for inner in _TAGGED.findall(text)]
    if tagged and all(tagged):
        return [call for calls in tagged if calls for call in calls]
    for place in _places(text):
        if calls := read_calls(place.strip()):
            return calls
    return None


def written(calls: list[WrittenCall]) -> str:
    """The calls as Python, in one form for what is the same.

    >>> written([WrittenCall("f", {"a": "x"})])
    "[f(a='x')]"
    """
    return f"[{', '.join(f'{call.name}({_arguments(call)})' for call in calls)}]"


def _arguments(call: WrittenCall) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in call.arguments.items())


def _places(text: str) -> Iterator[str]:
    """Where calls may stand, the likeliest first."""
    yield text
    yield from reversed(_FENCED.findall(text))
    yield from reversed(_LISTED.findall(text))
    yield f"[{text.partition('[')[2].rpartition(']')[0]}]"
    lines = [line.strip(" `;") for line in text.strip().splitlines()]
    while lines and read_calls(lines[0]) is None:
        lines = lines[1:]
    yield "\n".join(lines)


def _from_python(text: str) -> list[WrittenCall] | None:
    try:
        statements = ast.parse(text).body
        found = [
            _call(node)
            for statement in statements
            for node in _elements(statement.value if isinstance(statement, ast.Expr) else None)
        ]
    # A text that is too deep is one of the last two, by the version of Python.
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return found or None


def _elements(node: ast.expr | None) -> list[ast.expr | None]:
    return list(node.elts) if isinstance(node, ast.List | ast.Tuple) else [node]


def _call(node: ast.expr | None) -> WrittenCall:
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call with named arguments")
    arguments = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ValueError("two stars")
        arguments[keyword.arg] = _value(keyword.value)
    return WrittenCall(_name(node.func), arguments)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ValueError("no name")


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id.casefold() in _WORDS:
        return _WORDS[node.id.casefold()]
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        keys = [_value(key) if key else None for key in node.keys]
        return dict(zip(keys, map(_value, node.values), strict=True))
    return ast.literal_eval(node)


def _from_json(text: str) -> list[WrittenCall] | None:
    try:
        data = json.loads(text)
        found = [_from_object(one) for one in (data if isinstance(data, list) else [data])]
    except (ValueError, RecursionError):
        return None
    return found or None


def _from_object(data: Any) -> WrittenCall:
    if isinstance(data, Mapping) and isinstance(data.get("function"), Mapping):
        data = data["function"]
    if not isinstance(data, Mapping):
        raise ValueError("no call")
    if "name" in data:
        arguments = data.get("arguments", data.get("parameters", {}))
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        name = data["name"]
    elif len(data) == 1:
        [(name, arguments)] = data.items()
    else:
        raise ValueError("no call")
    if not isinstance(name, str) or not isinstance(arguments, Mapping):
        raise ValueError("no call")
    return WrittenCall(name, dict(arguments))


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest
