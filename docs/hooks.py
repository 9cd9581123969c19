"""Tables of options for the site, made of the code: what a page says of an option is what its docstring says.

A page asks for a table by a comment, which reads as nothing where no site is built:

    <!-- options method rebase -->                   what METHODS has under the name, as `method.OPTION`
    <!-- options rule ets method.rule -->            what RULES has, as `method.rule.OPTION`
    <!-- options class ModelSteps method.stepper --> a class of `reasoning` as it is by default

MkDocs calls `on_page_markdown`; all else is pure and knows nothing of MkDocs.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, NamedTuple

import docstring_parser

import reasoning
from engines import Sampling, option_names
from planners import PLANNERS
from reasoning import EMBEDDERS, METHODS, REDUCERS, RULES, SCORERS, STOPPING_RULES

CATALOGUES: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "method": METHODS,
    "reducer": REDUCERS,
    "scorer": SCORERS,
    "rule": RULES,
    "embedder": EMBEDDERS,
    "stopping rule": STOPPING_RULES,
}

_ASKED = re.compile(r"^<!-- options (\S+) (\S+)(?: (\S+))? -->$", re.MULTILINE)
_LINE = 60


class Option(NamedTuple):
    """A row of a table."""

    name: str
    default: str
    meaning: str
    by_text: bool


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page with its tables; MkDocs calls it for each page."""
    return _ASKED.sub(lambda asked: options_table(*asked.groups()), markdown)


def options_table(kind: str, name: str, place: str | None = None) -> str:
    """The options of what has a name, as a Markdown table.

    Args:
        kind: A catalogue (`method`, `reducer`, `scorer`, `rule`, `embedder`, `stopping-rule`), `planner`, or `class`.
        name: As in the catalogue, or of a class of `reasoning`.
        place: What stands before an option's name on the command line; by default the kind, for a class nothing.
    """
    place = place or ("" if kind == "class" else kind)
    options = options_of(kind, name)
    if not options:
        return "It has no options."
    prefix = f"{place}." if place else ""
    rows = [_row(option, prefix) for option in options]
    note = (
        []
        if all(option.by_text for option in options)
        else ["", "(Python): is set in Python only."]
    )
    return "\n".join(["| option | default | what it is |", "|---|---|---|", *rows, *note])


def named(kind: str, name: str) -> Any:
    """What a page asks for, as it is by default."""
    if kind == "class":
        return getattr(reasoning, name)()
    if kind == "planner":
        return PLANNERS[name](None)
    return CATALOGUES[kind.replace("-", " ")][name](Sampling())


@cache
def options_of(kind: str, name: str) -> tuple[Option, ...]:
    """The fields of what a page asks for, with what its docstring, and those of its bases, say of them."""
    thing = named(kind, name)
    meanings = _meanings(type(thing))
    settable = frozenset(option_names(thing, reasoning.choices(Sampling())))
    return tuple(
        _option(field.name, getattr(thing, field.name), meanings, settable)
        for field in dataclasses.fields(thing)
    )


def _option(
    name: str, default: object, meanings: Mapping[str, str], settable: Collection[str]
) -> Option:
    parts = any(option.startswith(f"{name}.") for option in settable)
    return Option(
        name=name if name in settable or not parts else f"{name}.*",
        default=_shown(default),
        meaning=meanings.get(name, ""),
        by_text=name in settable or parts,
    )


def _meanings(kind: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        told = docstring_parser.parse(inspect.cleandoc(base.__doc__ or ""))
        found |= {
            param.arg_name: " ".join((param.description or "").split()) for param in told.params
        }
    return found


def _shown(value: Any) -> str:
    """A default in a few characters: a part by its name in a catalogue, or by its class."""
    if isinstance(value, Sampling):
        own = value.model_dump(exclude_defaults=True)
        said = ", ".join(f"{name}={given!r}" for name, given in own.items())
        return f"`Sampling({said})`"
    if callable(value):
        return f"`{value.__name__}`"
    if dataclasses.is_dataclass(value):
        return f"`{_catalogue_names().get(type(value), type(value).__name__)}`"
    shown = _text_of(value)
    return f"`{shown}`" if len(shown) <= _LINE else "a text"


def _text_of(value: object) -> str:
    """A plain value as the command line takes it."""
    match value:
        case str():
            return value if value.isprintable() and value else json.dumps(value)
        case tuple():
            return json.dumps(value)
        case float():
            return f"{value:.3g}"
        case _:
            return repr(value)


@cache
def _catalogue_names() -> Mapping[type, str]:
    """What is in a catalogue, by its class; where a class has several names, by the first."""
    found: dict[type, str] = {}
    for catalogue in CATALOGUES.values():
        for name, make in catalogue.items():
            found.setdefault(type(make(Sampling())), name)
    return found


def _row(option: Option, prefix: str) -> str:
    name = f"`{prefix}{option.name}`" if option.by_text else f"`{option.name}` (Python)"
    return f"| {name} | {_cell(option.default)} | {_cell(option.meaning)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
