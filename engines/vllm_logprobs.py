"""How likely vLLM says that tokens were. Pure: it takes vLLM's records as they come and imports none.

vLLM's `raw_logprobs`, its default, are what is wanted: both of its model runners mask what a constraint forbids in the
logits themselves, before the sampler takes these; temperature, top_p and penalties come after. The contract of engines
checks it. (`processed_logprobs` would have those in it too, and `logprob_token_ids` would need the ids of the options.)

With 20 likeliest tokens a place, an object for each and a text decoded for each would cost more time than the model
takes. So the flat records are asked for (`flat_logprobs`), and each token is decoded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .logprobs import Logprob, LogprobColumns, TokenLogprobs


class FlatPlaces(Protocol):
    """vLLM's `FlatLogprobs`: the tokens of all places in one list each, and where each place begins and ends.

    Of a place the token that was sampled comes first, then the likeliest in their order, which may be it again.
    """

    start_indices: list[int]
    end_indices: list[int]
    token_ids: list[int]
    logprobs: list[float]
    decoded_tokens: list[str | None]


def read_logprobs(
    token_ids: Sequence[int], places: FlatPlaces, most: int
) -> tuple[TokenLogprobs, ...]:
    """One for each of the ids.

    Args:
        token_ids: New ids.
        places: Those of these ids. Older versions give all places so far with a part that has no ids.
        most: How many of the likeliest were asked for.
    """
    new = slice(len(places.start_indices) - len(token_ids), None)
    bounds = zip(token_ids, places.start_indices[new], places.end_indices[new], strict=True)
    return tuple(_place(places, start, min(end, start + 1 + most)) for _, start, end in bounds)


def _place(places: FlatPlaces, start: int, end: int) -> TokenLogprobs:
    texts, values, ids = places.decoded_tokens, places.logprobs, places.token_ids
    chosen = Logprob(texts[start] or "", values[start], ids[start])
    # What a constraint forbids is there, as the last ones, where it leaves fewer than were asked for.
    while end > start + 1 and values[end - 1] == -math.inf:
        end -= 1
    likeliest = slice(start + 1, end)
    known = tuple(text or "" for text in texts[likeliest])
    return TokenLogprobs(
        chosen, LogprobColumns(known, tuple(values[likeliest]), tuple(ids[likeliest]))
    )


def decode_once(tokenizer: Any) -> None:
    """Has a tokenizer remember what its `decode` says of single tokens."""
    # Engines of the same model may share it.
    if not isinstance(tokenizer.decode, _DecodeOnce):
        tokenizer.decode = _DecodeOnce(tokenizer.decode)


class _DecodeOnce:
    def __init__(self, decode: Callable[..., str]) -> None:
        self._decode = decode
        self._known: dict[int, str] = {}

    def __call__(self, token_ids: Any, *args: Any, **options: Any) -> str:
        if args or options or not isinstance(token_ids, list) or len(token_ids) != 1:
            return self._decode(token_ids, *args, **options)
        (token,) = token_ids
        text = self._known.get(token)
        if text is None:
            text = self._known[token] = self._decode(token_ids)
        return text
