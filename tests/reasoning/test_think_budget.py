from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    STREAMED,
    Chunk,
    Context,
    ContextTooLong,
    Delivery,
    Engine,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    ForkjoinError,
    Logprob,
    Sampling,
    Scripted,
    TokenLogprobs,
    UsageError,
    converse,
)
from reasoning import Answer, First, SelfConsistency
from reasoning.think_budget import ThinkBudget
from reasoning.voting.confidence import confidence_of
from tests.backends import run_virtually
from tests.reasoning.tagged_engine import END_OF_TURN, TaggedEngine

pytestmark = pytest.mark.anyio

TAGS = ("<think>", "</think>")


async def question(engine: Engine, text: str = "What is 2 + 2?") -> Context:
    return await converse(engine, [("system", "Be brief."), ("user", text)], name="root")


async def solved(engine: Engine, **options: object) -> Answer:
    method = ThinkBudget(**{"sampling": Sampling(seed=1), **options})  # type: ignore[arg-type]
    return await method.solve(await question(engine), engine)


def limits(engine: FakeEngine) -> list[int]:
    return [call.sampling.max_tokens for call in engine.calls]


def paths(engine: FakeEngine) -> list[str]:
    return [call.context.path for call in engine.calls]


def told(engine: FakeEngine, call: int) -> str:
    """What stands in the model's turn when a call is made."""
    return "".join(map(chr, engine.calls[call].context.token_ids)).rpartition("<|assistant|>")[2]


async def test_a_thought_that_ends_in_time_is_the_answer() -> None:
    engine = FakeEngine(r"Two and two: \boxed{4}")
    answer = await solved(engine, max_thinking=100)
    assert (answer.value, answer.truncated, answer.remark) == ("4", False, "")
    assert limits(engine) == [100]
    assert engine.calls[0].context.turns[1].text.startswith("What is 2 + 2?\n\nThink step by step.")
    assert engine.calls[0].sampling.seed == Sampling(seed=1).for_branch("root").seed


async def test_a_plain_thought_that_is_too_long_is_led_to_its_answer() -> None:
    engine = FakeEngine(["hm " * 100, "4}."])
    answer = await solved(engine, max_thinking=50, answer_tokens=20)
    assert limits(engine) == [50, 20]
    assert paths(engine) == ["root", "root/answer"]
    assert told(engine, 1) == ("hm " * 100)[:50] + "\n\nSo the final answer is \\boxed{"
    assert (answer.value, answer.truncated) == ("4", False)
    assert answer.remark == "its thinking was ended after 50 tokens"
    assert answer.text == told(engine, 1) + "4}."
    assert answer.token_ids == tuple(map(ord, answer.text))
    assert answer.context is not None
    assert answer.context.token_ids == engine.calls[1].context.token_ids + tuple(map(ord, "4}."))


async def test_a_thought_that_ends_early_is_continued_a_few_times() -> None:
    engine = FakeEngine(["4?", "no, 5", r"\boxed{6}", "never asked"])
    answer = await solved(engine, max_thinking=100, min_thinking=90, max_continuations=2)
    assert limits(engine) == [100, 98, 93]
    assert paths(engine) == ["root", "root/continue-1", "root/continue-1/continue-2"]
    wait = "\n\nWait, let me check that once more."
    assert answer.text == rf"4?{wait}no, 5{wait}\boxed{{6}}"
    assert (answer.value, answer.truncated, answer.remark) == ("6", False, "")
    assert len({call.sampling.seed for call in engine.calls}) == 3


async def test_a_thought_is_continued_no_more_once_it_is_long_enough() -> None:
    engine = FakeEngine(["x" * 4, "x" * 6])
    await solved(engine, max_thinking=100, min_thinking=10, max_continuations=5)
    assert limits(engine) == [100, 96]


async def test_a_continued_thought_ends_at_the_budget_too() -> None:
    engine = FakeEngine(["x" * 4, "y" * 100, "7}"])
    answer = await solved(engine, max_thinking=20, min_thinking=10)
    assert limits(engine)[:2] == [20, 16]
    assert answer.value == "7"
    assert answer.usage.generated_tokens == 20 + 2


