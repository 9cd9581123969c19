"""How likely servers say that tokens were, in their two formats. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ..logprobs import Logprob, TokenLogprobs
from .answer_shape import text_in

# JSON has no infinity: OpenAI and vLLM write this for what is impossible, such as what a constraint forbids.
_IMPOSSIBLE = -9999.0


def logprobs_of_ids(found: Any, token_ids: Sequence[int], most: int) -> tuple[TokenLogprobs, ...]:
    """Those of a completion: lists of the tokens, of their values, and of the likeliest by text.

    The likeliest are known by text only, of which several ids may have the same; only the chosen id is in the answer.
    vLLM adds the chosen token to them.

    Args:
        found: What the answer says; None where it says nothing.
        token_ids: The ids that it is about.
        most: How many of the likeliest were asked for.
    """
    if found is None:
        return ()
    places = zip(
        token_ids, found["tokens"], found["token_logprobs"], found["top_logprobs"], strict=True
    )
    return tuple(
        _place(Logprob(text_in(text), logprob_told(value), id), (top or {}).items(), most)
        for id, text, value, top in places
    )


def logprobs_of_chat(found: Any, most: int) -> tuple[TokenLogprobs, ...]:
    """Those of a chat completion: an object for each token. Arguments as for ids."""
    content = (found or {}).get("content") or ()
    return tuple(
        _place(
            Logprob(text_in(token["token"]), logprob_told(token["logprob"])),
            [(top["token"], top["logprob"]) for top in token.get("top_logprobs") or ()],
            most,
        )
        for token in content
    )


def _place(chosen: Logprob, likeliest: Iterable[tuple[Any, Any]], most: int) -> TokenLogprobs:
    tokens = [
        chosen if text == chosen.text else Logprob(text_in(text), logprob_told(value))
        for text, value in likeliest
    ]
    possible = [token for token in tokens if token.value != -math.inf]
    return TokenLogprobs(chosen, tuple(sorted(possible, key=lambda token: -token.value)[:most]))


def logprob_told(told: Any) -> float:
    """A value as servers write it: minus infinity as a large number, and NaN as nothing."""
    # What vLLM streams of a model that is broken.
    if told is None:
        return math.nan
    value = float(told)
    return -math.inf if value <= _IMPOSSIBLE else value
