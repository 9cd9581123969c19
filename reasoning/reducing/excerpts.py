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
from ..token_ids.token_ends import TokenEnds

# What a token is taken for on engines that know none.
_CHARACTERS_PER_TOKEN = 4
_CHARACTERS_COMPARED = 16


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

    What ended it is the end of a turn or a stop text, which the engine cut from the text but not from the ids. What a
    token says before a stop text begins within it is encoded.
    """
    ids, text = candidate.token_ids, candidate.text
    if not ids or not engine.capabilities.token_ids:
        return None
    if not text.strip():
        return ()
    decoded = await engine.decode(ids)
    end = len(text)
    if not decoded.startswith(text):
        # Texts hide special tokens.
        last = text[-_CHARACTERS_COMPARED:]
        end = decoded.rfind(last) + len(last)
        if last not in decoded:
            return None
    kept, place = await TokenEnds(engine, ids, decoded).at_or_before(end)
    if place == end:
        return ids[:kept]
    if candidate.context is None:
        return None
    rest = await engine.encode(decoded[place:end], role="assistant", after=candidate.context)
    return (*ids[:kept], *(rest.token_ids or ()))
