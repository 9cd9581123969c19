"""What is wrong with a JSON Schema that somebody else wrote, and with a value by it. Pure; nothing is fetched.

Clients and servers send schemas. One that is none is refused in a line, and so is one that refers to what is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# What stands below these in a schema are values, and below those are schemas by names of any kind.
_VALUES = ("const", "default", "enum", "examples")
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_REFERRING = ("$ref", "$dynamicRef", "$recursiveRef")
_LONGEST = 200


def schema_problem(schema: Mapping[str, Any]) -> str:
    """What is wrong with a schema, after its name; empty if nothing is.

    >>> schema_problem({"type": "int"})[:24]
    "is none at type: 'int' i"
    >>> schema_problem({"$ref": "#/$defs/a"})
    "refers to '#/$defs/a', which is not there"
    """
    # 0.1 s to import, and needed only where somebody brings a schema.
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema.get("$schema", ""), str):
        return "is none at $schema: it has to be a text"
    try:
        validator_for(schema).check_schema(dict(schema))
        return next((f"refers to {one!r}, which is not there" for one in _lost(schema)), "")
    except SchemaError as error:
        place = ".".join(map(str, error.path)) or "its root"
        return f"is none at {place}: {_in_a_line(error.message)}"
    except RecursionError:
        return "is too deep"


def value_problem(value: Any, schema: Mapping[str, Any]) -> str:
    """What is wrong with JSON data by a schema, and where, in a line; empty if it fits.

    >>> value_problem({"a": [1, "x"]}, {"properties": {"a": {"items": {"type": "integer"}}}})
    "at a.1: 'x' is not of type 'integer'"
    """
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry

    # The registry is empty: nothing is fetched for a reference.
    validator = validator_for(schema)(schema, registry=Registry())
    try:
        error = best_match(validator.iter_errors(value))
    except RecursionError:
        return "it is too deep, or the schema refers to itself without end"
    if error is None:
        return ""
    place = ".".join(map(str, error.absolute_path))
    return f"{f'at {place}: ' if place else ''}{_in_a_line(error.message)}"


def _lost(schema: Mapping[str, Any]) -> Iterator[str]:
    """The references that lead nowhere within the schema."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    registry: Registry[Any] = Registry()
    resolver = registry.resolver_with_root(DRAFT202012.create_resource(schema))
    for reference in dict.fromkeys(_references(schema)):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            yield reference


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _references(item)
    elif isinstance(schema, dict):
        for name, inner in schema.items():
            if name in _REFERRING and isinstance(inner, str):
                yield inner
            elif name in _BY_NAME and isinstance(inner, dict):
                yield from _references(list(inner.values()))
            elif name not in _VALUES:
                yield from _references(inner)


def _in_a_line(message: str) -> str:
    return " ".join(message.split())[:_LONGEST]
