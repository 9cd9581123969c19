"""What a summary reads of each thread: the ids that the thread generated, or the last of them where all are too many.

    ids of a thread:  so 3 + 4 is 7 <end of turn>
    spoken:           so 3 + 4 is 7                  an end of turn would end the turn that it is put into
    last 3 of them:            4 is 7

It does not know what stands around an excerpt, nor who reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines import Context, Engine, Role, Segment

from ..answer import Answer

# What a token is taken for on engines that know none.
_CHARACTERS_PER_TOKEN = 4
# A stop text has a few tokens; the end of a text that is looked for is covered by so many tokens, of a byte at least.
_MOST_STOP_TOKENS = 16
_CHARACTERS_COMPARED = 16
_TOKENS_COMPARED = 4 * _CHARACTERS_COMPARED


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """What is read of one thread.

    Attributes:
        text: As text.
        token_ids: As the ids that the model generated; None where it has to be encoded from its text.
        fixed: Whether it may not be cut: of what was computed, such as the result of a tool, a part may say something
            else than the whole.
        cut: Whether its beginning was left out.
    """

    text: str
    token_ids: tuple[int, ...] | None = None
    fixed: bool = False
    cut: bool = False

    @property
    def length(self) -> int:
        """In tokens; without ids, four characters count as one."""
        if self.token_ids is not None:
            return len(self.token_ids)
        return -(-len(self.text) // _CHARACTERS_PER_TOKEN)


async def excerpt_of(candidate: Answer, engine: Engine) -> Excerpt:
    """All that a candidate said."""
    if not (candidate.token_ids or candidate.context or candidate.truncated):
        return Excerpt(text=candidate.text.strip(), fixed=True)
    ids = await _spoken_ids(candidate, engine)
    return Excerpt(text=candidate.text.strip() if ids is None else candidate.text, token_ids=ids)


async def last_of(excerpt: Excerpt, tokens: int | None, engine: Engine) -> Excerpt:
    """The last `tokens` of an excerpt; all of it where it has no more, is fixed, or None are given."""
    if tokens is None or excerpt.fixed or excerpt.length <= tokens:
        return excerpt
    if excerpt.token_ids is None:
        kept = excerpt.text[len(excerpt.text) - tokens * _CHARACTERS_PER_TOKEN :]
        return replace(excerpt, text=kept, cut=True)
    ids = excerpt.token_ids[len(excerpt.token_ids) - tokens :]
    return replace(excerpt, text=await engine.decode(ids) if ids else "", token_ids=ids, cut=True)


async def stitched(
    engine: Engine, pieces: Sequence[str | Excerpt], *, role: Role, after: Context, name: str
) -> Context:
    """A fork called `name` that says the pieces in their order: excerpts by their ids, texts encoded."""
    context = after
    for piece in _with_texts_joined(pieces):
        if isinstance(piece, Excerpt):
            segment = Segment(role, piece.text, piece.token_ids)
        else:
            segment = await engine.encode(piece, role=role, after=context)
        context = context.fork(name, segment) if context is after else context.extend(segment)
    return context


def fair_bound(lengths: Sequence[int], room: int) -> int:
    """The largest bound with which all lengths, none of them above it, add up to no more than `room`.

    >>> fair_bound([10, 50, 90], 100)
    45
    """
    left = max(room, 0)
    for place, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - place)
        if length > share:
            return share
        left -= length
    return max(lengths, default=0)


def _with_texts_joined(pieces: Sequence[str | Excerpt]) -> list[str | Excerpt]:
    """Texts beside each other in one piece, since that is how they are encoded best."""
    joined: list[str | Excerpt] = []
    for piece in pieces:
        if isinstance(piece, Excerpt) and piece.token_ids is not None:
            joined.append(piece)
            continue
        text = piece if isinstance(piece, str) else piece.text
        last = joined[-1] if joined else None
        if isinstance(last, str):
            joined[-1] = last + text
        else:
            joined.append(text)
    return joined


async def _spoken_ids(candidate: Answer, engine: Engine) -> tuple[int, ...] | None:
    """The ids of a text, without those of what ended it; None where they cannot be told apart.

    What ended it is the end of a turn or a stop text, which the engine cut from the text but not from the ids.
    """
    ids, end = candidate.token_ids, candidate.text[-_CHARACTERS_COMPARED:]
    if not ids or not engine.capabilities.token_ids:
        return None
    if not end.strip():
        return ()
    first = max(len(ids) - _TOKENS_COMPARED, 0)
    for kept in range(len(ids), max(len(ids) - _MOST_STOP_TOKENS, 0), -1):
        if (await engine.decode(ids[first:kept])).endswith(end):
            return ids[:kept]
    return None
