"""Reads how a body wants its answer sampled, into the fields of `Sampling`. Pure.

{"max_tokens": 64, "stop": "."}  ->  {"max_tokens": 64, "stop": (".",)}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engines import Sampling

from ..errors import InvalidRequest
from ..json_schemas import schema_problem
from .told_values import told, valued

SAMPLED = ("temperature", "top_p", "top_k", "seed", "stop", "stop_token_ids", "ignore_eos")
"""The fields that are called in bodies as they are in `Sampling`."""

_NUMBERS_END = 2**31


def take_sampling(given: dict[str, Any], *, longest: tuple[str, ...], form: str) -> dict[str, Any]:
    """The fields of `Sampling` that a body sets; they are taken out of it.

    Args:
        given: The fields of the body that are not null.
        longest: What the most tokens are called in it, whichever is there.
        form: What the form of the response is called in messages: it stands in `given` under this name.

    Raises:
        InvalidRequest: A value does not fit.
    """
    # What the body calls what `Sampling` calls otherwise.
    called = next((name for name in longest if name in given), "max_tokens")
    names = {"constraint": form, "max_tokens": called}
    sampling = {name: given.pop(name) for name in SAMPLED if name in given}
    sampling |= _max_tokens(given, longest) | _constraint(given.pop(form, None), form)
    return _checked(sampling, names)


def _max_tokens(given: dict[str, Any], longest: tuple[str, ...]) -> dict[str, Any]:
    said = {name: given.pop(name) for name in longest if name in given}
    values = list(said.values())
    if len(values) == 2 and values[0] != values[1]:
        both = " and ".join(f"{name} {told(value)}" for name, value in said.items())
        raise InvalidRequest(f"{both} differ: give one of them", next(iter(said)))
    return {"max_tokens": values[0]} if values else {}


def _constraint(form: object, name: str) -> dict[str, Any]:
    match form:
        case None | {"type": "text"}:
            return {}
        case {"type": "json_object"}:
            return {"constraint": {"kind": "json", "definition": {"type": "object"}}}
        # The first is that of chats, the second that of responses.
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}} | {
            "type": "json_schema",
            "schema": dict(schema),
        }:
            if problem := schema_problem(schema, named=True):
                raise InvalidRequest(f"{name}: its schema {problem}", name)
            return {"constraint": {"kind": "json", "definition": schema}}
    raise InvalidRequest(
        f"{name} has to be of type text, json_object, or json_schema with a schema, and is {told(form)}",
        name,
    )


def _checked(sampling: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The fields with the types that `Sampling` has them in."""
    if isinstance(sampling.get("stop"), str):
        sampling["stop"] = [sampling["stop"]]
    for name in ("stop", "stop_token_ids"):
        if isinstance(sampling.get(name), list):
            sampling[name] = tuple(sampling[name])
    stop = sampling.get("stop")
    if isinstance(stop, tuple) and "" in stop:
        raise InvalidRequest("stop holds an empty text, which is everywhere: leave it out", "stop")
    try:
        whole = Sampling.model_validate(sampling, strict=True)
    except ValidationError as error:
        raise _invalid(error, names) from None
    _check_sizes(sampling, names)
    return {name: getattr(whole, name) for name in sampling}


def _check_sizes(sampling: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Refuses numbers that engines fail by."""
    for name in ("temperature", "top_k", "max_tokens", "stop_token_ids"):
        values = sampling.get(name, ())
        for value in values if isinstance(values, tuple) else (values,):
            if not 0 <= value < _NUMBERS_END:
                called = names.get(name, name)
                raise InvalidRequest(
                    f"{called} of {told(value)} does not fit: give a number from 0 to below 2**31",
                    called,
                )


def _invalid(error: ValidationError, names: Mapping[str, str]) -> InvalidRequest:
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    name = names.get(name, name)
    # Nobody writes a tuple in JSON.
    said = (first["msg"][:1].lower() + first["msg"][1:]).replace("valid tuple", "list")
    return InvalidRequest(f"{valued(name, first['input'])} does not fit: {said}", name)
