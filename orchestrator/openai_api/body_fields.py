"""The fields of a body beside what it asks: which mean something, which change nothing, and which are refused. Pure.

    given  ── take ──>  what means something          what is left  ── check_rest ──>  harmless, neutral, or refused

OpenAI's clients send null for much that was not set; such fields are as good as left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..errors import InvalidRequest
from .sampling_fields import SAMPLED
from .told_values import cannot, shown, told

T = TypeVar("T")

# They change no answer.
_HARMLESS = frozenset(
    ("user", "metadata", "store", "service_tier", "safety_identifier", "prediction",
     "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")
)  # fmt: skip
# What these say when they say nothing, on each endpoint.
_NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "echo": (False,),
    "suffix": ("",),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "min_p": (0,),
    "repetition_penalty": (1,),
}
NEUTRAL_OF_CHATS: Mapping[str, tuple[object, ...]] = {
    "reasoning_effort": ("medium",),
    "verbosity": ("medium",),
}
"""What more fields say nothing in chats, and by which values."""
NEUTRAL_OF_RESPONSES: Mapping[str, tuple[object, ...]] = {
    "background": (False,),
    # Agents ask for it to send it back; reasoning here is plain text, and is not needed back.
    "include": ([], ["reasoning.encrypted_content"]),
    # What is too long is refused when it comes.
    "truncation": ("disabled", "auto"),
    "text.verbosity": ("medium",),
    "reasoning.effort": ("medium",),
    "reasoning.context": ("auto",),
    "reasoning.mode": ("standard",),
    "reasoning.summary": ("auto",),
    "reasoning.generate_summary": ("auto",),
}
"""The same for responses."""
# What these say where one answer is made as a whole, and no tool is called.
_NEUTRAL_OF_ONE: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "stream": (False,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
}
_KEPT = "nothing is kept between requests"
_INSTEAD: Mapping[str, str] = {
    "previous_response_id": f"{_KEPT}: send the whole conversation as input",
    "conversation": f"{_KEPT}: send the whole conversation as input",
    "background": f"{_KEPT}: wait for the response, or stream it",
}
FIELDS = frozenset(
    {
        *(*SAMPLED, *_HARMLESS, *_NEUTRAL, *_NEUTRAL_OF_ONE),
        *("model", "max_tokens", "max_completion_tokens", "response_format"),
        *("stream_options", "parallel_tool_calls"),
    }
)
"""What a body for one answer may have beside what it asks, if only with the value that says nothing."""

_NAMES: Mapping[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "an integer",
    dict: "an object",
}


def given_fields(
    body: Mapping[str, Any], asked: Sequence[str], opened: Sequence[str]
) -> dict[str, Any]:
    """The fields of a body that are set.

    Args:
        body: All of it.
        asked: The fields that have what it asks, which are left out.
        opened: Those that are objects of fields, which get names such as `text.format`.

    Raises:
        InvalidRequest: One that is to be opened is no object.
    """
    given = {name: value for name, value in body.items() if value is not None and name not in asked}
    for name in opened:
        for inner, value in take(given, name, dict, {}).items():
            if value is not None:
                given[f"{name}.{inner}"] = value
    return given


def take(given: dict[str, Any], name: str, kind: type[T], default: T) -> T:
    """A field, taken out of those that are given.

    Raises:
        InvalidRequest: It is of another kind.
    """
    value = given.pop(name, default)
    # True is an integer to Python, and to nobody else.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidRequest(f"{name} has to be {_NAMES[kind]}, and is {told(value)}", name)
    return value


def check_one(body: Mapping[str, Any]) -> None:
    """Refuses what a body asks beyond one answer as a whole.

    Raises:
        InvalidRequest: It asks for several, for a stream, or has tools.
    """
    names = (*_NEUTRAL_OF_ONE, "forkjoin")
    given = {name: body[name] for name in names if body.get(name) is not None}
    _check_neutral(given, _NEUTRAL_OF_ONE)


def check_rest(given: Mapping[str, Any], neutral: Mapping[str, Sequence[object]]) -> None:
    """Refuses what is left and says something.

    Args:
        given: What is left.
        neutral: By which values fields of the endpoint say nothing, beside those that all endpoints share.

    Raises:
        InvalidRequest: It cannot be honoured.
    """
    rest = {name: value for name, value in given.items() if name not in _HARMLESS}
    _check_neutral(rest, {**_NEUTRAL, **neutral})


def _check_neutral(given: Mapping[str, Any], neutral: Mapping[str, Sequence[object]]) -> None:
    for name, value in given.items():
        if not _is_one_of(value, neutral.get(name, ())):
            instead = _INSTEAD.get(name)
            message = f"{name} cannot be honoured, as {instead}" if instead else cannot(name, value)
            raise InvalidRequest(message, shown(name))


def _is_one_of(value: object, neutral: Sequence[object]) -> bool:
    return any(
        value == same and isinstance(value, bool) == isinstance(same, bool) for same in neutral
    )
