"""A blackboard that is killed goes on the way it went; a worker that is lost or not paid for takes no other along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import Context, EngineError, FakeEngine, Sampling, converse
from orchestrator.budget import Budget, BudgetEngine, Purse
from reasoning import Answer, NoCandidates, thread_data
from tests.backends import run_virtually
from tests.orchestrator.killed_run import KilledRun, luck
from tests.reasoning.boards import (
    board_method,
    calls_of,
    engine_for,
    found,
    own_step,
    seen,
    worker_of,
)
from tests.reasoning.keeping import Deciding
from tests.reasoning.method_rules import essence

WORDS = ("word ", "So it is.\n\n", "Hence:\n\n", "It follows at once.\n\n", "on and on " * 5)
LOST = EngineError("lost")


def engine_in(mood: int, *, answering: bool = True, failing: str = "") -> FakeEngine:
    """Takes another time for each call in each mood; what it says depends on all that stands before, and the seed."""

    async def says(context: Context, sampling: Sampling) -> str | EngineError:
        await anyio.sleep(int.from_bytes(luck(mood, context.path)[:4], "big") / 2**32)
        digest = luck(context.turns, sampling.seed)
        if context.path.endswith(failing or "?"):
            return LOST
        if answering and worker_of(context) and own_step(context)[1] > 3:
            return f"So \\boxed{{{digest[1] % 4}}}.\n\n"
        return WORDS[digest[2] % len(WORDS)]

    return FakeEngine(says, chunk_tokens=3, seconds_per_token=0.01)


def run_of(runs: Path, engine: FakeEngine, **options: Any) -> KilledRun:
    """A run of one blackboard."""
    sampling = Sampling(seed=5, max_tokens=72)
    method = board_method(3, **{"sampling": sampling, "refresh": 16, **options})
    return KilledRun(runs, engine, method)


@pytest.mark.parametrize(
    ("layout", "answering"),
    [("combined", True), ("combined", False), ("contiguous", True), ("interleaved", False)],
)
@pytest.mark.parametrize("share", [0.4, 0.8, 1.0])
def test_a_killed_board_asks_nothing_twice_and_goes_the_same_way(
    layout: str, answering: bool, share: float, tmp_path: Path
) -> None:
    whole = run_of(tmp_path / "whole", engine_in(1, answering=answering), layout=layout)
    expected = run_virtually(whole.begin)
    assert (expected.value is not None) == answering
    first = run_of(tmp_path / "killed", engine_in(1, answering=answering), layout=layout)
    first.killed_after(whole.seconds * share + 0.001)
    assert first.finished
    # Others are slow now, so that what was not decided is decided otherwise.
    second = run_of(tmp_path / "killed", engine_in(2, answering=answering), layout=layout)
    answer = run_virtually(second.resume)
    assert not first.finished & second.asked
    if share == 1:
        assert second.asked == set()
        assert essence(answer) == essence(expected)
    third = run_of(tmp_path / "killed", engine_in(3, answering=answering), layout=layout)
    again = run_virtually(third.resume)
    assert third.asked == set()
    assert essence(again) == essence(answer)
    # What was cut, and how far it had come, are told as they were.
    assert thread_data(again) == thread_data(answer)
    assert again.usage == answer.usage


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_worker_that_is_found_again_is_taken_in(share: float, tmp_path: Path) -> None:
    lost = engine_in(1, answering=False, failing="Bob/call-2")
    whole = run_of(tmp_path / "whole", engine_in(1, answering=False, failing="Bob/call-2"))
    run_virtually(whole.begin)
    first = run_of(tmp_path / "killed", lost)
    first.killed_after(whole.seconds * share)
    second = run_of(tmp_path / "killed", engine_in(2, answering=False))
    answer = run_virtually(second.resume)
    assert [branch.status for branch in answer.branches] == ["truncated"] * 3
    # What was asked before it was lost is not asked again.
    assert "Bob/call-2" in "".join(second.asked)
    assert not any(path.endswith("call-1") for path in second.asked)


def test_what_was_decided_without_a_worker_is_decided_anew_with_it() -> None:
    def found_again(engine: Deciding, lost: bool) -> list[str]:
        def says(context: Context) -> str | EngineError:
            if worker_of(context) == "Bob":
                return LOST if lost else "I am here.\n\n"
            return (
                "So we are two, and done. " * 9
                if "I am here" in context.turns[-1].text
                else "Alone.\n\n"
            )

        engine.inner = inner = engine_for(says, slow={"Alice": 5})
        found(board_method(max_tokens=40), engine)
        return [call.context.path for call in calls_of(inner, "Alice")]

    engine = Deciding(FakeEngine())
    alone = found_again(engine, lost=True)
    assert found_again(engine, lost=True) == alone
    assert len(alone) > 4
    assert found_again(engine, lost=False) == alone[:2]


def test_a_worker_that_is_lost_leaves_the_others_at_work() -> None:
    def says(context: Context) -> str | EngineError:
        if context.path.endswith("Alice/call-2"):
            return LOST
        return "Yes.\n\n" if worker_of(context) == "Alice" else "No, it goes on. "

    engine = engine_for(says, slow={"Alice": 2})
    answer = found(board_method(3, max_tokens=60), engine)
    assert answer.value == "42"
    assert [branch.status for branch in answer.branches] == ["failed", "truncated", "truncated"]
    assert "1 of 3 workers were lost, the first: lost" in answer.remark
    alice = answer.branches[0].answer
    assert alice is not None
    assert alice.text == "**Alice [1]:** Yes.\n\n"
    assert "**Alice [1]:** Yes." in seen(calls_of(engine, "Bob")[-1])


def test_boards_of_lost_workers_are_told() -> None:
    with pytest.raises(NoCandidates, match="all 2 workers failed, the first: lost"):
        found(board_method(), engine_for(lambda context: LOST))


def test_an_answer_that_cannot_be_asked_for_is_told() -> None:
    async def says(context: Context, sampling: Sampling) -> str | EngineError:
        return "The answer is 3. Or not, " * 2 if worker_of(context) else LOST

    answer = found(board_method(max_tokens=30), FakeEngine(says))
    assert answer.value == "3"
    assert "the answer could not be asked for at the end: lost" in answer.remark


def paid(**limits: Any) -> Answer:
    """Two workers who would write 90 tokens each, and what they come to under a budget."""

    async def main() -> Answer:
        inner = engine_for(lambda context: "On and on it goes. ")
        purse = Purse(Budget(final_share=0, **limits), clock=anyio.current_time)
        engine = BudgetEngine(inner, purse, purse.work.child("1"))
        question = await converse(inner, [("user", "Why?")], name="root")
        with anyio.fail_after(10**6):
            answer = await board_method(max_tokens=90).solve(question, engine)
        statistics = await inner.statistics()
        assert statistics.running == 0
        assert answer.usage.generated_tokens == statistics.generated_tokens
        assert answer.usage.prompt_tokens == statistics.prompt_tokens
        return answer

    return run_virtually(main)


@pytest.mark.parametrize("calls", [2, 3, 6])
def test_calls_that_are_left_out_end_the_work(calls: int) -> None:
    answer = paid(calls=calls)
    assert answer.truncated
    assert answer.value is None
    assert answer.limited_by == "calls"
    assert "**Alice [1]:** On and on it goes. " in answer.text


@pytest.mark.parametrize("limits", [{"tokens": 3000}, {"seconds": 6.0}])
def test_what_a_budget_cuts_is_told_as_cut(limits: dict[str, Any]) -> None:
    answer = paid(**limits)
    assert (answer.truncated, answer.value) == (True, None)
    assert [answer.limited_by] == [*limits]
    assert {branch.status for branch in answer.branches} == {"truncated"}


def test_a_budget_for_nothing_is_told() -> None:
    with pytest.raises(NoCandidates, match="all 2 workers failed, the first: budget exhausted"):
        paid(tokens=3)
