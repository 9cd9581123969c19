"""What is wrong with a JSON Schema that somebody else wrote, and with a value by it. Pure; nothing is fetched.

Clients and servers send schemas. One that is none is refused in a line, and so is one that refers to what is not in it,
or that says so much of one value that it could not be checked. What was found is kept: agents send the same tools with
each request, and to check a schema takes milliseconds.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from engines.json_validator import (
    Uncheckable,
    find_error,
    find_schema_error,
    pattern_problem,
)

# What stands below these in a schema are values, and below those are schemas by names of any kind.
_VALUES = ("const", "default", "enum", "examples")
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_REFERRING = ("$ref", "$dynamicRef", "$recursiveRef")
# Where definitions stand: looked at with the whole.
_DEFINED = re.compile(r"#/(\$defs|definitions)/[^/]*")
# What stands below these is said of the same value as they are.
_OF_THE_SAME = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
_MOST_OF_ONE = 10_000
# How often a part may be looked at anew, since a reference leads to something above it: so the time stays linear.
_MOST_TIMES, _MOST_TIMES_OF_FEW = 3, 20
# Of the processor's time. What a body may hold takes a fifth of it.
_SECONDS = 2.0
_LONGEST = 200
_LONGEST_TOLD = 60
# The verdicts of so many schemas, by their digests.
_MOST_KEPT = 1024
_kept: dict[tuple[bytes, bool], str] = {}


def schema_problem(schema: Mapping[str, Any], *, named: bool = False) -> str:
    """What is wrong with a schema, after its name; empty if nothing is.

    Args:
        schema: The schema.
        named: Whether members have to be told by their names, and not by patterns of names.

    >>> schema_problem({"type": "int"})[:24]
    "is none at type: 'int' i"
    >>> schema_problem({"$ref": "#/$defs/a"})
    "refers to '#/$defs/a', which is not there"
    """
    try:
        return _kept_problem(json.dumps(schema), named)
    except RecursionError:
        return "is too deep"
    except TypeError as error:
        return f"is no JSON: {_in_a_line(str(error))}"
    # Another time there may be more of the processor's.
    except Uncheckable:
        return "takes too long to be checked"


def value_problem(value: Any, schema: Mapping[str, Any]) -> str:
    """What is wrong with JSON data by a schema, and where, in a line; empty if it fits.

    >>> value_problem({"a": [1, "x"]}, {"properties": {"a": {"items": {"type": "integer"}}}})
    "at a.1: 'x' is not of type 'integer'"
    """
    try:
        error = find_error(value, schema, best=True)
    except Uncheckable as problem:
        return str(problem)
    except Exception as error:  # Of huge numbers, and of old drafts, the library takes less than their schema says.
        told = _in_a_line(f"{type(error).__name__}: {error}")
        return f"it cannot be checked by the schema: {told}"
    if error is None:
        return ""
    place = ".".join(map(str, error.absolute_path))
    return f"{f'at {place}: ' if place else ''}{_in_a_line(error.message)}"


def _kept_problem(text: str, named: bool) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    if (digest, named) not in _kept:
        problem = next(_problems(json.loads(text), named), "")
        # What is well with names alone is well.
        for key in {(digest, named), (digest, named and bool(problem))}:
            _kept[key] = problem
        while len(_kept) > _MOST_KEPT:
            _kept.pop(next(iter(_kept)), None)
        return problem
    return _kept[digest, named]


def _problems(schema: Mapping[str, Any], named: bool) -> Iterator[str]:
    """What is wrong with a schema; each that is reached is looked at after those that lead to it."""
    if not isinstance(schema.get("$schema", ""), str):
        yield "is none at $schema: it has to be a text"
        return
    end = time.thread_time() + _SECONDS
    yield from _problem_of_form(schema, schema, end)
    places, found = _Places(schema), dict[str, Any]()
    reached, looked_at = list(_parts(schema)), {id(schema)}
    most = _MOST_TIMES * len(reached) + _MOST_TIMES_OF_FEW
    # It grows while it is gone through.
    for part in reached:
        yield from _problems_of_part(part, named)
        for reference in _references(part):
            if reference in found:
                continue
            target, problem = places.at(reference)
            if problem:
                yield f"refers to {_quoted(reference)}, which {problem}"
            found[reference] = target
            # A reference may lead to where nothing has looked yet, such as a default.
            if id(target) not in looked_at and not _DEFINED.fullmatch(reference):
                looked_at.add(id(target))
                reached += _parts(target)
                if len(reached) > most:
                    yield "refers to parts of parts again and again: put them into $defs"
                yield from _problem_of_form(target, schema, end)
    sizes: dict[int, int] = {}
    if any(_unfolded(part, found, sizes) > _MOST_OF_ONE for part in reached):
        yield f"says more than {_MOST_OF_ONE} things of one value: its references multiply"


def _problem_of_form(part: Any, whole: Mapping[str, Any], end: float) -> Iterator[str]:
    # 0.1 s to import, and needed only where somebody brings a schema.
    from jsonschema.validators import Draft202012Validator, validator_for

    left = end - time.thread_time()
    error = find_schema_error(
        part, draft=validator_for(whole, default=Draft202012Validator), seconds=left
    )
    if error is not None:
        place = ".".join(map(str, error.path)) or "its root"
        yield f"is none at {place}: {_in_a_line(error.message)}"


def _problems_of_part(part: Mapping[str, Any], named: bool) -> Iterator[str]:
    if named and "patternProperties" in part:
        yield "has patternProperties, which cannot be honoured: name the properties"
    pattern = part.get("pattern")
    if isinstance(pattern, str) and (problem := pattern_problem(pattern)):
        yield f"has a pattern that {problem}: {_quoted(pattern)}"


class _Places:
    """What references lead to, within one schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012

        self._resource = DRAFT202012.create_resource(schema)
        registry: Registry[Any] = Registry()
        self._resolver = registry.resolver_with_root(self._resource)

    def at(self, reference: str) -> tuple[Any, str]:
        """What a reference leads to, or what is wrong with it."""
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import UnknownDialect

        by_path = reference == "#" or reference.startswith("#/")
        try:
            target = (self._resolver if by_path else self._named).lookup(reference).contents
        # The library takes the name of a place in a list for a number.
        except (Unresolvable, UnknownDialect, ValueError):
            return None, "is not there"
        return target, "" if isinstance(target, dict | bool) else "is no schema"

    @cached_property
    def _named(self) -> Any:
        """Knows all names of places; without it the whole is gone through for each."""
        from referencing import Registry

        place = self._resource.id() or ""
        registry: Registry[Any] = Registry().with_resource(place, self._resource)
        return registry.crawl().resolver(place)


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schemas in a schema, itself among them."""
    if isinstance(schema, list):
        for item in schema:
            yield from _parts(item)
    elif isinstance(schema, dict):
        yield schema
        for name, inner in schema.items():
            if name in _BY_NAME and isinstance(inner, dict):
                yield from _parts(list(inner.values()))
            elif name not in _VALUES:
                yield from _parts(inner)


def _references(part: Mapping[str, Any]) -> Iterator[str]:
    return (part[name] for name in _REFERRING if isinstance(part.get(name), str))


def _unfolded(part: Any, found: Mapping[str, Any], sizes: dict[int, int]) -> int:
    """How many schemas one value is checked by; `sizes` has those that are counted."""
    if not isinstance(part, dict):
        return 1
    if id(part) not in sizes:
        # A circle is not gone round.
        sizes[id(part)] = 1
        below = [found[reference] for reference in _references(part)]
        for name in _OF_THE_SAME:
            inner = part.get(name, [])
            by_name = name == "dependentSchemas" and isinstance(inner, dict)
            below += inner.values() if by_name else inner if isinstance(inner, list) else [inner]
        sizes[id(part)] += sum(_unfolded(each, found, sizes) for each in below)
    return sizes[id(part)]


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…")


def _in_a_line(message: str) -> str:
    return " ".join(message.split())[:_LONGEST]
