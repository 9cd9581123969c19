"""ParaThinker on any model: threads, what is waited for, one summary."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    EngineStatistics,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Sampling,
    converse,
)
from reasoning import (
    Answer,
    ChainOfThought,
    First,
    Majority,
    NoCandidates,
    Reducer,
    SelfConsistency,
)
from reasoning.parathinking.parathinker import ParaThinker
from reasoning.reducing.vote_first import VoteFirst
from reasoning.waiting import Wait
from tests.backends import run_virtually

pytestmark = pytest.mark.anyio

SUMMARY = "In all: \\boxed{4}"
SEEDED = ChainOfThought(sampling=Sampling(seed=1))
LETTERS = "αβγδεζηθ"  # in no text around them


def is_summary(context: Context) -> bool:
    return context.path.endswith("synthesise")


def number_of(context: Context) -> int:
    return int(context.path.rpartition("-")[2])


async def question(engine: FakeEngine, text: str = "What is 2 + 2?") -> Context:
    return await converse(engine, [("user", text)], name="root")


class Solved(NamedTuple):
    answer: Answer
    engine: FakeEngine
    seconds: float
    statistics: EngineStatistics


def solve(
    method: ParaThinker, script: Callable[[Context], str | ForkjoinError], **options: float
) -> Solved:
    """Solves on a fake engine under a virtual clock."""

    async def main() -> Solved:
        engine = FakeEngine(lambda context, sampling: script(context), **options)  # type: ignore[arg-type]  # all are numbers
        answer = await method.solve(await question(engine), engine)
        return Solved(answer, engine, anyio.current_time(), await engine.statistics())

    return run_virtually(main)


def of_lengths(*lengths: int) -> Callable[[Context], str]:
    """Threads that say their letter so often."""

    def script(context: Context) -> str:
        if is_summary(context):
            return SUMMARY
        number = number_of(context)
        return LETTERS[number] * lengths[number]

    return script


def summary_prompt(engine: FakeEngine) -> str:
    (call,) = [call for call in engine.calls if is_summary(call.context)]
    return call.context.turns[0].text


def last_summary_prompt(engine: FakeEngine) -> str:
    return [c.context.turns[0].text for c in engine.calls if is_summary(c.context)][-1]


# Threads and their summary


async def test_the_summary_lists_the_threads_by_their_index_and_runs_once() -> None:
    engine = FakeEngine(
        lambda context, sampling: SUMMARY if is_summary(context) else f"said {context.path}"
    )
    root = await question(engine)
    answer = await ParaThinker(threads=3, method=SEEDED).solve(root, engine)
    prompt = summary_prompt(engine)
    assert prompt.startswith("What is 2 + 2?")
    assert "1. said root/thread-0\n2. said root/thread-1\n3. said root/thread-2\n" in prompt
    assert len(engine.calls) == 4
    assert engine.calls[-1].context.path == "root/synthesise"
    assert answer.value == "4"
    assert [branch.path for branch in answer.branches] == [f"root/thread-{i}" for i in range(3)]
    assert answer.remark == ""


async def test_threads_have_seeds_of_their_own_and_repeat_themselves() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        return SUMMARY if is_summary(context) else f"I say {sampling.seed}"

    method = ParaThinker(threads=8, method=SEEDED)
    told = []
    for _ in range(2):
        engine = FakeEngine(script)
        answer = await method.solve(await question(engine), engine)
        told.append([candidate.text for candidate in answer.candidates])
    assert len(set(told[0])) == 8
    assert told[0] == told[1]


async def test_threads_find_the_question_in_the_cache() -> None:
    engine = FakeEngine("so it is", block_size=16)
    root = await question(engine, "x" * 200)
    answer = await ParaThinker(threads=5, method=SEEDED).solve(root, engine)
    cached = sorted(candidate.usage.cached_tokens or 0 for candidate in answer.candidates)
    assert cached[0] == 0
    assert cached[1] >= (len(root.token_ids) - 1) // 16 * 16


async def test_on_a_text_only_engine_it_is_all_the_same() -> None:
    engine = FakeEngine(
        lambda context, sampling: SUMMARY if is_summary(context) else "so", text_only=True
    )
    method = ParaThinker(threads=2, hints=("Guess.",))
    answer = await method.solve(await question(engine), engine)
    assert answer.value == "4"
    assert "1. so\n2. so\n" in summary_prompt(engine)


# Waiting


@given(st.integers(1, 9), st.data())
def test_half_finish_waits_for_half_of_the_threads_rounded_up(
    threads: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(threads)))

    def script(context: Context) -> str:
        # None ends in the same step as another.
        return SUMMARY if is_summary(context) else "x" * (16 * (order[number_of(context)] + 1))

    method = ParaThinker(threads=threads, wait="half")
    found = solve(method, script, seconds_per_token=1).answer.branches
    ended = [order[i] for i, branch in enumerate(found) if branch.status == "ok"]
    assert sorted(ended) == list(range(math.ceil(threads / 2)))
    assert all(branch.status in ("ok", "cancelled") for branch in found)


@pytest.mark.parametrize(("wait", "ended"), [("first", 1), (3, 3), ("last", 4), (9, 4)])
def test_other_waits(wait: Wait, ended: int) -> None:
    found = solve(
        ParaThinker(wait=wait), of_lengths(64, 16, 32, 48), seconds_per_token=1
    ).answer.branches
    assert sum(branch.status == "ok" for branch in found) == ended


def test_first_finish_aborts_the_rest_within_a_step_and_the_summary_reads_what_they_said() -> None:
    step = 16
    solved = solve(
        ParaThinker(threads=3, wait="first", method=SEEDED),
        of_lengths(400, 4 * step, 400),
        seconds_per_token=1,
        chunk_tokens=step,
    )
    statuses = [branch.status for branch in solved.answer.branches]
    assert statuses == ["cancelled", "ok", "cancelled"]
    # The summary begins when the first thread ends, and takes a second a token.
    assert solved.seconds == 4 * step + len(SUMMARY)
    assert (solved.engine.aborted, solved.statistics.running) == (2, 0)
    for number in (0, 2):
        kept = solved.answer.branches[number].answer
        assert kept is not None
        assert 3 * step <= len(kept.text) <= 4 * step
        assert f"{number + 1}. {kept.text}\n" in summary_prompt(solved.engine)
    assert solved.answer.value == "4"


def test_no_thread_runs_any_more_when_the_summary_begins() -> None:
    running: list[int] = []

    async def main() -> None:
        async def script(context: Context, sampling: Sampling) -> str:
            if not is_summary(context):
                return "x" * (500 if number_of(context) else 20)
            running.append((await engine.statistics()).running)
            return SUMMARY

        engine = FakeEngine(script, seconds_per_token=1)
        await ParaThinker(threads=8, wait="first").solve(await question(engine), engine)

    run_virtually(main)
    assert running == [1]  # the summary itself


def test_at_a_deadline_what_was_said_by_then_is_summed_up() -> None:
    solved = solve(ParaThinker(threads=2, deadline=100), of_lengths(400, 300), seconds_per_token=1)
    assert [branch.status for branch in solved.answer.branches] == ["cancelled"] * 2
    assert solved.seconds == 100 + len(SUMMARY)
    assert f"1. {LETTERS[0] * 96}\n2. {LETTERS[1] * 96}\n" in summary_prompt(solved.engine)
    assert solved.answer.remark.startswith("no thread came to its end in time")
    assert solved.answer.critical_path == 96 + len(SUMMARY)


def test_at_a_deadline_before_any_word_there_is_nothing_to_sum_up() -> None:
    with pytest.raises(NoCandidates, match="all 2 threads failed, the first: it did not end in"):
        solve(ParaThinker(threads=2, deadline=5), of_lengths(40, 30), latency=10)


async def same_text(first: str, second: str) -> bool:
    return first == second


VOTES = [
    (Majority(equality=same_text), "first", "5"),
    (Majority(equality=same_text), "last", "7"),
    (First(), "first", "5"),
    (VoteFirst(equality=same_text), "first", "4"),
    (VoteFirst(equality=same_text), "last", "7"),
    (VoteFirst(equality=same_text, otherwise=First()), "first", "5"),
]


@pytest.mark.parametrize(("reducer", "wait", "value"), VOTES)
def test_what_is_unfinished_has_no_vote_beside_what_is_finished(
    reducer: Reducer, wait: Wait, value: str
) -> None:
    def script(context: Context) -> str:
        if is_summary(context):
            return SUMMARY
        if number_of(context) == 1:
            return "so it is \\boxed{5}".rjust(48)
        return "\\boxed{7} at first".ljust(160)

    method = ParaThinker(threads=3, wait=wait, reducer=reducer)
    assert solve(method, script, seconds_per_token=1).answer.value == value


# What goes wrong


async def test_lost_threads_are_told_of_and_the_others_are_summed_up() -> None:
    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        if is_summary(context):
            return SUMMARY
        return EngineUnavailable("busy") if number_of(context) == 1 else context.path

    engine = FakeEngine(script)
    answer = await ParaThinker(threads=3).solve(await question(engine), engine)
    assert "1. root/thread-0\n2. root/thread-2\n" in summary_prompt(engine)
    assert answer.remark == "1 of 3 threads were lost, the first: busy"
    assert [branch.status for branch in answer.branches] == ["ok", "failed", "ok"]


async def test_where_all_threads_fail_there_is_no_candidate() -> None:
    engine = FakeEngine(lambda context, sampling: EngineUnavailable(f"busy at {context.path}"))
    with pytest.raises(NoCandidates, match="all 4 threads failed, the first: busy") as caught:
        await ParaThinker().solve(await question(engine), engine)
    assert len(caught.value.branches) == 4


@pytest.mark.parametrize("wait", ["last", "first"])
async def test_no_boxed_answer_anywhere(wait: Wait) -> None:
    engine = FakeEngine("hm")
    answer = await ParaThinker(wait=wait, reducer=VoteFirst()).solve(await question(engine), engine)
    assert (answer.value, answer.text) == (None, "hm")
    assert len([call for call in engine.calls if is_summary(call.context)]) == 1


async def test_a_thread_that_hits_the_window_is_read_as_far_as_it_fits() -> None:
    engine = FakeEngine(
        lambda context, sampling: SUMMARY if is_summary(context) else LETTERS[0] * 1000, window=500
    )
    method = ParaThinker(threads=2, method=ChainOfThought(sampling=Sampling(max_tokens=2000)))
    answer = await method.solve(await question(engine), engine)
    assert [branch.status for branch in answer.branches] == ["truncated"] * 2
    assert summary_prompt(engine).count(LETTERS[0]) > 50
    assert "only the last" in answer.remark
    assert answer.value == "4"


# Accounting


@given(
    lengths=st.lists(st.integers(0, 80), min_size=1, max_size=6),
    wait=st.sampled_from(["last", "first", "half", 2]),
    deadline=st.none() | st.integers(1, 90),
    failing=st.integers(0, 8),
)
def test_the_account_is_the_engines_own(
    lengths: list[int], wait: Wait, deadline: int | None, failing: int
) -> None:
    def script(context: Context) -> str | ForkjoinError:
        if not is_summary(context) and number_of(context) == failing:
            return EngineUnavailable("busy")
        return of_lengths(*lengths)(context)

    method = ParaThinker(threads=len(lengths), wait=wait, deadline=deadline, method=SEEDED)
    try:
        solved = solve(method, script, seconds_per_token=1)
    except NoCandidates:
        return
    usage = solved.answer.usage
    assert (usage.generated_tokens, usage.prompt_tokens) == (
        solved.statistics.generated_tokens,
        solved.statistics.prompt_tokens,
    )
    assert solved.answer.critical_path <= usage.generated_tokens
    assert solved.statistics.running == 0
    if len(lengths) == 1:
        assert solved.answer.critical_path == usage.generated_tokens


# Composition


async def test_it_nests_in_methods_and_methods_in_it() -> None:
    engine = FakeEngine(SUMMARY)
    vote = SelfConsistency(samples=2)
    inner = ParaThinker(threads=2, method=vote)
    await SelfConsistency(samples=2, method=inner).solve(await question(engine), engine)
    paths = [call.context.path for call in engine.calls]
    samples = [
        f"root/sample-{i}/thread-{j}/sample-{k}"
        for i in range(2)
        for j in range(2)
        for k in range(2)
    ]
    assert sorted(paths) == sorted([*samples, *(f"root/sample-{i}/synthesise" for i in range(2))])


def test_threads_of_many_calls_are_cut_with_what_their_last_one_said() -> None:
    def script(context: Context) -> str:
        if context.path == "root/synthesise":
            return SUMMARY
        return "β" * (16 if "thread-1" in context.path else 160)

    inner = ParaThinker(threads=2)
    solved = solve(ParaThinker(threads=2, method=inner, wait="first"), script, seconds_per_token=1)
    kept = solved.answer.branches[0].answer
    assert kept is not None
    assert kept.text in ("β" * 16, "β" * 32)
    assert f"1. {kept.text}\n2. " in last_summary_prompt(solved.engine)
    assert solved.statistics.generated_tokens == solved.answer.usage.generated_tokens
