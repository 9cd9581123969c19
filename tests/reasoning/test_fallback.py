"""The vote in place of a summary that could not be made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from engines import (
    BudgetExhausted,
    Context,
    ContextTooLong,
    Engine,
    EngineDead,
    FakeEngine,
    ForkjoinError,
    RunError,
    Sampling,
    converse,
)
from reasoning import Answer, Majority, Reducer
from reasoning.parathinking.parathinker import ParaThinker
from reasoning.reducing.fallback import reduce_or_vote
from reasoning.reducing.synthesis import Synthesise
from reasoning.reducing.vote_first import VoteFirst

pytestmark = pytest.mark.anyio

ERRORS = [
    ContextTooLong(300, 200),
    EngineDead("the engine is gone"),
    BudgetExhausted("tokens", 9, 9, "the run"),
]
Script = Callable[[Context, Sampling], str | ForkjoinError]


def thinks(*values: str, summary: ForkjoinError) -> Script:
    """Threads that come to these values, and a summary that fails."""

    def reply(context: Context, sampling: Sampling) -> str | ForkjoinError:
        if context.path.endswith("synthesise"):
            return summary
        return f"So \\boxed{{{values[int(context.path.rpartition('-')[2])]}}}"

    return reply


async def solved(reply: Script, reducer: Reducer) -> tuple[Answer, FakeEngine]:
    engine = FakeEngine(reply)
    root = await converse(engine, [("user", "?")], name="root")
    return await ParaThinker(reducer=reducer).solve(root, engine), engine


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("reducer", [Synthesise(), VoteFirst()], ids=["synthesise", "vote first"])
async def test_where_no_summary_can_be_made_the_finished_threads_vote(
    error: ForkjoinError, reducer: Reducer
) -> None:
    answer, engine = await solved(thinks("1", "2", "3", "2", summary=error), reducer)
    assert answer.value == "2"
    assert answer.remark == f"no summary, since {error}: the majority of 4 threads"
    assert len(answer.branches) == 4
    assert answer.usage.generated_tokens == (await engine.statistics()).generated_tokens


async def test_an_error_that_ends_the_run_does() -> None:
    with pytest.raises(RunError, match="no disk"):
        await solved(thinks("1", "2", "3", "2", summary=RunError("no disk")), Synthesise())


async def test_what_a_summary_took_before_it_failed_is_counted() -> None:
    class Twice:
        """Fails at its second call."""

        async def reduce(
            self, candidates: Sequence[Answer], context: Context, engine: Engine
        ) -> Answer:
            await engine.generate(context.fork("first"), Sampling())
            raise EngineDead("gone")

    engine = FakeEngine("hm")
    root = await converse(engine, [("user", "?")], name="root")
    voters = [Answer(text="4", value="4")]
    answer = await reduce_or_vote(
        Twice(),
        voters,
        root,
        engine,
        voters=voters,
        vote=Majority(),
    )
    assert (answer.value, answer.critical_path) == ("4", len("hm"))
    assert answer.usage.generated_tokens == len("hm")
    assert answer.remark == "no summary, since gone: the majority of 1 thread"


async def test_with_nobody_to_vote_the_error_is_the_reducers() -> None:
    root = await converse(FakeEngine(), [("user", "?")], name="root")
    candidates = [Answer(text="no idea")]
    engine = FakeEngine(lambda context, sampling: EngineDead("gone"))
    with pytest.raises(EngineDead, match="gone"):
        await VoteFirst().reduce(candidates, root, engine)