async def test_thoughts_in_tags_that_nobody_has_as_tokens() -> None:
    engine = FakeEngine(["<think>so 4</think>never", "\n\n\\boxed{4}"])
    answer = await solved(engine)
    assert told(engine, 1) == "<think>so 4</think>"
    assert answer.text == "<think>so 4</think>\n\n\\boxed{4}"
    assert answer.value == "4"


async def test_a_long_thought_that_the_model_opened_is_closed_with_its_tag() -> None:
    engine = FakeEngine(["<think>" + "x" * 100, "\\boxed{4}"])
    answer = await solved(engine, max_thinking=10)
    assert told(engine, 1) == "<think>xxx\n</think>\n\n"
    assert answer.value == "4"


async def test_a_turn_that_ends_within_the_thought_still_gets_an_answer() -> None:
    engine = FakeEngine(["<think>so 4", "\\boxed{4}"])
    answer = await solved(engine)
    assert told(engine, 1) == "<think>so 4\n</think>\n\n"
    assert (answer.value, answer.remark) == ("4", "")


def tagged(*replies: str, opens: str = "") -> TaggedEngine:
    return TaggedEngine(replies, TAGS, opens)


async def test_a_thought_that_the_template_opened_ends_with_the_tags_own_token() -> None:
    engine = tagged("so 4</think>never", "\\boxed{4}", opens="<think>")
    answer = await solved(engine)
    (first, second) = engine.fake.calls
    assert engine.id_of("</think>") in first.sampling.stop_token_ids
    # The ids are those that the model gave, once.
    expected = (*first.context.token_ids, *map(ord, "so 4"), engine.id_of("</think>"))
    assert second.context.token_ids == expected
    assert answer.text == "so 4</think>\\boxed{4}"
    assert answer.value == "4"


async def test_the_end_of_an_early_thought_is_taken_away_by_its_ids() -> None:
    engine = tagged("so 4</think>", "rather 5</think>", "\\boxed{5}", opens="<think>")
    answer = await solved(engine, max_thinking=60, min_thinking=10, max_continuations=1)
    calls = engine.fake.calls
    before = calls[0].context.token_ids
    wait = tuple(map(ord, "\n\nWait, let me check that once more."))
    assert calls[1].context.token_ids == (*before, *map(ord, "so 4"), *wait)
    assert calls[2].context.token_ids[-len("rather 5") - 1 :] == (
        *map(ord, "rather 5"),
        engine.id_of("</think>"),
    )
    assert answer.value == "5"


async def test_the_end_of_an_early_turn_is_taken_away_by_its_ids() -> None:
    engine = tagged("4", "\\boxed{5}")
    answer = await solved(engine, min_thinking=10, max_continuations=1)
    assert END_OF_TURN not in engine.fake.calls[1].context.token_ids
    assert answer.token_ids[-1] == END_OF_TURN
    assert answer.text.endswith("\\boxed{5}")


async def test_a_thought_that_the_template_closed_is_none() -> None:
    engine = tagged("x" * 100, "4}", opens="<think></think>")
    assert (await solved(engine, max_thinking=10)).text.endswith("\\boxed{4}")


async def test_a_stop_of_the_callers_ends_the_answer() -> None:
    engine = FakeEngine("The answer is 4. Done. Next")
    answer = await solved(engine, sampling=Sampling(stop=("Done.",)))
    assert answer.text == "The answer is 4. "
    assert len(engine.calls) == 1


async def test_on_a_text_only_engine_the_user_asks_for_more_and_for_the_answer() -> None:
    engine = FakeEngine(["4?", "x" * 100, "\\boxed{5}"], text_only=True)
    answer = await solved(engine, max_thinking=20, min_thinking=10)
    roles = [turn.role for turn in engine.calls[2].context.turns[1:]]
    assert roles == ["user", "assistant", "user", "assistant", "user", "assistant"]
    asked = [turn.text for turn in engine.calls[2].context.turns if turn.role == "user"]
    assert asked[1].startswith("Check that once more")
    assert asked[2].startswith("That was enough thinking")
    assert (answer.value, answer.token_ids) == ("5", ())
    assert answer.text == "4?" + "x" * 18 + "\\boxed{5}"


