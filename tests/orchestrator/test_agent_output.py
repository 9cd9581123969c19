"""Answers become values of a type, by one more call where they are none yet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, assert_type

import pytest
from pydantic import BaseModel, Field

from engines import (
    BudgetExhausted,
    Context,
    EngineError,
    FakeEngine,
    JsonSchema,
    Sampling,
    UsageError,
)
from orchestrator import (
    Agent,
    Budget,
    Event,
    GenerationFinished,
    RunFinished,
    RunResult,
    tool,
)
from orchestrator.errors import OutputFailed
from orchestrator.output import OutputType
from planners import Call, Conclude, Reduce, Think
from tests import backends
from tests.orchestrator.plans import by_path, given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio


class Invoice(BaseModel):
    customer: str
    total: float = Field(ge=0)
    items: list[str] = []


ANSWER = "Ada owes us \\boxed{12.50} for two books."
PAPER = '{"customer": "Ada", "total": 12.5, "items": ["book", "book"]}'
ADA = Invoice(customer="Ada", total=12.5, items=["book", "book"])
OUTPUT = "root/1/(output)"


@tool
async def bill(customer: str) -> dict[str, Any]:
    """Bills."""
    return {"customer": customer, "total": 3}


@tool
async def amount() -> int:
    """Counts."""
    return 3


def invoicing(*papers: str, text_only: bool = False) -> FakeEngine:
    """Answers, and writes one paper after another when it is asked for the output."""
    waiting = list(papers)

    def script(context: Context, sampling: Sampling) -> str:
        return waiting.pop(0) if "(output)" in context.path else ANSWER

    return FakeEngine(script, text_only=text_only)


async def test_an_answer_becomes_a_model() -> None:
    engine = invoicing(PAPER)
    result = await Agent(engine, planner="single", output_type=Invoice).run("Who owes what?")
    assert_type(result, RunResult[Invoice])
    assert result.output == ADA
    assert str(result) == "12.50"
    assert result.to_data()["output"] == json.loads(PAPER)


async def test_a_type_can_be_given_to_one_run() -> None:
    agent = Agent(invoicing(PAPER), planner="single")
    assert_type(agent, Agent[str])
    result = await agent.run("Who owes what?", output_type=Invoice)
    assert_type(result.output, Invoice)
    assert result.output == ADA
    plain = await agent.run("Who owes what?")
    assert_type(plain.output, str)
    assert plain.output == "12.50"
    typed = Agent(invoicing(PAPER), planner="single", output_type=Invoice)
    assert (await typed.run("Who owes what?", output_type=str)).output == "12.50"


async def test_the_call_goes_on_from_the_answers_thread_under_the_schema() -> None:
    engine = invoicing(PAPER)
    result = await Agent(engine, planner="single", output_type=Invoice).run("Who owes what?")
    thinking, writing = engine.calls
    assert writing.context.path == OUTPUT
    assert result.answer.context is not None
    end = result.answer.context.token_ids
    assert writing.context.token_ids[: len(end)] == end
    # All of it was in the cache, but for the last block.
    cached = result.usage_by_node["(output)"].cached_tokens
    assert cached is not None
    assert cached >= len(end) // 16 * 16 - 16
    constraint = writing.sampling.constraint
    assert isinstance(constraint, JsonSchema)
    assert constraint.definition == Invoice.model_json_schema()
    assert thinking.sampling.constraint is None


async def test_the_call_counts_in_usage_and_on_the_critical_path_and_is_told() -> None:
    events: list[Event] = []
    agent = Agent(invoicing(PAPER), planner="single", output_type=Invoice)
    result = await agent.run("Who owes what?", subscribers=[events.append])
    assert result.critical_path == len(ANSWER) + len(PAPER)
    assert result.usage.generated_tokens == len(ANSWER) + len(PAPER)
    assert result.usage_by_node["(output)"].generated_tokens == len(PAPER)
    told = [event for event in events if isinstance(event, GenerationFinished)]
    assert [(event.node, event.path) for event in told] == [("1", "root/1"), ("(output)", OUTPUT)]


async def test_without_constraints_the_model_is_shown_the_schema() -> None:
    engine = invoicing(f"Of course:\n```json\n{PAPER}\n```", text_only=True)
    result = await Agent(engine, planner="single", output_type=Invoice).run("Who owes what?")
    assert result.output == ADA
    asked = engine.calls[1].context.turns[-2]
    assert (asked.role, '"customer"' in asked.text) == ("user", True)


@pytest.mark.parametrize("text_only", [False, True])
async def test_what_is_wrong_is_told_and_asked_again(text_only: bool) -> None:
    engine = invoicing('{"customer": "Ada", "total": -1}', PAPER, text_only=text_only)
    result = await Agent(engine, planner="single", output_type=Invoice).run("Who owes what?")
    assert result.output == ADA
    again = engine.calls[2].context
    assert "total" in again.turns[-2].text
    assert "-1" in again.turns[-2].text
    assert again.path != engine.calls[1].context.path


@pytest.mark.parametrize("text_only", [False, True])
async def test_an_answer_that_never_fits_keeps_the_plain_result(
    text_only: bool, tmp_path: Path
) -> None:
    engine = invoicing(*['{"customer": "Ada", "total": "?"}'] * 3, text_only=text_only)
    events: list[Event] = []
    agent = Agent(engine, planner="single", output_type=Invoice, runs=tmp_path)
    with pytest.raises(OutputFailed, match=r"did not become Invoice: .*total") as caught:
        await agent.run("Who owes what?", subscribers=[events.append])
    assert "\n" not in str(caught.value)
    assert len(engine.calls) == 4
    result = caught.value.result
    assert (str(result), result.output) == ("12.50", "12.50")
    assert result.usage.generated_tokens == len(ANSWER) + 3 * len(
        '{"customer": "Ada", "total": "?"}'
    )
    end = events[-1]
    assert isinstance(end, RunFinished)
    assert (end.status, end.answer) == ("failed", "12.50")
    (folder,) = tmp_path.iterdir()
    assert json.loads((folder / "metrics.json").read_text())["answer"] == "12.50"


async def test_an_engine_that_fails_the_output_keeps_the_plain_result() -> None:
    engine = FakeEngine(by_path({OUTPUT: EngineError("it broke")}, ANSWER))
    agent = Agent(engine, planner="single", output_type=Invoice)
    with pytest.raises(OutputFailed, match="it broke") as caught:
        await agent.run("Who owes what?")
    assert isinstance(caught.value.__cause__, EngineError)
    assert str(caught.value.result) == "12.50"


CASES: list[tuple[Any, str, Any]] = [
    (int, "So it is \\boxed{122}.", 122),
    (float, "\\boxed{0.5}", 0.5),
    (Literal["yes", "no"], "It is \\boxed{yes}.", "yes"),
    (list[str], '["a", "b"]', ["a", "b"]),
    (list[str], '```json\n["a", "b"]\n```', ["a", "b"]),
    (Invoice, PAPER, ADA),
    (int | None, "null", None),
    (str, ANSWER, "12.50"),
    (str, '"x"', '"x"'),
]


@pytest.mark.parametrize(("kind", "answer", "output"), CASES)
async def test_an_answer_that_is_of_the_type_needs_no_call(
    kind: Any, answer: str, output: Any
) -> None:
    engine = FakeEngine(answer)
    result = await Agent(engine, planner="single", output_type=kind).run("?")
    assert result.output == output
    assert len(engine.calls) == 1
    assert result.critical_path == len(answer)


async def test_what_a_tool_gives_is_of_the_type_as_it_is() -> None:
    engine = FakeEngine()
    plan = given(Call(id="1", tool="bill", arguments={"customer": "Bob"}))
    result = await Agent(engine, tools=[bill], planner=plan, output_type=Invoice).run("?")
    assert result.output == Invoice(customer="Bob", total=3)
    assert engine.calls == []


async def test_a_text_is_what_a_tool_gave_as_it_reads() -> None:
    plan = given(Call(id="1", tool="amount"))
    result = await Agent(FakeEngine([]), tools=[amount], planner=plan, output_type=str).run("?")
    assert result.output == "3"


async def test_a_computed_answer_is_put_after_the_question() -> None:
    engine = FakeEngine(PAPER)
    plan = given(Conclude(id="1", text="Ada owes 12.50 for two books."))
    result = await Agent(engine, planner=plan, output_type=Invoice).run("Who owes what?")
    assert result.output == ADA
    (call,) = engine.calls
    assert call.context.path == "root/(output)"
    assert call.context.turns[0].text.startswith(
        "Who owes what?\n\nThis answer was found:\nAda owes"
    )


async def test_an_answer_that_was_voted_for_goes_on_from_the_winners_thread() -> None:
    engine = FakeEngine(by_path({"root/2/(output)": PAPER, "root/1": "Well, \\boxed{y}"}, ANSWER))
    threads = [Think(id="1"), Think(id="2"), Think(id="3")]
    plan = given(*threads, Reduce(id="4", inputs=("1", "2", "3"), reducer="majority"))
    result = await Agent(engine, planner=plan, output_type=Invoice).run("Who owes what?")
    assert result.output == ADA


async def test_the_share_that_is_kept_back_pays_for_it() -> None:
    question = "Who owes what?"
    agent = Agent(invoicing(PAPER), planner="single", output_type=Invoice)
    usage = (await agent.run(question)).usage
    whole = usage.prompt_tokens + usage.generated_tokens
    # A tenth, for all that comes before the answer, would not even pay for the prompt.
    enough = Budget(tokens=whole, final_share=0.9)
    agent = Agent(invoicing(PAPER), planner="single", output_type=Invoice, budget=enough)
    assert (await agent.run(question)).output == ADA
    tight = Budget(tokens=whole // 3)
    agent = Agent(invoicing(PAPER), planner="single", output_type=Invoice, budget=tight)
    with pytest.raises(OutputFailed, match="budget exhausted") as caught:
        await agent.run(question)
    assert isinstance(caught.value.__cause__, BudgetExhausted)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (object(), "cannot be an output type"),
        (Callable[[int], int], "cannot be an output type"),
        (dict[str, FakeEngine], "cannot be an output type"),
        ("Nowhere", "cannot be an output type"),
    ],
)
def test_a_type_without_a_schema_is_refused(kind: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Agent(FakeEngine(), output_type=kind)
    assert "\n" not in str(caught.value)


async def test_a_run_that_died_before_its_output_is_gone_on_with(tmp_path: Path) -> None:
    def make(engine: FakeEngine) -> Agent[Invoice]:
        return Agent(engine, planner="single", output_type=Invoice, runs=tmp_path)

    with pytest.raises(OutputFailed):
        await make(FakeEngine(by_path({OUTPUT: EngineError("gone")}, ANSWER))).run("Who owes what?")
    (folder,) = tmp_path.iterdir()
    engine = invoicing(PAPER)
    result = await make(engine).resume(folder)
    assert_type(result, RunResult[Invoice])
    assert result.output == ADA
    assert [call.context.path for call in engine.calls] == [OUTPUT]
    # Now it is in the journal too.
    silent = FakeEngine([])
    again = await make(silent).resume(folder)
    assert (again.output, again.critical_path) == (ADA, result.critical_path)
    assert silent.calls == []


async def test_repairs_are_replayed_too(tmp_path: Path) -> None:
    agent = Agent(invoicing("{}", '{"customer": 3}', PAPER), planner="single", runs=tmp_path)
    result = await agent.run("Who owes what?", output_type=Invoice)
    (folder,) = tmp_path.iterdir()
    again = await Agent(FakeEngine([]), planner="single", runs=tmp_path).resume(
        folder, output_type=Invoice
    )
    assert_type(again.output, Invoice)
    assert (again.output, again.usage) == (result.output, result.usage)


async def test_a_run_is_resumed_with_its_own_output_only(tmp_path: Path) -> None:
    agent = Agent(invoicing(PAPER), planner="single", runs=tmp_path)
    await agent.run("Who owes what?", output_type=Invoice)
    (folder,) = tmp_path.iterdir()
    with pytest.raises(UsageError, match="begun with another output"):
        await agent.resume(folder)


def test_synchronous_callers_get_it_too() -> None:
    agent = Agent(invoicing(PAPER), planner="single", output_type=Invoice)
    result = agent.run_sync("Who owes what?")
    assert_type(result.output, Invoice)
    assert result.output == ADA


def test_what_is_wrong_is_located_in_one_line() -> None:
    kind = OutputType(Invoice)
    with pytest.raises(
        ValueError, match=r"at total: .*, not 'x'; at items.1: .*, not 2$"
    ) as caught:
        kind.of_data({"customer": "A", "total": "x", "items": ["a", 2]})
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"and 2 more$"):
        OutputType(list[int]).of_data(list("abcde"))


def test_half_of_a_surrogate_pair_is_no_bug() -> None:
    with pytest.raises(ValueError, match=r"."):
        OutputType(int).of_text("\ud800")
    assert OutputType(list[str]).of_text('["\ud800"]') == ["?"]
