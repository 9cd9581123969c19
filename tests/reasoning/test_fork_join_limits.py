"""Budgets, the window, and models that are invited to write blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    BudgetExhausted,
    Context,
    ContextTooLong,
    FakeEngine,
    ForkjoinError,
    Grammar,
    Sampling,
    UsageError,
    configured,
)
from reasoning import Answer
from reasoning.forking.allowance import Allowance
from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER
from reasoning.forking.fork_join import ForkJoin
from reasoning.forking.invitation import invitation
from reasoning.forking.tag_grammar import grammar
from tests.backends import run_virtually
from tests.reasoning.forking_engines import (
    assert_accounted,
    assert_balanced,
    question,
    said,
)

OPENING = "<Parallel>\n<Outlines>\n<Outline> 1: a </Outline><Outline> 2: b </Outline>\n</Outlines>"
WEAVER = ForkJoin(dialect=THREADWEAVER, invited=False, sampling=Sampling(max_tokens=2000))


def endless(context: Context, sampling: Sampling) -> str:
    """A model that opens a block and then says more than anybody has room for."""
    return "x" * 100_000 if said(context) else OPENING


async def solve(method: ForkJoin, engine: FakeEngine) -> Answer:
    answer = await method.solve(await question(engine), engine)
    await assert_accounted(answer, engine)
    assert_balanced(answer.text, method.dialect)
    return answer


@given(total=st.integers(1, 3000), path=st.integers(1, 3000))
def test_neither_budget_is_exceeded(total: int, path: int) -> None:
    async def main() -> Answer:
        method = replace(WEAVER, max_tokens=total, max_path_tokens=path)
        return await solve(method, FakeEngine(endless))

    answer = run_virtually(main)
    assert answer.usage.generated_tokens <= total
    assert answer.critical_path <= path
    assert answer.truncated
    # What the first budget leaves is used.
    assert answer.usage.generated_tokens == total or answer.critical_path == path


@pytest.mark.anyio
async def test_the_longest_path_is_limited_by_the_sampling_unless_told_otherwise() -> None:
    assert (await solve(WEAVER, FakeEngine(endless))).critical_path == 2000
    longer = replace(WEAVER, max_path_tokens=2500)
    assert (await solve(longer, FakeEngine(endless))).critical_path == 2500


@pytest.mark.anyio
async def test_threads_leave_tokens_for_what_comes_after_them() -> None:
    engine = FakeEngine(endless)
    await solve(replace(WEAVER, max_tokens=1000), engine)
    most = [call.sampling.max_tokens for call in engine.calls]
    left = 1000 - (len(OPENING) - len("</Outlines>"))
    share = Allowance(left, 2000).share(2).total
    assert most == [1000, share, share, left - 2 * share]
    assert left - 2 * share >= left // 4


@pytest.mark.anyio
async def test_threads_too_short_for_a_thought_are_not_begun() -> None:
    engine = FakeEngine(endless)
    answer = await solve(replace(WEAVER, max_tokens=len(OPENING) + 40), engine)
    assert len(engine.calls) == 2
    assert not answer.branches
    assert answer.remark == "tags missing put in: 1; blocks not forked: 1"


@pytest.mark.parametrize("window", range(120, 420, 7))
def test_at_the_end_of_the_window_there_is_an_answer_that_is_truncated(window: int) -> None:
    async def main() -> Answer:
        return await solve(WEAVER, FakeEngine(endless, window=window))

    answer = run_virtually(main)
    assert answer.truncated
    assert answer.text.startswith(OPENING[:80])


@pytest.mark.anyio
async def test_a_question_that_fills_the_window_is_told_as_by_any_engine() -> None:
    engine = FakeEngine(endless, window=20)
    with pytest.raises(ContextTooLong):
        await WEAVER.solve(await question(engine), engine)


@pytest.mark.anyio
async def test_a_budget_that_ends_after_the_threads_leaves_what_was_said() -> None:
    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        if said(context).endswith(("1:", "2:")):
            return " so </Thread>"
        return BudgetExhausted("tokens", 9, 9, "root") if said(context) else OPENING

    answer = await solve(WEAVER, FakeEngine(script))
    assert (answer.truncated, answer.limited_by) == (True, "tokens")
    assert answer.text.endswith("so </Thread>\n\n</Parallel>")
    assert answer.remark.startswith("budget exhausted")


def invited_script(context: Context, sampling: Sampling) -> str:
    text = said(context)
    if text.endswith("\n1") or text.endswith("\n2"):
        return ": so</Path>"
    if not text:
        return "<Parallel>\n<Goal>\n<Outline>1: a</Outline> <Outline>2: b</Outline>\n</Goal>"
    return "both</Conclusion>\n</Parallel>\n\\boxed{4}"


@pytest.mark.anyio
async def test_an_invited_model_is_told_of_the_tags_and_held_to_them() -> None:
    engine = FakeEngine(invited_script)
    answer = await solve(ForkJoin(max_paths=3, sampling=Sampling(max_tokens=900)), engine)
    assert (answer.value, len(answer.branches), answer.remark) == ("4", 2, "")
    told = engine.calls[0].context.turns[0].text
    assert told.endswith(invitation(MULTIVERSE, 3))
    constraints = [call.sampling.constraint for call in engine.calls]
    thread = grammar(MULTIVERSE, "thread", 3)
    opening, rest = grammar(MULTIVERSE, "opening", 3), grammar(MULTIVERSE, "rest", 3)
    assert constraints == [opening, thread, thread, rest]
    assert all(isinstance(constraint, Grammar) for constraint in constraints)


@pytest.mark.anyio
async def test_an_invited_model_is_held_to_nothing_where_it_has_left_the_way() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        if "</Conclusion>" in said(context):
            return "alone"
        reply = invited_script(context, sampling)
        return reply.replace("\\boxed{4}", "<Parallel><Goal></Goal>")

    engine = FakeEngine(script)
    answer = await solve(ForkJoin(sampling=Sampling(max_tokens=900)), engine)
    assert engine.calls[-1].sampling.constraint is None
    assert "alone" in answer.text


@pytest.mark.anyio
async def test_a_tuned_model_is_told_what_it_was_tuned_for_and_left_free() -> None:
    engine = FakeEngine(invited_script)
    method = ForkJoin(invited=False, instruction=" Think in parallel.")
    await solve(method, engine)
    assert engine.calls[0].context.turns[0].text == "What is 2 + 2? Think in parallel."
    assert {call.sampling.constraint for call in engine.calls} == {None}


def test_its_options_are_set_by_name() -> None:
    settings = {
        "dialect.thread": "Step",
        "dialect.header": "\n<Step>\n",
        "dialect.later_header": "\n<Step>\n",
        "dialect.repair": "</Step>",
        "max_tokens": "100",
        "wait": "half",
        "cut": "finish",
        "sampling.temperature": "0",
    }
    method = configured(ForkJoin(), settings)
    assert (method.dialect.thread_end, method.wait, method.max_tokens) == ("</Step>", "half", 100)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"wait": "frist"}, "frist"),
        ({"deadline": -1}, "deadline"),
        ({"cut": "finsh"}, "cut='finsh': give one of close, finish"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_is_written(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        ForkJoin(**options)
