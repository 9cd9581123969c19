"""Answers become JSON data that a JSON Schema takes, as they become values of a type."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import pytest

from engines import Context, FakeEngine, JsonSchema, Sampling, UsageError
from orchestrator import Agent, RunResult, tool
from orchestrator.errors import OutputFailed
from orchestrator.output import SchemaType
from planners import Call
from tests import backends
from tests.orchestrator.plans import by_path, given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

INVOICE: dict[str, Any] = {
    "title": "Invoice",
    "type": "object",
    "properties": {"customer": {"type": "string"}, "total": {"type": "number", "minimum": 0}},
    "required": ["customer", "total"],
    "additionalProperties": False,
}
ANSWER = "Ada owes us \\boxed{12.50}."
PAPER = '{"customer": "Ada", "total": 12.5}'
ADA = {"customer": "Ada", "total": 12.5}
OUTPUT = "root/1/(output)"


def agent_on(engine: FakeEngine, **options: Any) -> Agent[Any]:
    return Agent(engine, **{"planner": "single", **options})


@tool
async def bill(customer: str) -> dict[str, Any]:
    """Bills."""
    return {"customer": customer, "total": 3}


@pytest.mark.parametrize("answer", [PAPER, f"```json\n{PAPER}\n```", f"\\boxed{{{PAPER}}}"])
async def test_an_answer_that_fits_is_taken_as_it_is(answer: str) -> None:
    engine = FakeEngine([answer, PAPER])
    result = await agent_on(engine, output_type=INVOICE).run("What does Ada owe?")
    assert result.output == ADA


async def test_what_a_tool_gave_is_taken_too() -> None:
    engine = FakeEngine([])
    plan = given(Call(id="1", tool="bill", arguments={"customer": "Ada"}))
    agent = agent_on(engine, tools=[bill], planner=plan, output_type=INVOICE)
    assert (await agent.run("What does Ada owe?")).output == {"customer": "Ada", "total": 3}


async def test_a_title_of_any_length_is_a_name_in_one_line() -> None:
    kind = SchemaType({"title": "An\n\tInvoice " * 100})
    assert kind.name.startswith("An Invoice An Invoice")
    assert len(kind.name) <= 80
    assert SchemaType({"title": " \n"}).name == "value of the schema"


async def test_else_the_model_is_asked_under_the_schema() -> None:
    engine = FakeEngine(by_path({"root/1": ANSWER}, PAPER))
    result = await Agent(engine, planner="single").run("What?", output_type=INVOICE)
    assert_type(result, RunResult[Any])
    assert (result.output, str(result)) == (ADA, "12.50")
    asked = engine.calls[1]
    assert OUTPUT in asked.context.path
    assert asked.sampling.constraint == JsonSchema(definition=INVOICE)


async def test_values_that_do_not_fit_are_asked_for_again_and_then_fail() -> None:
    engine = FakeEngine(by_path({"root/1": ANSWER}, '{"customer": "Ada", "total": -1}'))
    agent = agent_on(engine, output_type=INVOICE)
    with pytest.raises(
        OutputFailed, match=r"the answer did not become Invoice: .*minimum"
    ) as caught:
        await agent.run("What?")
    assert len(engine.calls) == 4
    assert caught.value.result.output == "12.50"
    # A mode that a schema does not know is no JSON either.
    assert isinstance(caught.value.result.output, str)


async def test_a_schema_is_part_of_a_run_that_is_resumed(tmp_path: Path) -> None:
    def script(context: Context, sampling: Sampling) -> str:
        return PAPER if "(output)" in context.path else ANSWER

    engine = FakeEngine(script)
    agent = agent_on(engine, output_type=INVOICE, runs=tmp_path)
    result = await agent.run("What?")
    assert result.folder is not None
    calls = len(engine.calls)
    assert (await agent.resume(result.folder)).output == ADA
    assert len(engine.calls) == calls
    other = Agent(engine, planner="single", runs=tmp_path)
    assert (await other.resume(result.folder, output_type=INVOICE)).output == ADA
    with pytest.raises(UsageError, match="begun with another output"):
        await other.resume(result.folder, output_type={"type": "integer"})


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "int"}, "the JSON Schema of the output is none at type: 'int'"),
        ({"$ref": "http://127.0.0.1:9/x"}, "refers to 'http://127.0.0.1:9/x', which is not there"),
    ],
)
def test_a_schema_that_is_none_is_refused_in_a_line(schema: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Agent(FakeEngine(), output_type=schema)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("NaN", "NaN is no JSON"),
        ("[" * 100_000, "it is too deep"),
        ('{"customer": 1, "total": 2}', "at customer: 1 is not of type 'string'"),
    ],
)
def test_a_text_that_is_no_value_says_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SchemaType(INVOICE).of_text(text)


async def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {"properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    value = {"next": {"next": 1}}
    engine = FakeEngine('{"next": {"next": 1}}')
    assert (await agent_on(engine, output_type=tree).run("?")).output == value
    endless = agent_on(FakeEngine("1"), output_type={"$ref": "#"})
    with pytest.raises(OutputFailed, match="takes too long, or has no end"):
        await endless.run("?")
