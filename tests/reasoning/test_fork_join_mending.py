"""What models and engines do wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engines import (
    CapabilityMissing,
    Context,
    EngineUnavailable,
    FakeEngine,
    Sampling,
    UsageError,
    configured,
)
from tests.reasoning.forking_engines import (
    question,
    said,
)
from tests.reasoning.forking_scripts import (
    OPENING,
    REST,
    WEAVER,
    Reply,
    label,
    script,
    solve,
)


@pytest.mark.anyio
async def test_a_thread_that_ends_without_its_tag_is_closed() -> None:
    answer, _ = await solve(WEAVER, script(lambda n: " no tag" if n == "1" else " two </Thread>"))
    assert "1: no tag\n</Thread><Thread>\n2: two </Thread>\n</Parallel>" in answer.text
    assert answer.remark == "1 of 2 threads did not close themselves"
    assert answer.value == "4"
    assert answer.branches[0].answer is not None
    assert answer.branches[0].answer.remark == "the thread did not close itself"


@pytest.mark.anyio
async def test_the_end_of_the_model_within_a_thread_may_finish_the_answer() -> None:
    method = replace(WEAVER, cut="finish")
    answer, engine = await solve(
        method, script(lambda n: " no tag" if n == "1" else " b </Thread>")
    )
    assert answer.text.endswith("1: no tag\n</Thread><Thread>\n2: b </Thread>\n</Parallel>")
    assert (answer.value, answer.truncated) == (None, True)
    assert len(engine.calls) == 3
    closed, _ = await solve(method, script())
    assert closed.value == "4"


@pytest.mark.anyio
async def test_a_thread_that_is_too_long_is_cut_and_closed() -> None:
    answer, _ = await solve(WEAVER, script(lambda n: "x" * 9000 if n == "1" else " b </Thread>"))
    assert [branch.status for branch in answer.branches] == ["truncated", "ok"]
    assert "x\n</Thread><Thread>" in answer.text
    assert (answer.value, answer.truncated) == ("4", False)


@pytest.mark.anyio
async def test_a_failed_thread_is_left_out_and_told_of() -> None:
    def thread(number: str) -> Reply:
        return EngineUnavailable("busy") if number == "1" else " two </Thread>"

    answer, _ = await solve(WEAVER, script(thread))
    assert answer.text == f"{OPENING}\n<Thread>\n2: two </Thread>\n{REST}"
    assert [branch.status for branch in answer.branches] == ["failed", "ok"]
    assert answer.remark == "1 of 2 threads were lost, the first: busy"


@pytest.mark.anyio
async def test_when_all_threads_fail_it_goes_on_in_one_sequence_and_both_are_counted() -> None:
    def reply(context: Context, sampling: Sampling) -> Reply:
        if "block-1/thread" in context.path and "block-1/thread-1/" not in context.path:
            return OPENING if label(context) == "1" else EngineUnavailable("gone")
        if context.path.endswith("round-1") and "thread-1" in context.path:
            return EngineUnavailable("gone too")
        if label(context) is not None:
            return " inner </Thread>"
        return OPENING if not said(context) else "<Thread>\n1: all alone</Thread>" + REST

    answer, engine = await solve(WEAVER, reply)
    assert answer.text == f"{OPENING}<Thread>\n1: all alone</Thread>{REST}"
    assert answer.remark == "2 of 2 threads were lost, the first: gone too"
    assert answer.value == "4"
    lost = answer.branches[0].answer
    assert lost is not None
    assert lost.usage.generated_tokens > 2 * len(" inner ")
    assert len({call.context.digest for call in engine.calls}) == len(engine.calls)


@pytest.mark.anyio
async def test_a_model_that_never_closes_its_block_gets_it_closed() -> None:
    answer, _ = await solve(WEAVER, script(rest="the end"))
    assert answer.text.endswith("\nthe end\n</Parallel>")


@pytest.mark.anyio
async def test_the_answer_of_a_thread_is_not_the_answer() -> None:
    answer, _ = await solve(
        WEAVER, script(lambda n: rf" \boxed{{{n}}} </Thread>", rest="</Parallel> I do not know.")
    )
    assert answer.value is None
    assert [branch.answer.value for branch in answer.branches if branch.answer] == ["1", "2"]


@pytest.mark.anyio
async def test_an_engine_of_text_only_is_refused_at_once() -> None:
    engine = FakeEngine("4", text_only=True)
    with pytest.raises(CapabilityMissing, match="cannot continue the model's own turn: use vLLM"):
        await WEAVER.solve(await question(engine), engine)
    assert not engine.calls


@pytest.mark.parametrize("option", ["max_tokens", "max_path_tokens", "max_paths", "max_rounds"])
def test_limits_that_leave_nothing_are_a_wrong_usage(option: str) -> None:
    with pytest.raises(UsageError, match=f"fork and join with {option}=-1"):
        configured(WEAVER, {option: "-1"})
