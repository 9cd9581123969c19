"""What a run hands to tools that ask for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import anyio
import pytest

from engines import FakeEngine, UsageError
from orchestrator import Agent, Event, ToolDefinitionError, tool
from orchestrator.tools.context import ToolContext
from planners import Call, GivenPlanner, Plan
from tests import backends

anyio_backend = backends.virtual_backend


@dataclass(frozen=True)
class Library:
    books: tuple[str, ...]


@tool
async def find(word: str, context: ToolContext[Library]) -> str:
    """Finds a book.

    Args:
        word: In its title.
        context: Not of the plan.
    """
    found = [book for book in context.dependencies.books if word in book]
    return f"{context.node}, {context.question}: {', '.join(found)}"


@tool
def where(context: ToolContext) -> str:  # type: ignore[type-arg]  # as one writes it who needs no dependencies
    return context.node


PLAN = Plan(nodes=(Call(id="look", tool="find", arguments={"word": "War"}),))
ONE, OTHER = Library(("War and Peace", "Emma")), Library(("War of the Worlds",))


def agent(**options: Any) -> Agent:
    return Agent(FakeEngine(), tools=[find], planner=GivenPlanner(given=PLAN), **options)


def test_the_context_is_no_parameter_of_the_plan() -> None:
    assert (
        find.specification.listing == "find(word: string): Finds a book.\n    word: In its title."
    )
    assert find.specification.parameters["additionalProperties"] is False
    assert where.specification.signature == "where()"


@pytest.mark.anyio
async def test_a_tool_gets_the_dependencies_of_its_run_or_of_the_agent() -> None:
    first = await agent(dependencies=ONE).run("why?")
    assert first.answer.final == "look, why?: War and Peace"
    second = await agent(dependencies=ONE).run("why?", dependencies=OTHER)
    assert second.answer.final == "look, why?: War of the Worlds"


@pytest.mark.anyio
async def test_dependencies_are_handed_on_by_every_way_to_run() -> None:
    async with agent().stream("why?", dependencies=ONE) as events:
        last = [event async for event in events][-1]
    assert getattr(last, "answer", "") == "look, why?: War and Peace"


def test_dependencies_in_synchronous_code() -> None:
    assert agent().run_sync("why?", dependencies=OTHER).answer.final.endswith("War of the Worlds")


@pytest.mark.anyio
async def test_a_run_without_the_dependencies_that_a_tool_needs_does_not_begin(
    tmp_path: Path,
) -> None:
    events: list[Event] = []
    with pytest.raises(UsageError) as caught:
        await agent(runs=tmp_path / "runs").run("why?", subscribers=[events.append])
    assert str(caught.value) == (
        "tool 'find' needs dependencies: pass Agent(dependencies=...) or run(..., dependencies=...)"
    )
    assert not events
    assert not (tmp_path / "runs").exists()


@pytest.mark.anyio
async def test_a_resumed_run_needs_them_too(tmp_path: Path) -> None:
    result = await agent(runs=tmp_path, dependencies=ONE).run("why?")
    assert result.folder is not None
    with pytest.raises(UsageError, match="tool 'find' needs dependencies"):
        await agent(runs=tmp_path).resume(result.folder)
    resumed = await agent(runs=tmp_path).resume(result.folder, dependencies=OTHER)
    # The journal answers.
    assert resumed.answer.final == "look, why?: War and Peace"


@pytest.mark.anyio
async def test_a_method_gets_the_context_too_wherever_it_stands() -> None:
    class Shelf:
        @tool
        async def take(self, context: Annotated[ToolContext[int], "why"], book: str = "x") -> str:
            return book * context.dependencies

    made = Shelf().take
    assert made.specification.signature == "take(book: string = ...)"
    assert await made.call({"book": "a"}, context=ToolContext(dependencies=3)) == "aaa"


def bare(context: ToolContext) -> None: ...  # type: ignore[type-arg]
def nothing(context: ToolContext[None]) -> None: ...
def perhaps(context: ToolContext[int | None]) -> None: ...
def anything(context: ToolContext[Any]) -> None: ...
def some(context: ToolContext[int]) -> None: ...
def annotated(context: Annotated[ToolContext[list[int]], 1]) -> None: ...


@pytest.mark.parametrize(
    ("function", "needed"),
    [(bare, False), (nothing, False), (perhaps, False), (anything, False), (some, True), (annotated, True)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)  # fmt: skip
def test_the_type_says_whether_dependencies_have_to_be_there(
    function: Callable[..., None], needed: bool
) -> None:
    assert tool(function).needs_dependencies is needed


def test_two_contexts_are_one_too_many() -> None:
    def f(a: ToolContext[int], b: ToolContext[int]) -> None: ...

    with pytest.raises(ToolDefinitionError, match="tool 'f': one ToolContext is enough"):
        tool(f)


def test_without_a_run_there_is_an_empty_context() -> None:
    assert anyio.run(where.call, {}) == ""
