"""Options of frozen configurations, such as planners, methods and reducers, from texts: `sampling.temperature=0`. Pure.

An option is a field of a dataclass or of a pydantic model; a field that holds one of these has options of its own. A
text becomes a value by the field's type: as JSON where that fits, else as it stands. Where the type is an interface, a
text may name what is to be held; which names there are is said by those who know the interface.

    {"method": "parathinker", "method.threads": "2"}     first what is held, then the options inside of it
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from .errors import UsageError

T = TypeVar("T")


Named = Mapping[Any, Callable[[str, Any], Any]]
"""By the type of a field: makes what a text names, given what the field holds now.

A name that it does not know is refused with `...: choose from` those that it knows.
"""


# By the name of an option: what has it, or could be chosen for it.
_Others = Callable[[str], str]


def configured(
    thing: T, settings: Mapping[str, str], *, place: str = "", named: Named | None = None
) -> T:
    """The same configuration with these options, in whatever order.

    Args:
        thing: A frozen dataclass, or a pydantic model.
        settings: The value of each option as text, by its name, with dots between a name and one inside of it.
        place: What stands before an option's name where people write it, for messages.
        named: What can be chosen by a name.

    Raises:
        UsageError: There is no such option, or it does not take the value.

    >>> from engines import Sampling
    >>> configured(Sampling(), {"max_tokens": "64", "seed": "7"}).max_tokens
    64
    """
    return _configured(thing, settings, place, named or {})


def option_names(thing: object, named: Container[Any] = ()) -> Iterator[str]:
    """The options of a configuration, those inside of others too.

    Args:
        thing: A frozen dataclass, or a pydantic model.
        named: The types of fields for which something can be chosen by a name.

    >>> from engines import Sampling
    >>> "temperature" in option_names(Sampling())
    True
    """
    for name in _fields(thing):
        if _can_be_set(thing, name, named):
            yield name
        yield from (f"{name}.{part}" for part in option_names(_held(thing, name), named))


def _configured(
    thing: T, settings: Mapping[str, str], place: str, named: Named, others: _Others | None = None
) -> T:
    """`others` tells what could be here instead of the thing, and has an option, for messages."""
    inside: dict[str, dict[str, str]] = {}
    values: dict[str, Any] = {}
    for option, text in settings.items():
        name, dot, rest = option.partition(".")
        if name not in _fields(thing) or not (dot or _can_be_set(thing, name, named)):
            _refuse_unknown(thing, option, place, named, others)
        if dot:
            inside.setdefault(name, {})[rest] = text
        else:
            values[name] = _value(thing, name, text, f"{place}{name}", named)
    for name, part in inside.items():
        held = values[name] if name in values else _held(thing, name)
        instead = partial(_others, thing, name, f"{place}{name}", named)
        if not _has_options(held, named):
            _refuse_unknown(thing, f"{name}.{next(iter(part))}", place, named, instead)
        values[name] = _configured(held, part, f"{place}{name}.", named, instead)
    # All at once, since some fit only together.
    try:
        return _replaced(thing, values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        _refuse(f"{place}{name}={settings.get(name)}", error, depth=1)
    except UsageError as error:
        given = ", ".join(f"{place}{name}={text}" for name, text in settings.items())
        raise UsageError(f"{given}: {error}") from None


def _replaced(thing: T, values: Mapping[str, Any]) -> T:
    if isinstance(thing, BaseModel):
        # A copy would not be checked.
        return type(thing).model_validate({**dict(thing), **values})
    return dataclasses.replace(thing, **values)  # type: ignore[type-var]  # it has fields


def _fields(thing: Any) -> tuple[str, ...]:
    if isinstance(thing, BaseModel):
        return tuple(type(thing).model_fields)
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return tuple(field.name for field in dataclasses.fields(thing) if field.init)
    return ()


def _held(thing: object, name: str) -> Any:
    """What a field holds; where that is nothing, the configuration that it could hold, if that needs no more."""
    held = getattr(thing, name)
    if held is None:
        for kind in typing.get_args(_annotation(thing, name)):
            if _is_configuration(kind):
                with suppress(TypeError, ValueError):
                    return kind()
    return held


def _annotation(thing: object, name: str) -> Any:
    kind: Any = type(thing)
    return _annotations(kind).get(name)


# A server reads options for every request, and this is a tenth of all that it does for one.
@lru_cache(maxsize=256)
def _annotations(kind: type) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except NameError:
        # A name that only type checkers see.
        return {}


def _adapter(thing: object, name: str) -> TypeAdapter[Any] | None:
    """Reads values of a field; None where no text can be one, as with functions."""
    kind: Any = type(thing)
    return _adapter_of(kind, name)


@lru_cache(maxsize=1024)
def _adapter_of(kind: type, name: str) -> TypeAdapter[Any] | None:
    annotation: Any = _annotations(kind).get(name)
    try:
        adapter = TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))
        adapter.json_schema()
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            return None
        adapter = TypeAdapter(annotation)
    return adapter


def _has_options(thing: object, named: Container[Any]) -> bool:
    return any(True for _ in option_names(thing, named))


def _can_be_set(thing: object, name: str, named: Container[Any]) -> bool:
    """Whether a text can be the value of a field as a whole."""
    if _interface(thing, name, named) is not None:
        return True
    if _may_hold_one_configuration(thing, name):
        return False
    return not _fields(_held(thing, name)) and _adapter(thing, name) is not None


def _may_hold_one_configuration(thing: object, name: str) -> bool:
    """Whether a field is for nothing or a configuration of one kind, which is set by its parts if at all."""
    kinds = [kind for kind in typing.get_args(_annotation(thing, name)) if kind is not type(None)]
    return len(kinds) == 1 and _is_configuration(kinds[0])


def _is_configuration(kind: Any) -> bool:
    return isinstance(kind, type) and (
        issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)
    )


def _interface(thing: object, name: str, named: Container[Any]) -> Any:
    """The type of a field for which something can be chosen by a name; None where it is none of these."""
    annotation = _annotation(thing, name)
    kinds = (annotation, *typing.get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and kind in named), None)


def _value(thing: object, name: str, text: str, option: str, named: Named) -> Any:
    interface = _interface(thing, name, named)
    if interface is not None:
        try:
            return named[interface](text, getattr(thing, name))
        except UsageError as error:
            raise UsageError(f"{option}={text}: {error}") from None
    adapter = _adapter(thing, name)
    assert adapter is not None
    errors = []
    for read in (json.loads, str):
        try:
            return adapter.validate_python(read(text))
        except ValidationError as error:
            errors.append(error)
        except ValueError:
            pass
    # What looks like a list or an object was hardly meant as a text.
    _refuse(f"{option}={text}", errors[0 if text.startswith(("[", "{")) else -1])


def _others(thing: object, name: str, option: str, named: Named, wanted: str) -> str:
    """What can be chosen for a field by its name, of these the first that has the option wanted; empty if nothing can.

    An option inside of another is wanted by the name of that.
    """
    interface = _interface(thing, name, named)
    if interface is None:
        return ""
    held = getattr(thing, name)
    try:
        # No name at all is refused with all that there are.
        named[interface]("", held)
    except UsageError as error:
        known = str(error).rpartition(": ")[2]
        for choice in known.removeprefix("choose from ").split(", "):
            with suppress(UsageError):
                if wanted in _fields(named[interface](choice, held)):
                    return f"; {option}={choice} has it"
        return f"; for another {option}, {known}"
    return ""


def _refuse_unknown(
    thing: object, option: str, place: str, named: Named, others: _Others | None
) -> NoReturn:
    """Says which options there are here; those inside of one are told when it is asked for."""
    if option in _fields(thing) and _has_options(_held(thing, option), named):
        inside = ", ".join(f"{option}.{part}" for part in _known(_held(thing, option), named))
        raise UsageError(f"{place}{option}: it is set by what is inside of it: there is {inside}")
    known = ", ".join(_known(thing, named)) or "none"
    instead = others(option.partition(".")[0]) if others else ""
    raise UsageError(f"{place}{option}: there is no such option: there is {known}{instead}")


def _known(thing: object, named: Named) -> Iterator[str]:
    """The options of a configuration, with a mark for those inside of others."""
    for name in _fields(thing):
        if _can_be_set(thing, name, named):
            yield name
        if _has_options(_held(thing, name), named):
            yield f"{name}.…"


def _refuse(what: str, error: ValidationError, depth: int = 0) -> NoReturn:
    """Says what is allowed, in all the ways that the type has; `depth` is where a place in an error begins."""
    first, *rest = error.errors(include_url=False)
    # In a union each of its types has an error of its own, at a place that is named after the type.
    tried = [other for other in rest if _is_alternative(first["loc"], other["loc"], depth)]
    wanted = list(dict.fromkeys(map(_wanted, [first, *tried])))
    alternatives = [text.removeprefix("input should be ") for text in wanted[1:]]
    raise UsageError(f"{what}: {', or '.join([wanted[0], *alternatives])}") from None


def _is_alternative(first: tuple[int | str, ...], other: tuple[int | str, ...], depth: int) -> bool:
    same_field = other[:depth] == first[:depth]
    tags = first[depth : depth + 1] + other[depth : depth + 1]
    return same_field and all(isinstance(tag, str) for tag in tags)


def _wanted(error: Mapping[str, Any]) -> str:
    text = str(error["msg"]).partition(", unable")[0]
    if error["type"] in ("tuple_type", "list_type", "set_type", "frozen_set_type"):
        # Of an empty text most likely nothing is wanted, and a list of it is rarely taken.
        given = [] if error["input"] == "" else [error["input"]]
        text += f", as JSON, such as {json.dumps(given, default=str)}"
    elif error["type"] == "dict_type":
        text += ", as a JSON object"
    return text[:1].lower() + text[1:]
