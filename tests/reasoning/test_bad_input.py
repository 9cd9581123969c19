"""What an answer says of each kind of nonsense that a model may write, and of how much of it there is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from engines import (
    BudgetExhausted,
    Context,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Logprob,
    Sampling,
    Scripted,
    TokenLogprobs,
)
from reasoning import Answer, ChainOfThought, NoCandidates, ParaThinker, ThinkBudget, extract_answer
from reasoning.equality import equal_at_sight
from reasoning.forking.balance import Balance
from reasoning.forking.block_format import format_problem
from reasoning.forking.dialect import MULTIVERSE
from reasoning.forking.positions import block_layout
from reasoning.method import Method
from reasoning.rewording.sentences import orders
from tests.reasoning.forking_engines import question, said
from tests.reasoning.forking_scripts import OPENING, REST, VERSE, WEAVER, label, script, solve

LONG = 100_000


# Blocks that are wrong


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "becomes", "remark"),
    [
        (
            "a <Parallel><Outlines> b",
            "a <Parallel><Outlines> b\n</Outlines>\n</Parallel>",
            "tags missing put in: 2; blocks not forked: 1",
        ),
        (
            "<Parallel><Outlines></Parallel></Outlines>",
            "<Parallel><Outlines></Outlines></Parallel> ",
            "tags out of place taken out: 1; tags missing put in: 1; blocks not forked: 1",
        ),
        ("</Parallel></Parallel> c", "   c", "tags out of place taken out: 2"),
    ],
    ids=["unclosed", "overlapping", "repeated"],
)
async def test_wrong_tags_are_mended_and_told_of(said: str, becomes: str, remark: str) -> None:
    # In one piece: where rounds are left, it would be asked to go on after the outlines.
    answer, _ = await solve(replace(WEAVER, max_rounds=0), lambda context, sampling: said)
    assert answer.text == becomes
    assert (answer.value, answer.branches, answer.remark) == (None, (), remark)


@pytest.mark.anyio
@pytest.mark.parametrize("outlines", ["", "<Outline></Outline>", "<Outline>no label</Outline>"])
async def test_outlines_that_fork_nothing_are_told_of(outlines: str) -> None:
    opening = f"<Parallel>\n<Outlines>\n{outlines}\n</Outlines>"
    answer, _ = await solve(WEAVER, script(opening=opening))
    assert (answer.value, answer.remark) == ("4", "blocks not forked: 1")


@pytest.mark.anyio
async def test_labels_out_of_order_are_threads_in_the_order_of_the_outlines() -> None:
    outlines = "".join(f"<Outline>{n}: x</Outline>" for n in (3, 1, 2))
    opening = f"<Parallel>\n<Outlines>\n{outlines}\n</Outlines>"
    answer, _ = await solve(WEAVER, script(opening=opening))
    places = [answer.text.index(f"\n{n}: thread {n}") for n in (3, 1, 2)]
    assert places == sorted(places)
    assert answer.remark == ""


@pytest.mark.anyio
async def test_a_thread_that_hits_the_window_is_truncated_and_the_answer_says_so() -> None:
    answer, _ = await solve(WEAVER, script(lambda number: "x" * 9000), window=700)
    assert {branch.status for branch in answer.branches} == {"truncated"}
    assert "2 of 2 threads did not close themselves" in answer.remark


@pytest.mark.anyio
async def test_where_all_threads_fail_the_answer_goes_on_alone_and_says_so() -> None:
    answer, _ = await solve(WEAVER, script(lambda number: EngineUnavailable("busy")))
    assert [branch.status for branch in answer.branches] == ["failed", "failed"]
    assert answer.remark == "2 of 2 threads were lost, the first: busy"
    assert answer.text == OPENING + REST


@pytest.mark.anyio
async def test_without_an_answer_anywhere_there_is_no_value() -> None:
    answer, _ = await solve(WEAVER, script(rest="</Parallel> and so on."))
    assert answer.value is None
    assert {branch.answer and branch.answer.value for branch in answer.branches} == {None}


# Threads side by side, and one thread


@pytest.mark.anyio
async def test_where_all_threads_of_parathinker_fail_the_error_has_them() -> None:
    engine = FakeEngine(lambda context, sampling: EngineUnavailable("busy"))
    with pytest.raises(NoCandidates, match="all 3 threads failed, the first: busy") as caught:
        await ParaThinker(threads=3).solve(await question(engine), engine)
    assert [branch.status for branch in caught.value.branches] == ["failed"] * 3


@pytest.mark.anyio
async def test_parathinker_without_an_answer_anywhere_has_no_value() -> None:
    engine = FakeEngine("I do not know.")
    answer = await ParaThinker(threads=3).solve(await question(engine), engine)
    assert (answer.text, answer.value, len(answer.branches)) == ("I do not know.", None, 3)


@pytest.mark.anyio
@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
async def test_logprobs_that_are_no_numbers_are_no_confidence(broken: float) -> None:
    def reply(context: Context, sampling: Sampling) -> Scripted:
        return Scripted("so 4", [TokenLogprobs(Logprob(c, broken), ()) for c in "so 4"])

    sampling = Sampling(logprobs=1)
    methods: Sequence[Method] = (
        ThinkBudget(sampling=sampling),
        ParaThinker(threads=2, method=ChainOfThought(sampling=sampling)),
        replace(VERSE, sampling=sampling),
    )
    for method in methods:
        engine = FakeEngine(reply)
        answer = await method.solve(await question(engine), engine)
        assert answer.text == "so 4"
        said = [answer, *answer.candidates]
        assert [one.confidence for one in said] == [None] * len(said)


# Budgets that end in the middle


SPENT = BudgetExhausted("tokens", 9, 9, "root")


@pytest.mark.anyio
async def test_a_budget_that_ends_within_threads_leaves_what_was_said_before_them() -> None:
    def reply(context: Context, sampling: Sampling) -> str | ForkjoinError:
        return SPENT if said(context) else OPENING

    answer, _ = await solve(WEAVER, reply)
    assert answer.text == f"{OPENING}\n</Parallel>"
    assert (answer.truncated, answer.limited_by) == (True, "tokens")
    assert [branch.status for branch in answer.branches] == ["failed", "failed"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("replies", "options"),
    [(["thought", SPENT], {"min_thinking": 100}), (["<think>thought", SPENT], {})],
    ids=["continued", "answer"],
)
async def test_a_budget_that_ends_after_a_thought_leaves_the_thought(
    replies: Sequence[str | ForkjoinError], options: dict[str, int]
) -> None:
    engine = FakeEngine(replies)
    answer = await ThinkBudget(**options).solve(await question(engine), engine)  # type: ignore[arg-type]
    assert answer.text == replies[0]
    assert (answer.truncated, answer.limited_by, answer.value) == (True, "tokens", None)
    assert answer.usage.generated_tokens == (await engine.statistics()).generated_tokens


# Much of it: a time that grew with the square of it would be minutes.


@pytest.mark.parametrize(
    "piece",
    ["<", "<Parallel>", "<Path>", "<Parallel><Goal><Outline>1: a", "<Parallel><Path>", "1.", " "],
)
@pytest.mark.parametrize("after", ["", "</Goal>"])
def test_a_long_text_of_anything_is_mended_judged_and_laid_out(piece: str, after: str) -> None:
    half = LONG // 2
    text = piece * (half // len(piece)) + after * (half // len("</Goal>"))
    for in_thread in (True, False):
        Balance(MULTIVERSE, in_thread=in_thread).mend(f"<Outline>{text}")
    format_problem(text, MULTIVERSE, nested=True)
    layout = block_layout(text, MULTIVERSE)
    assert 0 < layout.longest <= len(text)
    assert layout.sees(len(text) - 1, 0)


@pytest.mark.anyio
async def test_thousands_of_tags_out_of_place_are_taken_out() -> None:
    count = 10_000
    method = replace(VERSE, sampling=Sampling(max_tokens=LONG))
    engine = FakeEngine(lambda context, sampling: "a</Path>" * count)
    answer = await method.solve(await question(engine), engine)
    assert answer.text == "a " * count
    assert answer.remark == f"tags out of place taken out: {count}"


@pytest.mark.anyio
async def test_hundreds_of_outlines_may_all_be_threads() -> None:
    outlines = "".join(f"<Outline> {n}: x </Outline>" for n in range(200))
    method = replace(WEAVER, max_paths=200, sampling=Sampling(max_tokens=LONG))
    opening = f"<Parallel>\n<Outlines>\n{outlines}\n</Outlines>"
    answer, engine = await solve(method, script(opening=opening))
    assert len(answer.branches) == 200
    assert len([call for call in engine.calls if label(call.context)]) == 200
    assert (answer.value, answer.remark) == ("4", "")


@pytest.mark.parametrize(
    "text", ["the answer is 4 " * 7_000, " " * 100_000, "x" + " $." * 40_000 + "y", "\n" * 100_000]
)
def test_answers_are_found_and_compared_in_time_in_proportion_to_the_text(text: str) -> None:
    answer = Answer(text=text, value=extract_answer(text))
    assert equal_at_sight(answer.final, "4") is (answer.value == "4")
    assert (orders(text) > 0) is (". " in text)
