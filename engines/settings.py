"""Options of frozen configurations, such as planners, methods and reducers, from texts: `sampling.temperature=0`. Pure.

An option is a field of a dataclass or of a pydantic model; a field that holds one of these has options of its own. A
text becomes a value by the field's type: as JSON where that fits, else as it stands.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from .errors import UsageError

T = TypeVar("T")


def configured(thing: T, settings: Mapping[str, str], *, place: str = "") -> T:
    """The same configuration with these options.

    Args:
        thing: A frozen dataclass, or a pydantic model.
        settings: The value of each option as text, by its name, with dots between a name and one inside of it.
        place: What stands before an option's name where people write it, for messages.

    Raises:
        UsageError: There is no such option, or it does not take the value.

    >>> from engines import Sampling
    >>> configured(Sampling(), {"max_tokens": "64", "seed": "7"}).max_tokens
    64
    """
    known = tuple(option_names(thing))
    for name in settings:
        if name not in known:
            names = ", ".join(known) or "none"
            raise UsageError(f"{place}{name}: there is no such option: there is {names}")
    return _configured(thing, settings, place)


def option_names(thing: object) -> Iterator[str]:
    """The options of a configuration, those inside of others too.

    >>> from engines import Sampling
    >>> "temperature" in option_names(Sampling())
    True
    """
    for name in _fields(thing):
        inner = _held(thing, name)
        if _fields(inner):
            yield from (f"{name}.{part}" for part in option_names(inner))
        elif _adapter(thing, name) is not None:
            yield name


def _configured(thing: T, settings: Mapping[str, str], place: str) -> T:
    inside: dict[str, dict[str, str]] = {}
    values: dict[str, Any] = {}
    for option, text in settings.items():
        name, _, rest = option.partition(".")
        if rest:
            inside.setdefault(name, {})[rest] = text
        else:
            values[name] = _value(thing, name, text, f"{place}{name}")
    for name, part in inside.items():
        values[name] = _configured(_held(thing, name), part, f"{place}{name}.")
    # All at once, since some fit only together.
    try:
        return _replaced(thing, values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        _refuse(f"{place}{name}={settings.get(name)}", error)
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
            if isinstance(kind, type) and (
                issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)
            ):
                with suppress(TypeError, ValueError):
                    return kind()
    return held


def _annotation(thing: object, name: str) -> Any:
    try:
        return typing.get_type_hints(type(thing), include_extras=True)[name]
    except NameError:
        # A name that only type checkers see.
        return None


def _adapter(thing: object, name: str) -> TypeAdapter[Any] | None:
    """Reads values of a field; None where no text can be one, as with functions."""
    annotation = _annotation(thing, name)
    try:
        adapter = TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))
        adapter.json_schema()
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            return None
        adapter = TypeAdapter(annotation)
    return adapter


def _value(thing: object, name: str, text: str, option: str) -> Any:
    adapter = _adapter(thing, name)
    assert adapter is not None
    with suppress(ValueError):
        return adapter.validate_python(json.loads(text))
    try:
        return adapter.validate_python(text)
    except ValidationError as error:
        _refuse(f"{option}={text}", error)


def _refuse(what: str, error: ValidationError) -> NoReturn:
    message = error.errors(include_url=False)[0]["msg"]
    raise UsageError(f"{what}: {message[:1].lower()}{message[1:]}") from None
