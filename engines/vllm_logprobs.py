"""How likely vLLM says that tokens were. Pure: it takes vLLM's records as they come and imports none.

vLLM's `raw_logprobs`, its default, are what is wanted: both of its model runners mask what a constraint forbids in the
logits themselves, before the sampler takes these; temperature, top_p and penalties come after. The contract of engines
checks it. (`processed_logprobs` would have those in it too, and `logprob_token_ids` would need the ids of the options.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from .logprobs import Logprob, TokenLogprobs


class Entry(Protocol):
    """vLLM's `Logprob`."""

    @property
    def logprob(self) -> float:
        """The value; minus infinity for what a constraint forbids."""

    @property
    def decoded_token(self) -> str | None:
        """The token as text."""


def read_logprobs(
    token_ids: Sequence[int], places: Sequence[Mapping[int, Entry]], most: int
) -> tuple[TokenLogprobs, ...]:
    """One for each of the ids.

    Args:
        token_ids: New ids.
        places: By id, for these: the token that was sampled, and the likeliest. Older versions give all places so
            far with a part that has no ids.
        most: How many of the likeliest were asked for.
    """
    new = places[-len(token_ids) :] if token_ids else ()
    return tuple(_place(id, entries, most) for id, entries in zip(token_ids, new, strict=True))


def _place(chosen: int, entries: Mapping[int, Entry], most: int) -> TokenLogprobs:
    # The sampled token comes first, and beyond the likeliest where it is none of them.
    found = [Logprob(entry.decoded_token or "", entry.logprob, id) for id, entry in entries.items()]
    possible = [token for token in found if token.value != -math.inf]
    top = sorted(possible, key=lambda token: -token.value)[:most]
    return TokenLogprobs(next(token for token in found if token.token_id == chosen), tuple(top))
