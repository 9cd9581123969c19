"""A candidate after its question, in a context of its own: where it can be asked about, or gone on with.

    question ─┬─> instruction ─> candidate               where it was thought
              └─> a name ─> instruction ─> candidate     the same ids, so the same KV cache

Its own context has a path that is taken: two who score the same candidate would have calls of the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, takewhile

from engines import Context, Engine, Segment, converse

from ..answer import Answer


async def placed(candidate: Answer, fork: Context, engine: Engine) -> Context:
    """The fork with the candidate as the model's turn, which is open.

    It is the way from the question to where the candidate stands once more, if nothing else was said on it; else the
    candidate alone, after the question.

    Args:
        candidate: Finished or not.
        fork: Of the question, with a name of its own.
        engine: Encodes what is known as text only.
    """
    return _gone_again(candidate, fork) or await placed_alone(candidate, fork, engine)


async def placed_alone(
    candidate: Answer, fork: Context, engine: Engine, *, without: int = 0
) -> Context:
    """The fork with the candidate as the model's turn, without so many tokens of its beginning."""
    opened = await converse(engine, [("assistant", "")], after=fork)
    said = Segment("assistant", candidate.text)
    if opened.has_token_ids:
        ids = candidate.token_ids
        if not ids:
            encoded = await engine.encode(candidate.text, role="assistant", after=opened)
            ids = encoded.token_ids or ()
        # The ids are what the model reads; the text is for people, and may well be whole.
        said = Segment("assistant", candidate.text, ids[without:])
    return opened.extend(said)


def _gone_again(candidate: Answer, fork: Context) -> Context | None:
    if candidate.context is None:
        return None
    own, way = fork.lineage, candidate.context.lineage
    pairs = zip(own, way, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], pairs))
    apart = any(node.segment.text or node.segment.token_ids for node in own[shared:])
    since = [node.segment for node in way[shared:]]
    if not shared or apart or not _says_only(since, candidate):
        return None
    for segment in since:
        fork = fork.extend(segment)
    return fork


def _says_only(since: Sequence[Segment], candidate: Answer) -> bool:
    """Whether what the model said in these is the candidate."""
    said = [segment for segment in since if segment.role == "assistant" and segment.text]
    ids = tuple(chain.from_iterable(segment.token_ids or () for segment in said))
    if ids or candidate.token_ids:
        return ids == candidate.token_ids
    # What stood between two steps is none of a turn on a text-only engine.
    return _bare("".join(segment.text for segment in said)) == _bare(candidate.text)


def _bare(text: str) -> str:
    return "".join(text.split())
