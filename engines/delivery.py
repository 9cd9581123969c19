"""How a call is to be served. It changes no result, so it is no part of the request and of no journal key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a call is to be served.

    Attributes:
        whole: Whether nobody reads its parts: one chunk at the end, which costs the least. Such a call that is
            cut leaves nothing.
        durable: Whether the caller acts on parts before the end, as a planner does: a journal keeps each part
            before it passes it on.
        interval: Tokens in a chunk, where the engine can choose.
        priority: Lower is served earlier, where the engine can choose; 0 is ordinary work.
        expected_tokens: How many tokens the caller expects it to generate; None where it cannot tell.
    """

    whole: bool = False
    durable: bool = False
    interval: int = 1
    priority: int = 0
    expected_tokens: int | None = None


STREAMED = Delivery()
WHOLE = Delivery(whole=True)
