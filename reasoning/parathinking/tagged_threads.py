"""Threads as a model trained to think in parallel has them: in its own turn, between its own tags.

    question + instruction │ <think> ─┬─> <think1> hint ... </think1>
                                      └─> <think2> hint ... </think2>

Whatever tag a thread writes ends it: a model may also write another thread's, or open the summary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engines import Context, Engine, Sampling, Segment, converse

from ..answer import Answer
from ..branching import Think
from ..chain_of_thought import ChainOfThought
from ..reducing.reducer import Reducer
from ..reducing.synthesis import Synthesise
from ..reducing.tagged_summary import TaggedSummary
from ..reducing.vote_first import VoteFirst
from .thought_tags import Tag, ThoughtTags
from .threads import Threads

_TURN_OPENING = "<think>"


async def tagged_threads(
    tags: ThoughtTags,
    hints: Sequence[str],
    method: ChainOfThought,
    reducer: Reducer,
    context: Context,
    engine: Engine,
) -> Threads:
    """Threads between tags.

    Args:
        tags: One opening and one closing for each thread.
        hints: What is put into each thread's mouth; empty for nothing.
        method: Its instruction, and how it samples.
        reducer: Where it is a synthesis, the model's own summary takes its place.
        context: The question.
        engine: Encodes.
    """
    start = await _open_turn(engine, method.instruction, context)
    openings = [
        await _opening(tag, hint, start, engine)
        for tag, hint in zip(tags.openings, hints, strict=True)
    ]

    def reducer_of(read: Sequence[int]) -> Reducer:
        summary = TaggedSummary(
            tags=tags,
            openings=[openings[i] for i in read],
            closings=[tags.closings[i] for i in read],
        )
        return _with_own_summary(reducer, summary)

    return Threads(
        start=start,
        forks=[start.fork(f"thread-{i}", opening) for i, opening in enumerate(openings)],
        think=_until_a_tag(tags, method.sampling),
        reducer_of=reducer_of,
    )


async def _open_turn(engine: Engine, instruction: str, question: Context) -> Context:
    """The model's turn, opened as in training; some chat templates open the thinking themselves."""
    turn = await converse(engine, [("user", instruction), ("assistant", "")], after=question)
    marks = await engine.decode(turn.segment.token_ids or ())
    if marks.rstrip().endswith(_TURN_OPENING):
        return turn
    return await converse(engine, [("assistant", _TURN_OPENING)], after=turn)


async def _opening(tag: Tag, hint: str, start: Context, engine: Engine) -> Segment:
    said = await engine.encode(hint, role="assistant", after=start) if hint else None
    ids = () if said is None else said.token_ids or ()
    return Segment("assistant", tag.text + hint, (tag.token_id, *ids))


def _until_a_tag(tags: ThoughtTags, sampling: Sampling) -> Think:
    sampling = tags.stopping(sampling)

    async def think(fork: Context, engine: Engine) -> Answer:
        return Answer.from_completion(await engine.generate(fork, sampling.for_branch(fork.path)))

    return think


def _with_own_summary(reducer: Reducer, summary: TaggedSummary) -> Reducer:
    if isinstance(reducer, Synthesise):
        return replace(summary, synthesis=reducer)
    if isinstance(reducer, VoteFirst):
        return replace(reducer, otherwise=_with_own_summary(reducer.otherwise, summary))
    return reducer
