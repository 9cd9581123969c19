"""How a request wants to be thought about, in its own words: names, options as texts, limits. Pure.

    "self-consistency:n=8,reducer=best"                        behind the model's name
    {"method": "self-consistency", "set": {"method.samples": 8}, "budget": {"tokens": 9000}}    as `forkjoin`

Both may be there, as long as they do not contradict each other. It knows which ways there are, and not what they do.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engines import Sampling, UsageError
from planners import PLANNERS, planner_named
from reasoning import METHODS, method_named

from ...errors import InvalidRequest
from ...forecasting.method_shape import COUNTS
from ...openai_api.told_values import told
from ...part_settings import THINGS, PartSettings

FIELD = "forkjoin"
"""The field of a body; with the openai client `extra_body={"forkjoin": ...}`."""

COUNT = "n"
"""What the number of a method's threads is called in a model's name, whatever the method calls it."""

_COUNTS = (*COUNTS, "width")
_FIELDS = (*THINGS, "set", "budget", "events")
_LIMITS = ("tokens", "calls", "seconds", "money")


@dataclass(frozen=True, kw_only=True)
class AskedWay:
    """How a request wants to be thought about.

    Attributes:
        planner: The planner's name; None where none is named.
        method: The method's.
        reducer: The reducer's, for what plans merge.
        settings: The options of these three.
        budget: Limits by their names.
        events: Whether a stream tells what happens on the way.
    """

    planner: str | None = None
    method: str | None = None
    reducer: str | None = None
    settings: PartSettings = field(default_factory=lambda: PartSettings(()))
    budget: Mapping[str, float] = field(default_factory=dict)
    events: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether it names no way at all."""
        return self.planner is None and self.method is None

    def refuse_parts(self) -> None:
        """Refuses options and a reducer where nothing is there to take them.

        Raises:
            InvalidRequest: There are some.
        """
        for thing, options in self.settings.by_thing.items():
            for name in options:
                raise _refused(f"{thing}.{name}: {FIELD} names neither a method nor a planner")
        if self.reducer is not None:
            raise _refused(f"{FIELD}.reducer: it names neither a method nor a planner")


_PLAIN = AskedWay()


def asked_way(suffix: str, said: Mapping[str, Any]) -> AskedWay:
    """How a request wants to be thought about.

    Args:
        suffix: What stands behind the `@` of its model; empty where there is none.
        said: What its `forkjoin` says.

    Raises:
        InvalidRequest: They say what nobody knows, or contradict each other; it lists what is known.
    """
    if not suffix and not said:
        return _PLAIN
    behind = _Suffix.read(suffix)
    for name in said.keys() - set(_FIELDS):
        raise _refused(f"{FIELD}.{told(name)[1:-1]}: there is {', '.join(_FIELDS)}")
    names = {thing: _one_of(thing, behind.names.get(thing), said.get(thing)) for thing in THINGS}
    items = (*behind.items, *_items(said.get("set", {})))
    try:
        settings = PartSettings(items)
    except UsageError as error:
        raise _refused(str(error)) from None
    events = said.get("events", True)
    if not isinstance(events, bool):
        raise _refused(f"{FIELD}.events has to be true or false, and is {told(events)}")
    budget = _budget(said.get("budget", {}))
    return AskedWay(**names, settings=settings, budget=budget, events=events)


def ways() -> tuple[str, ...]:
    """What can stand behind an `@`."""
    return (*METHODS, *PLANNERS)


@dataclass(frozen=True)
class _Suffix:
    names: Mapping[str, str]
    items: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, text: str) -> _Suffix:
        if not text:
            return cls({}, ())
        way, _, options = text.partition(":")
        configuration: Any
        if way in METHODS:
            thing, configuration = "method", method_named(way, Sampling())
        elif way in PLANNERS:
            thing, configuration = "planner", planner_named(way)
        else:
            known = f"{', '.join(METHODS)}; or a planner: {', '.join(PLANNERS)}"
            raise InvalidRequest(f"there is no method {told(way)}: choose from {known}", "model")
        names = {field.name for field in dataclasses.fields(configuration)}
        items = tuple(_option(item, thing, way, names) for item in options.split(",") if options)
        return cls({thing: way}, items)


def _option(item: str, thing: str, way: str, names: set[str]) -> tuple[str, str]:
    """An option behind a model's name: the way's own, unless it names another thing and the way has no such part."""
    name, separator, value = item.strip().partition("=")
    if not separator or not name:
        raise InvalidRequest(
            f"{told(item)} behind {way}: write MODEL@{way}:KEY=VALUE,KEY=VALUE", "model"
        )
    if value.startswith(("[", "{")):
        key = name if name.partition(".")[0] in THINGS else f"{thing}.{name}"
        raise InvalidRequest(
            f"{told(item)} behind {way}: a list or an object cannot stand in a model's name, whose options end at "
            f'commas: write {{"set": {{"{told(key)[1:-1]}": [...]}}}} as {FIELD}',
            "model",
        )
    if name == COUNT and COUNT not in names:
        counts = [count for count in _COUNTS if count in names]
        if not counts:
            raise InvalidRequest(f"{COUNT}={value}: {way} has no number of threads", "model")
        name = counts[0]
    first, dot, _ = name.partition(".")
    return (name if dot and first in THINGS and first not in names else f"{thing}.{name}"), value


def _one_of(thing: str, behind: str | None, said: object) -> str | None:
    if not isinstance(said, str | None):
        raise _refused(f"{FIELD}.{thing} has to be a name, and is {told(said)}")
    if behind is not None and said not in (None, behind):
        raise _refused(f"{FIELD}.{thing} is {told(said)}, and the model's name says {behind}")
    return behind or said


def _items(settings: object) -> Iterator[tuple[str, str]]:
    if not isinstance(settings, Mapping):
        raise _refused(f'{FIELD}.set has to be an object such as {{"method.samples": 8}}')
    for name, value in settings.items():
        yield name, value if isinstance(value, str) else json.dumps(value)


def _budget(limits: object) -> Mapping[str, float]:
    if not isinstance(limits, Mapping) or not limits.keys() <= set(_LIMITS):
        raise _refused(f"{FIELD}.budget has to be an object with some of {', '.join(_LIMITS)}")
    for name, limit in limits.items():
        whole = name in ("tokens", "calls")
        if isinstance(limit, bool) or not isinstance(limit, int if whole else int | float):
            kind = "whole number" if whole else "number"
            raise _refused(f"{FIELD}.budget.{name} has to be a {kind}, and is {told(limit)}")
        if not 0 < limit < 2**63:
            raise _refused(f"{FIELD}.budget.{name} of {told(limit)}: give more than 0")
    return dict(limits)


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(message, FIELD)
