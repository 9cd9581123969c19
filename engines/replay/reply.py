r"""What a call says of a recorded text: until a stop, or as much as there is room for. Pure.

recorded     So x = 4.\n\nCheck: 4 - 4 = 0.
stop \n\n    So x = 4.                           the ids hold the stop too, as those of vLLM do
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..completion import FinishReason
from ..sampling import Sampling
from .byte_tokens import text_of, tokens_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a reply.

    Attributes:
        text: Its text.
        token_ids: Its ids.
        is_last: Whether the reply ends with it.
    """

    text: str
    token_ids: tuple[int, ...]
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """All that a call says.

    Attributes:
        text: Without the stop that ended it.
        token_ids: With it.
        finish_reason: As of a `Chunk`.
        stop_reason: As of a `Chunk`.
    """

    text: str
    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    stop_reason: str | int | None = None

    def parts(self, tokens: int) -> Iterator[Part]:
        """The reply in pieces of so many tokens; one without any, if it is empty."""
        place = 0
        for start in range(0, max(len(self.token_ids), 1), tokens):
            ids = self.token_ids[start : start + tokens]
            end = place + len(text_of(ids))
            is_last = start + tokens >= len(self.token_ids)
            yield Part(text=self.text[place:end], token_ids=ids, is_last=is_last)
            place = end


def reply_of(text: str, sampling: Sampling, room: int, *, cut: bool) -> Reply:
    """What a call says.

    Args:
        text: What was recorded from here on.
        sampling: Its stops count. A token that is a stop is one wherever its text stands.
        room: The most tokens.
        cut: Whether a limit had cut the text.
    """
    reply = _until_stop(text, sampling) or Reply(
        text=text, token_ids=tokens_of(text), finish_reason="length" if cut else "stop"
    )
    if len(reply.token_ids) <= room:
        return reply
    ids = reply.token_ids[:room]
    return Reply(text=text_of(ids), token_ids=ids, finish_reason="length")


def _until_stop(text: str, sampling: Sampling) -> Reply | None:
    stops: Sequence[tuple[str, str | int]] = [
        *((stop, stop) for stop in sampling.stop),
        *((text_of([token]), token) for token in sampling.stop_token_ids),
    ]
    found = [(text.find(stop), stop, reason) for stop, reason in stops if stop in text]
    if not found:
        return None
    # The one that is complete first.
    place, stop, reason = min(found, key=lambda hit: (hit[0] + len(hit[1]), hit[0]))
    ids = (*tokens_of(text[:place]), *tokens_of(stop))
    return Reply(text=text[:place], token_ids=ids, finish_reason="stop", stop_reason=reason)
