"""Checks JSON data by a JSON Schema, in bounded time: models write the data, and anybody the schema.

    find_error(value, schema) ─> jsonschema, whose every step looks at the clock, with patterns by regex

A search by the standard library's `re` cannot be ended, and "^(a+)+$" takes years for 45 letters. Nothing is fetched
for a reference. It does not know what the data are for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import SchemaError, ValidationError

SECONDS = 0.5
"""Of the processor's time: the most that one check takes."""

LONGEST_PATTERN = 10_000
# A group's copies are written out when a pattern is read: 100,000 characters take 0.1 s.
_LONGEST_UNROLLED = 100_000
_GROUPS_COPIES = re.compile(r"\)\{(\d+)")
_COPIES = re.compile(r"[^)]\{(\d+)")

_end: ContextVar[float] = ContextVar("_end")


class Uncheckable(ValueError):
    """Whether data fit cannot be told; in a line, why."""


def find_error(
    value: Any,
    schema: Mapping[str, Any],
    *,
    part: Any = None,
    best: bool = False,
    seconds: float = SECONDS,
) -> ValidationError | None:
    """What is wrong with data by a schema; None if they fit.

    Args:
        value: JSON data.
        schema: References start from it; read as its `$schema` says, else as draft 2020-12.
        part: The schema within it that the data should fit; None is all of it.
        best: Whether to look for the error that says most, instead of the first.
        seconds: What it may take.

    Raises:
        Uncheckable: It would take too long, or has no end.
    """
    from jsonschema.exceptions import best_match
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    # The registry is empty: nothing is fetched for a reference.
    validator = _bounded(validator_for(schema, default=Draft202012Validator))(
        schema, registry=Registry()
    )
    if part is not None:
        validator = validator.evolve(schema=part)
    with _within(seconds):
        errors: Iterator[ValidationError] = validator.iter_errors(value)
        try:
            return best_match(errors) if best else next(errors, None)
        except RecursionError:
            told = "to check it by the schema takes too long, or has no end"
            raise Uncheckable(told) from None


def find_schema_error(schema: Any, *, draft: Any, seconds: float = SECONDS) -> SchemaError | None:
    """Why something is no JSON Schema; None if it is one.

    Args:
        schema: The thing.
        draft: The validator of jsonschema whose schemas it should be of.
        seconds: What it may take.

    Raises:
        Uncheckable: It would take too long.
        RecursionError: It is too deep.
    """
    from jsonschema.exceptions import SchemaError, best_match
    from referencing import Registry

    official = draft.META_SCHEMA
    meta = _flat_meta_schema(draft) if "allOf" in official else official
    check = _bounded(draft)(meta, format_checker=draft.FORMAT_CHECKER, registry=Registry())
    with _within(seconds):
        error = best_match(check.iter_errors(schema))
    return None if error is None else SchemaError.create_from(error)


def pattern_problem(pattern: str) -> str:
    """Why a pattern cannot be matched in bounded time and room; empty if it can.

    >>> pattern_problem("^(a{1000}){1000}$")
    'would be too long with its copies written out'
    """
    if len(pattern) > LONGEST_PATTERN:
        return f"is longer than {LONGEST_PATTERN} characters"
    groups = prod(max(1, int(copies[:9])) for copies in _GROUPS_COPIES.findall(pattern))
    others = max((int(copies[:9]) for copies in _COPIES.findall(pattern)), default=1)
    unrolled = len(pattern) * groups * max(1, others)
    return "would be too long with its copies written out" if unrolled > _LONGEST_UNROLLED else ""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    before = _end.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _end.reset(before)


def _seconds_left() -> float:
    left = _end.get() - time.thread_time()
    if left <= 0:
        raise Uncheckable("to check it by the schema takes too long, or has no end")
    return left


@cache
def _bounded(validator: Any) -> Any:
    """A validator of jsonschema's whose every step looks at the clock."""
    from jsonschema import validators

    extend: Any = validators.extend
    steps = {name: _timed(step) for name, step in validator.VALIDATORS.items()}
    steps["pattern"] = _timed(_pattern)
    bounded = extend(validator, steps)
    fields = [(field.alias, field.name) for field in bounded.__attrs_attrs__ if field.init]

    def evolve(self: Any, **changes: Any) -> Any:
        return bounded(**{alias: getattr(self, name) for alias, name in fields} | changes)

    # Its own leaves the class where a part of a schema has a `$schema`.
    bounded.evolve = evolve
    return bounded


def _timed(step: Callable[..., Any]) -> Callable[..., Any]:
    def timed(validator: Any, said: Any, value: Any, schema: Any) -> Any:
        _seconds_left()
        return step(validator, said, value, schema)

    return timed


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    import regex
    from jsonschema.exceptions import ValidationError

    if not validator.is_type(value, "string"):
        return
    short = f"{pattern[:60]!r}"
    if problem := pattern_problem(pattern):
        raise Uncheckable(f"the pattern {short} {problem}")
    try:
        found = regex.search(pattern, value, timeout=_seconds_left())
    except TimeoutError:
        raise Uncheckable(f"the pattern {short} takes too long to be matched") from None
    except regex.error as error:
        raise Uncheckable(f"the pattern {short} cannot be read: {error}") from None
    if not found:
        yield ValidationError(f"{value!r} does not match {pattern!r}")


@cache
def _flat_meta_schema(draft: Any) -> Mapping[str, Any]:
    """What a schema of a new draft is, in one piece: the official one is in eight, and takes ten times as long."""
    from jsonschema_specifications import REGISTRY

    official = draft.META_SCHEMA
    place = official["$id"].removesuffix("schema")
    pieces = [REGISTRY.contents(place + piece["$ref"]) for piece in official["allOf"]]
    whole: dict[str, Any] = {"type": ["object", "boolean"], "properties": {}, "$defs": {}}
    # What old drafts had, the official schema has itself.
    for piece in (official, *pieces):
        for name in ("properties", "$defs"):
            whole[name] |= {key: _in_one_piece(part) for key, part in piece.get(name, {}).items()}
    return whole


def _in_one_piece(part: Any) -> Any:
    if isinstance(part, list):
        return [_in_one_piece(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "$dynamicRef" in part or "$recursiveRef" in part:
        return {"$ref": "#"}
    flat = {name: _in_one_piece(inner) for name, inner in part.items()}
    if isinstance(reference := flat.get("$ref"), str):
        flat["$ref"] = reference[reference.index("#") :]
    return flat
