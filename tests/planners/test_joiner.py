"""The joiner's answers: what is read out of them, what is asked for again, and what it is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engines import (
    BudgetExhausted,
    EngineUnavailable,
    FakeEngine,
    JsonSchema,
    Sampling,
    converse,
)
from planners import Finding
from planners.asking import Asked
from planners.compiler.conversation import Conversation
from planners.compiler.joiner import SCHEMA, Joiner, Verdict

pytestmark = pytest.mark.anyio

FINDINGS = {"1": Finding(status="ok", text="84", data=84)}
UNREADABLE = "Thought: I cannot say."


def finish(answer: Any) -> str:
    return json.dumps({"thought": "enough", "action": "finish", "answer": answer})


def replan(feedback: str) -> str:
    return json.dumps({"thought": "hm", "action": "replan", "feedback": feedback})


async def judged(
    engine: FakeEngine, findings: dict[str, Finding] = FINDINGS, attempts: int = 3
) -> tuple[Asked[Verdict], Conversation]:
    prompt = await converse(engine, [("user", "How many?"), ("assistant", "")], name="plan")
    conversation = Conversation(engine, prompt)
    joiner = Joiner(sampling=Sampling(seed=3), attempts=attempts)
    return await joiner.judge(conversation, findings, "joiner-1"), conversation


@pytest.mark.parametrize(
    "answer",
    [
        "f(x) = 2",
        "First for Women (magazine)",
        "one line\nand another",
        "Replanning Committee",
        'Finish(42) and "quotes" {"action": "replan"}',
        "the answer costs $1",
    ],
)
@pytest.mark.parametrize("text_only", [False, True])
async def test_an_answer_stays_what_it_is_whatever_it_holds_b17(
    answer: str, text_only: bool
) -> None:
    asked, _ = await judged(FakeEngine(finish(answer), text_only=text_only))
    assert asked.value == Verdict(action="finish", text=answer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"So:\n```json\n{finish('4')}\n```\nDone.", "4", id="fences and prose"),
        pytest.param(f"<think>{replan('x')}</think>\n{finish('4')}", "4", id="thoughts"),
        pytest.param('{"action": "finish", "answer": "one\ntwo"}', "one\ntwo", id="line break"),
        pytest.param('{"action": "finish", "answer": 122}', "122", id="number"),
        pytest.param(
            r'{"action": "finish", "answer": "it is \boxed{4}"}', r"it is \boxed{4}", id="LaTeX"
        ),
    ],
)
async def test_json_is_found_in_what_a_free_model_writes(text: str, expected: str) -> None:
    asked, _ = await judged(FakeEngine([text], text_only=True))
    assert asked.value == Verdict(action="finish", text=expected)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(UNREADABLE, id="no JSON"),
        pytest.param('{"thought": "enough", "answer": "4"}', id="no action"),
        pytest.param('{"action": "finish"}', id="no answer"),
        pytest.param(finish(" "), id="an empty answer"),
        pytest.param('{"action": "dance", "answer": "4"}', id="no such action"),
        pytest.param("Finish: 42", id="LLMCompiler's own form"),
        pytest.param("", id="nothing"),
    ],
)
async def test_what_says_nothing_of_use_is_no_answer_and_is_asked_for_again_b18(text: str) -> None:
    engine = FakeEngine([text, finish("4")], text_only=True)
    asked, conversation = await judged(engine)
    assert asked.value == Verdict(action="finish", text="4")
    assert conversation.tokens == len(text) + len(finish("4"))
    first, second = engine.calls
    assert first.context.path == "plan/joiner-1"
    assert second.context.path.startswith("plan/joiner-1/")
    never, conversation = await judged(FakeEngine(text, text_only=True))
    assert never.value is None
    assert never.problem
    assert conversation.tokens == 3 * len(text)


async def test_a_joiner_asks_as_often_as_it_is_told_to() -> None:
    engine = FakeEngine(UNREADABLE, text_only=True)
    asked, _ = await judged(engine, attempts=2)
    assert asked.value is None
    assert len(engine.calls) == 2


@pytest.mark.parametrize(
    "error", [BudgetExhausted("tokens", 9, 9, "joiner"), EngineUnavailable("gone")]
)
async def test_a_call_that_fails_is_data(error: BudgetExhausted | EngineUnavailable) -> None:
    asked, _ = await judged(FakeEngine([error]))
    assert asked.value is None
    assert asked.problem == str(error)


async def test_the_answer_has_a_schema_where_the_engine_enforces_one() -> None:
    engine = FakeEngine(finish("4"))
    await judged(engine)
    (call,) = engine.calls
    assert call.sampling.constraint == JsonSchema(definition=dict(SCHEMA))
    assert call.sampling.seed == Sampling(seed=3).for_branch("plan/joiner-1").seed
    free = FakeEngine(finish("4"), text_only=True)
    await judged(free)
    assert free.calls[0].sampling.constraint is None


async def test_the_conversation_goes_on_after_the_verdict() -> None:
    engine = FakeEngine(replan("the price"))
    asked, conversation = await judged(engine)
    assert asked.value == Verdict(action="replan", text="the price")
    assert conversation.context.turns[-1].text == replan("the price")
    assert conversation.context.path == "plan/joiner-1"


async def test_it_is_shown_results_failures_and_the_beginning_of_what_is_long() -> None:
    engine = FakeEngine(finish("4"))
    findings = {
        "1": Finding(status="ok", text="84"),
        "2": Finding(status="failed", reason="multiply failed: no luck"),
        "3": Finding(status="truncated", text="half", reason="it reached its token limit"),
        "4": Finding(status="ok", text="x" * 1_000_000),
        "5": Finding(status="failed", reason="y" * 1_000_000),
    }
    await judged(engine, findings)
    shown = engine.calls[0].context.turns[-2].text
    assert "$1: 84\n" in shown
    assert "$2: no result, failed: multiply failed: no luck\n" in shown
    assert "$3: half (it reached its token limit)\n" in shown
    assert "$4: xxx" in shown
    assert "... (1000000 characters)" in shown
    assert len(shown) < 4000
