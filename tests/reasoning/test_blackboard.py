"""Workers on a board over an engine: who waits for nobody, what each sees, and what it comes to."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import (
    CapabilityMissing,
    Context,
    ContextTooLong,
    FakeEngine,
    Layout,
    Sampling,
    UsageError,
    converse,
)
from reasoning import Answer, SelfConsistency, draw_threads
from tests.backends import run_virtually
from tests.reasoning.boards import (
    board_method,
    calls_of,
    engine_for,
    found,
    own_step,
    seen,
    solved,
    worker_of,
)
from tests.reasoning.method_rules import essence, said

OTHERS = "[What the others are writing]\n\n"
OWN = "\n\n[What I am writing]\n\n"
BOXED = "It is \\boxed{7}.\n\n"
LAYOUTS: list[Layout] = ["combined", "contiguous", "interleaved"]
LONG = "A long way to go from here, so long that nobody comes to its end.\n\n"


def statuses(answer: Answer) -> list[str]:
    return [branch.status for branch in answer.branches]


def test_an_answer_ends_the_work_within_a_step() -> None:
    engine = engine_for({"Alice": ["One is odd.\n\n", BOXED], "Bob": [LONG]})
    answer = found(board_method(refresh=0), engine)
    assert (answer.value, answer.truncated, answer.remark) == ("7", False, "")
    assert answer.text == (
        "**Alice [1]:** One is odd.\n\n**Alice [2]:** It is \\boxed{7}.\n\n"
        "**Bob [1]:** A long way to go from here,\n\n"
    )
    assert statuses(answer) == ["ok", "cancelled"]
    alice, bob = (branch.answer for branch in answer.branches)
    assert alice is not None
    assert bob is not None
    assert alice.context is answer.context
    assert bob.text == "**Bob [1]:** A long way to go from here,"
    assert bob.usage.lower_bound
    assert engine.aborted == 1
    assert answer.critical_path == alice.usage.generated_tokens
    drawn = draw_threads(answer)
    assert re.search(r"★ Alice .* chosen", drawn)
    assert "Alice had the answer" in drawn


@pytest.mark.anyio
async def test_the_answer_that_nobody_has_is_asked_for_until_its_bracket_is_closed() -> None:
    def says(context: Context, sampling: Sampling) -> str:
        so_far = context.turns[-1].text.rpartition("is \\boxed{")[2]
        return "on and on. " if worker_of(context) else "\\frac{1}{2}}, yes"[len(so_far) :]

    engine = FakeEngine(says)
    answer = await solved(board_method(max_tokens=30), engine)
    assert (answer.value, answer.truncated) == ("\\frac{1}{2}", True)
    assert answer.text.endswith("\n\nFrom all of this, the final answer is \\boxed{\\frac{1}{2}}")
    assert answer.remark == "no worker boxed an answer: it was asked for at the end"
    assert statuses(answer) == ["truncated", "truncated"]
    closing = [call.sampling for call in engine.calls if not worker_of(call.context)]
    assert [(call.temperature, call.max_tokens) for call in closing] == [(0, 16), (0, 9), (0, 7)]
    costs = [branch.answer.usage.generated_tokens for branch in answer.branches if branch.answer]
    assert costs == [30, 30]
    assert answer.critical_path == 30 + answer.usage.generated_tokens - sum(costs)


@pytest.mark.parametrize("answer_tokens", [0, 5])
def test_a_closing_without_an_answer_takes_no_more_than_it_may(answer_tokens: int) -> None:
    engine = engine_for({"Bob": ["The answer is 5. On we go" * 9]}, closing="so " * 99)
    answer = found(board_method(answer_tokens=answer_tokens), engine)
    assert answer.value == "5"
    assert answer.remark == (
        "no worker ended a step with an answer: this is the last that one spoke of"
    )
    assert answer.text.endswith("\\boxed{so so" if answer_tokens else "\n\n")
    assert answer.truncated


def test_an_answer_in_an_unfinished_step_is_not_asked_for_again() -> None:
    engine = engine_for({"Bob": ["It was \\boxed{5}, but on we go" * 9]}, closing="7}")
    answer = found(board_method(), engine)
    assert (answer.value, answer.remark) == ("5", "")
    assert all(worker_of(call.context) for call in engine.calls)


def test_brackets_without_an_end_take_no_more_than_they_may() -> None:
    engine = engine_for({}, closing="{4}")
    answer = found(board_method(), engine)
    assert answer.text.endswith("\\boxed{" + "{4}" * 8)
    closing = [call.sampling.max_tokens for call in engine.calls if not worker_of(call.context)]
    assert closing == [16, 14, 12, 10, 8, 6, 4, 2]
    assert (answer.value, answer.truncated) == (None, True)


def test_all_see_one_history_in_the_order_of_the_ends() -> None:
    plan = {
        "Alice": ["Slow is good, and long.\n\n", "Two.\n\n"],
        "Bob": ["One.\n\n", "Three is more.\n\n", "Four.\n\n"],
        "Carol": ["Five, or six.\n\n", "Seven.\n\n", "Eight.\n\n"],
    }
    engine = engine_for(plan)
    answer = found(board_method(3, refresh=0, layout="interleaved", max_tokens=40), engine)
    history = answer.text.partition("From all")[0]
    names = re.findall(r"\*\*(\w+) \[(\d)\]", history)
    assert names[:4] == [("Bob", "1"), ("Carol", "1"), ("Bob", "2"), ("Carol", "2")]
    assert history.count(":**") == 8
    for call in engine.calls:
        if worker_of(call.context):
            own = f"**{worker_of(call.context)} [{own_step(call.context)[1]}]:** "
            assert history.startswith(seen(call).removesuffix(own))


def test_a_slow_worker_holds_nobody_up() -> None:
    def seconds(slow: float) -> list[float]:
        times = []

        def says(context: Context) -> str:
            if worker_of(context) == "Bob":
                times.append(anyio.current_time())
            return "Well said.\n\n"

        found(board_method(3), engine_for(says, slow={"Alice": slow, "Carol": 3}))
        return times[:7]

    assert seconds(0) == seconds(1000) == [pytest.approx(1.25 * n) for n in range(7)]


@pytest.mark.parametrize("refresh", [4, 16])
def test_others_are_seen_within_a_refresh(refresh: int) -> None:
    plan = {"Alice": ["a" * 90], "Bob": ["b" * 90], "Carol": ["c" * 90]}
    engine = engine_for(plan)
    found(board_method(3, refresh=refresh, max_tokens=90), engine)
    for name in plan:
        calls = calls_of(engine, name)
        assert [call.sampling.max_tokens for call in calls[:-1]] == [refresh] * (len(calls) - 1)
        for number, call in enumerate(calls):
            others = seen(call).partition(OTHERS)[2].partition(OWN)[0]
            for other in set("abc") - {name[0].lower()}:
                written = re.sub(r"\*\*\w+", "", others).count(other)
                assert abs(written - number * refresh) <= refresh


@pytest.mark.parametrize(
    ("layout", "first", "second"),
    [
        ("combined", f"**Bob [1]:** One.\n\n{OTHERS}**Bob [2]:** Two i{OWN}", "**Alice [1]:** Slow"),
        ("contiguous", f"{OTHERS}**Bob [1]:** One.\n\n**Bob [2]:** Two i{OWN}", "**Alice [1]:** Slow"),
        ("interleaved", "**Bob [1]:** One.\n\n", "**Alice [1]:** Slow"),
    ],
)  # fmt: skip
def test_a_layout_shows_what_it_should_and_nothing_else(
    layout: Layout, first: str, second: str
) -> None:
    plan = {"Alice": ["Slow it is.\n\n"], "Bob": ["One.\n\n", "Two it is, and more.\n\n"]}
    engine = engine_for(plan, slow={"Alice": 1})
    found(board_method(refresh=5, layout=layout), engine)
    assert seen(calls_of(engine, "Alice")[1]).startswith(first + second)


def test_the_question_comes_by_the_tokens_of_all() -> None:
    plan = {
        name: [f"{word}.\n\n" for word in ("One", "Two", "Six", "Ten")] for name in ("Alice", "Bob")
    }
    engine = engine_for(plan)
    answer = found(board_method(question_every=9), engine)
    asked = re.findall(r"\*\*(\w+ \[\d\]):\*\* Before I go on", answer.text)
    assert asked == ["Alice [3]"]
    none = found(board_method(question_every=0), engine_for(plan))
    assert "Before I go on" not in none.text


@pytest.mark.anyio
@pytest.mark.parametrize("words", ["", " ", "\n\n", "\n \n", "no end ", "Well.\n\n", "}"])
async def test_whatever_a_model_repeats_comes_to_an_end(words: str) -> None:
    engine = FakeEngine(words)
    answer = await solved(board_method(max_tokens=40, step_tokens=12, refresh=5), engine)
    assert answer.value is None
    assert len(engine.calls) <= 2 * 40 + 16
    assert answer.text.count(":** ") == answer.text.count("**") / 2
    if not words.strip():
        assert answer.text == f"From all of this, the final answer is \\boxed{{{words}"
        assert len(engine.calls) < 20


def test_workers_that_only_repeat_are_told_of() -> None:
    plan = {"Alice": ["on and on " * 9] * 9, "Bob": ["One.\n\n"] * 20}
    answer = found(board_method(step_tokens=12, max_tokens=30), engine_for(plan))
    alice, bob = (branch.answer for branch in answer.branches)
    assert alice is not None
    assert bob is not None
    assert alice.remark == "it ended no step by itself: 2 steps cut at 12 tokens"
    assert bob.remark == ""
    assert "no worker ended a step" not in answer.remark
    plan["Bob"] = plan["Alice"]
    answer = found(board_method(step_tokens=12, max_tokens=30), engine_for(plan))
    assert "no worker ended a step, all were cut at 12 tokens: a model that only" in answer.remark


def test_a_worker_that_has_no_more_to_say_leaves_the_others_at_work() -> None:
    plan = {"Alice": ["One."], "Bob": ["A.\n\n", "B.\n\n", "C.\n\n", "D.\n\n", "E.\n\n", BOXED]}
    answer = found(board_method(), engine_for(plan, slow={"Bob": 3}))
    assert (answer.value, statuses(answer)) == ("7", ["ok", "ok"])
    alice = answer.branches[0].answer
    assert alice is not None
    assert alice.remark == "it had nothing more to say"


def test_seeds_are_each_calls_own_and_repeat() -> None:
    def seeds() -> list[tuple[str, int | None]]:
        engine = engine_for({"Alice": [LONG], "Bob": [LONG]})
        found(board_method(sampling=Sampling(seed=3, max_tokens=60), refresh=16), engine)
        return sorted((call.context.path, call.sampling.seed) for call in engine.calls)

    assert seeds() == seeds()
    paths, numbers = zip(*seeds(), strict=True)
    assert len(set(paths)) == len(paths) == len(set(numbers))
    assert paths[0] == "root/Alice/call-1"


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from(LAYOUTS))
def test_the_same_times_give_the_same_answer(mood: int, layout: Layout) -> None:
    method = board_method(3, layout=layout, sampling=Sampling(seed=mood, max_tokens=120))

    def once() -> Answer:
        async def says(context: Context, sampling: Sampling) -> Any:
            await anyio.sleep(random.Random(f"{mood} {context.path}").random())
            return said(context, sampling)

        return found(method, FakeEngine(says))

    assert essence(once()) == essence(once())


@pytest.mark.parametrize("window", range(1000, 2000, 90))
def test_the_window_ends_the_work_and_leaves_room_for_the_closing(window: int) -> None:
    engine = engine_for(lambda context: "Well, it goes on and on. ", window=window)
    answer = found(board_method(3, max_tokens=10_000, step_tokens=70), engine)
    assert (answer.value, answer.truncated) == ("42", True)
    assert answer.cut_by == f"the window of {window:,} tokens ended it"
    assert answer.context is not None
    assert window - 200 < len(answer.context.token_ids) <= window


@pytest.mark.anyio
async def test_a_window_without_room_is_told() -> None:
    with pytest.raises(ContextTooLong, match="the model's window is 500"):
        await solved(board_method(), FakeEngine(window=500))


@pytest.mark.anyio
async def test_an_engine_without_token_ids_is_told_at_once() -> None:
    engine = FakeEngine(text_only=True)
    with pytest.raises(CapabilityMissing, match="takes no token ids here: use vLLM") as told:
        await solved(board_method(), engine)
    assert "\n" not in str(told.value)
    assert not engine.calls


def test_a_refresh_before_any_token_is_none() -> None:
    with pytest.raises(UsageError, match="refresh after -1 tokens"):
        board_method(refresh=-1)


def test_boards_side_by_side_share_nothing() -> None:
    engine = engine_for({"Alice": ["Yes.\n\n", BOXED], "Bob": [LONG]})

    async def main() -> Answer:
        question = await converse(engine, [("user", "Why?")], name="root")
        return await SelfConsistency(samples=3, method=board_method()).solve(question, engine)

    answer = run_virtually(main)
    assert answer.value == "7"
    assert statuses(answer) == ["ok", "ok", "ok"]
    assert len({call.context.path for call in engine.calls}) == len(engine.calls)
    assert answer.usage.generated_tokens == sum(
        branch.answer.usage.generated_tokens for branch in answer.branches if branch.answer
    )


def test_one_worker_waits_for_itself_alone() -> None:
    engine = engine_for({"Alice": ["One is odd.\n\n", BOXED]})
    answer = found(board_method(1, refresh=4), engine)
    assert answer.value == "7"
    assert answer.critical_path == answer.usage.generated_tokens
    # It goes on exactly where it was, and sees no marks.
    for earlier, later in pairwise(engine.calls):
        assert seen(later).startswith(seen(earlier))
    assert not any(OTHERS in seen(call) for call in engine.calls)
