"""What a request calls its model: a model that is here, and how it is to think. Pure.

    "qwen@self-consistency:n=8"  ->  qwen, "self-consistency:n=8"

A model's own name may hold an `@`: names that are here are known as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...errors import InvalidRequest, UnknownModel

_BETWEEN = "@"


class NamedModel(NamedTuple):
    """A model of this server, and what stands behind its name; empty if nothing does."""

    model: str
    way: str


def named_model(asked: str, known: Sequence[str]) -> NamedModel:
    """Takes a model's name apart.

    Args:
        asked: As the request has it; an empty name is the first of the known, `@WAY` too.
        known: The models that are here.

    Raises:
        UnknownModel: It is none of them.
        InvalidRequest: Nothing stands behind the `@`.

    >>> named_model("qwen@best-of-n", ["qwen"])
    NamedModel(model='qwen', way='best-of-n')
    >>> named_model("me@home@best-of-n", ["me@home"]).model
    'me@home'
    """
    if asked in known:
        return NamedModel(asked, "")
    for name in sorted((*known, ""), key=len, reverse=True):
        if asked.startswith(f"{name}{_BETWEEN}"):
            if asked.endswith(_BETWEEN):
                raise InvalidRequest(
                    f"model of {asked!r}: name a method or a planner behind the {_BETWEEN}, or leave it out",
                    "model",
                )
            return NamedModel(name or known[0], asked[len(name) + 1 :])
    if not asked:
        return NamedModel(known[0], "")
    raise UnknownModel(asked.partition(_BETWEEN)[0], known)


def with_way(model: str, way: str) -> str:
    """The name of a model that is to think in a way.

    >>> with_way("qwen", "best-of-n")
    'qwen@best-of-n'
    """
    return f"{model}{_BETWEEN}{way}"
