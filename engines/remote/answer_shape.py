"""The boundary to what a server puts into its JSON: another shape than the API's is one error of ours. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import index
from typing import Any

from ..errors import NotAnEngine

_LONGEST_REASON = 200


@contextmanager
def expected_shape(address: str) -> Iterator[None]:
    """A block that takes an answer apart.

    Args:
        address: Where the answer came from, for the message.

    Raises:
        NotAnEngine: Something in it is missing or of another kind.
    """
    try:
        yield
    except KeyError as error:
        raise _other_shape(address, f"no {error}") from error
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        raise _other_shape(address, error) from error


def text_in(value: Any) -> str:
    """A value that has to be text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where text belongs")
    return value


def ids_in(value: Any) -> tuple[int, ...]:
    """A value that has to be a list of token ids."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r} where a list of token ids belongs")
    return tuple(map(index, value))


def prompt_tokens_in(address: str, answer: dict[str, Any]) -> int:
    """How many tokens the server read; 0 where the server does not say."""
    with expected_shape(address):
        return index((answer.get("usage") or {}).get("prompt_tokens") or 0)


def _other_shape(address: str, reason: object) -> NotAnEngine:
    line = " ".join(str(reason).split())[:_LONGEST_REASON]
    return NotAnEngine(
        f"{address} sent an answer that no OpenAI-compatible API sends ({line}): "
        f"check the address, or update the server"
    )