async def test_the_thought_leaves_room_for_the_answer_in_the_window() -> None:
    probe = FakeEngine("ok")
    await solved(probe)
    prompt = len(probe.calls[0].context.token_ids)
    engine = FakeEngine(["x" * 500, "4}"], window=prompt + 100)
    answer = await solved(engine, max_thinking=500, answer_tokens=60)
    assert limits(engine) == [40, 60]
    assert (answer.value, answer.truncated) == ("4", False)


class Spent(EngineWrapper):
    """Says of every call that a budget cut it."""

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        async with self.inner.stream(context, sampling, delivery) as chunks:
            yield (replace(chunk, limited_by="tokens") async for chunk in chunks)


async def test_a_thought_that_a_budget_of_others_cut_is_the_end() -> None:
    engine = FakeEngine("x" * 100)
    answer = await solved(Spent(engine), max_thinking=10)
    assert (answer.truncated, answer.limited_by) == (True, "tokens")
    assert len(engine.calls) == 1


async def test_the_confidence_is_that_of_all_that_was_said() -> None:
    tokens = [(Logprob("x", -0.5), Logprob("y", least)) for least in (-3.0, -1.0)]
    places = [TokenLogprobs(top[0], top) for top in tokens]
    engine = FakeEngine([Scripted("x" * 30, places[:1] * 30), Scripted("x" * 5, places[1:] * 5)])
    answer = await solved(engine, sampling=Sampling(logprobs=2), max_thinking=10)
    assert answer.confidence is not None
    assert answer.confidence == confidence_of([*places[:1] * 10, *places[1:] * 5])


@pytest.mark.parametrize("least", [0, 10])
async def test_a_window_too_small_ends_truncated(least: int) -> None:
    probe = FakeEngine("ok")
    await solved(probe)
    prompt = len(probe.calls[0].context.token_ids)
    reply = "12345" if least else "x" * 500
    engine = FakeEngine(reply, window=prompt + 8)
    answer = await solved(engine, max_thinking=50, min_thinking=least)
    assert answer.truncated
    assert len(engine.calls) == 1
    with pytest.raises(ContextTooLong):
        await solved(FakeEngine("ok", window=prompt))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_thinking": 0}, "a thought of 0 tokens"),
        ({"answer_tokens": 0}, "an answer of 0"),
        ({"min_thinking": 9, "max_thinking": 8}, "at least 9 and at most 8"),
        ({"min_thinking": -1}, "at least -1"),
        ({"max_continuations": -1}, "-1 continuations"),
    ],
)
def test_budgets_that_cannot_be_kept_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ThinkBudget(**options)  # type: ignore[arg-type]


@given(
    st.lists(st.text("ab<>/think \\boxed{}", max_size=60), min_size=5, max_size=5),
    st.integers(1, 40),
    st.integers(0, 40),
    st.integers(0, 3),
    st.booleans(),
    st.integers(0, 400),
)
def test_any_thought_ends_within_its_budget_and_costs_what_the_engine_counts(
    replies: list[str], most: int, least: int, continuations: int, text_only: bool, room: int
) -> None:
    async def main() -> None:
        engine = FakeEngine([*replies], text_only=text_only, window=300 + room)
        method = ThinkBudget(
            max_thinking=most,
            min_thinking=min(least, most),
            max_continuations=continuations,
            answer_tokens=7,
        )
        answer = await method.solve(await question(engine), engine)
        counted = await engine.statistics()
        assert answer.usage.prompt_tokens == counted.prompt_tokens
        assert answer.usage.generated_tokens == counted.generated_tokens == answer.critical_path
        assert counted.generated_tokens <= most + 7
        thoughts = [path for path in paths(engine) if not path.endswith("answer")]
        assert len(thoughts) <= 1 + continuations
        assert len(set(paths(engine))) == len(engine.calls)
        if not text_only:
            assert answer.token_ids == tuple(map(ord, answer.text))

    run_virtually(main)


async def test_a_failure_after_the_thought_is_a_lost_branch_whose_cost_is_counted() -> None:
    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        if context.path.endswith("sample-0/answer"):
            return EngineUnavailable("busy")
        return "x" * 50 if not context.path.endswith("answer") else "4}"

    engine = FakeEngine(script)
    method = SelfConsistency(samples=2, method=ThinkBudget(max_thinking=10), reducer=First())
    answer = await method.solve(await question(engine), engine)
    assert answer.value == "4"
    assert answer.usage.generated_tokens == (await engine.statistics()).generated_tokens == 22
