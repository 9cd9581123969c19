"""Calls that begin before their line is complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import Engine, FakeEngine
from orchestrator import Agent, Budget, RunFailed, Tool, ToolError, tool
from orchestrator.run_result import RunResult
from planners import (
    Call,
    Conclude,
    LLMCompiler,
    Node,
    PlanError,
    PlanSink,
    Reference,
    Template,
    Vocabulary,
)
from tests.backends import run_virtually


@dataclass
class Asked:
    """Tools that tell when they begin, end and are cancelled; each takes ten seconds."""

    log: list[tuple[str, str, float]] = field(default_factory=list)
    running: int = 0

    async def _take(self, word: str) -> str:
        self.log.append(("began", word, anyio.current_time()))
        self.running += 1
        try:
            await anyio.sleep(10)
        except BaseException:
            self.log.append(("cancelled", word, anyio.current_time()))
            raise
        finally:
            self.running -= 1
        self.log.append(("ended", word, anyio.current_time()))
        if word == "bad":
            raise ToolError("no such word")
        return word.upper()

    @property
    def tools(self) -> list[Tool]:
        @tool(pure=True)
        async def look_up(word: str) -> str:
            """Looks a word up."""
            return await self._take(word)

        @tool
        async def write(word: str) -> str:
            """Writes a word down."""
            return await self._take(word)

        return [look_up, write]


def call(node: str, name: str, word: Any) -> Call:
    return Call(id=node, tool=name, arguments={"word": word})


def looks_up(word: Any, node: str = "1") -> Call:
    return call(node, "look_up", word)


@dataclass
class Guessing:
    """Plans what it is told, at the seconds that it is told: guesses and nodes."""

    steps: list[tuple[float, str, Node | None]]

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        began = anyio.current_time()
        for at, what, node in self.steps:
            await anyio.sleep_until(began + at)
            if what == "node" and node is not None:
                sink.node(node)
            elif what == "guess":
                sink.speculate(node if isinstance(node, Call) else None)
        return 0


def carried_out(
    asked: Asked, *steps: tuple[float, str, Node | None], **settings: Any
) -> tuple[RunResult[Any], float]:
    async def main() -> tuple[RunResult[Any], float]:
        agent = Agent(FakeEngine(), tools=asked.tools, planner=Guessing(list(steps)), **settings)
        result = await agent.run("?")
        return result, anyio.current_time()

    ended = run_virtually(main)
    assert asked.running == 0
    return ended


def test_a_pure_call_begins_with_its_guess_and_its_node_finds_it_on_its_way() -> None:
    asked = Asked()
    result, ended = carried_out(
        asked,
        (1, "guess", looks_up("a")),
        (3, "node", looks_up("a")),
        (3, "guess", None),
        (20, "end", None),
    )
    assert result.answer.final == "A"
    assert asked.log == [("began", "a", 1), ("ended", "a", 11)]
    assert ended == 20


def test_a_call_that_is_not_pure_waits_for_its_node() -> None:
    asked = Asked()
    carried_out(asked, (1, "guess", call("1", "write", "a")), (3, "node", call("1", "write", "a")))
    assert asked.log == [("began", "a", 3), ("ended", "a", 13)]


@pytest.mark.parametrize(
    ("came", "answer"),
    [(looks_up("b"), "B"), (call("1", "write", "a"), "A"), (Conclude(id="1", text="so"), "so")],
)
def test_a_guess_that_does_not_come_true_is_cancelled_and_not_used(came: Node, answer: str) -> None:
    asked = Asked()
    result, _ = carried_out(asked, (1, "guess", looks_up("a")), (3, "node", came))
    assert result.answer.final == answer
    assert ("cancelled", "a", 3) in asked.log
    assert ("ended", "a", 11) not in asked.log


def test_another_guess_takes_the_place_of_the_last() -> None:
    asked = Asked()
    carried_out(
        asked,
        (1, "guess", looks_up("a")),
        (2, "guess", looks_up("ab")),
        (4, "node", looks_up("ab")),
    )
    assert sorted(asked.log, key=lambda event: (event[2], event[0] == "began")) == [
        ("began", "a", 1),
        ("cancelled", "a", 2),
        ("began", "ab", 2),
        ("ended", "ab", 12),
    ]


def test_the_same_guess_again_changes_nothing() -> None:
    asked = Asked()
    guesses = [(float(at), "guess", looks_up("a")) for at in range(1, 5)]
    carried_out(asked, *guesses, (5, "node", looks_up("a")))
    assert asked.log == [("began", "a", 1), ("ended", "a", 11)]


def test_a_guess_that_is_wrong_and_then_right_begins_again() -> None:
    asked = Asked()
    result, _ = carried_out(
        asked, (1, "guess", looks_up("a")), (2, "guess", None), (2, "node", looks_up("a"))
    )
    assert result.answer.final == "A"
    assert asked.log == [
        ("began", "a", 1),
        ("cancelled", "a", 2),
        ("began", "a", 2),
        ("ended", "a", 12),
    ]


@pytest.mark.parametrize(("guessed_at", "began"), [(5, None), (12, 12)])
def test_a_call_begins_only_once_the_results_are_there_that_it_refers_to(
    guessed_at: float, began: float | None
) -> None:
    asked = Asked()
    text = Template(parts=(Reference(node="1"), "!"))
    result, _ = carried_out(
        asked,
        (0, "node", looks_up("a")),
        (guessed_at, "guess", looks_up(text, "2")),
        (14, "node", looks_up(text, "2")),
    )
    assert result.answer.final == "A!"
    assert ("began", "A!", 14 if began is None else began) in asked.log


@pytest.mark.parametrize(
    "guess", [looks_up(Reference(node="9")), looks_up(Reference(node="1", field="x"), "2")]
)
def test_a_guess_that_refers_to_what_is_not_there_is_none(guess: Call) -> None:
    asked = Asked()
    carried_out(asked, (0, "node", looks_up("a")), (12, "guess", guess))
    assert [event[1] for event in asked.log] == ["a", "a"]


def test_a_guess_that_fails_fails_nothing_and_its_node_calls_itself() -> None:
    asked = Asked()
    result, _ = carried_out(
        asked,
        (1, "guess", looks_up("bad")),
        (2, "guess", looks_up(5)),
        (3, "guess", looks_up("bad")),
        (14, "node", looks_up("bad")),
        (15, "node", Conclude(id="2", text="well", inputs=("1",))),
    )
    assert result.answer.final == "well"
    assert "no such word" in result.outcomes["1"].reason
    assert [event for event in asked.log if event[0] == "began"] == [
        ("began", "bad", 1), ("began", "bad", 3), ("began", "bad", 14)
    ]  # fmt: skip


def test_nothing_is_left_running_when_the_plan_ends_or_the_planner_fails() -> None:
    asked = Asked()
    guess = (1.0, "guess", looks_up("a"))
    # The run goes on after its plan.
    _, ended = carried_out(asked, (0, "node", call("1", "write", "b")), guess, (2, "end", None))
    assert ended == 10
    with pytest.raises(PlanError, match="no nodes"):
        carried_out(asked, guess, (2, "end", None))
    of_guesses = [event for event in asked.log if event[1] == "a"]
    assert of_guesses == [("began", "a", 1), ("cancelled", "a", 2)] * 2


def test_a_guess_is_paid_for_like_a_call() -> None:
    asked = Asked()
    steps = (
        (1.0, "guess", looks_up("a")),
        (2.0, "node", looks_up("b")),
    )
    result, _ = carried_out(asked, *steps, budget=Budget(calls=2, final_share=0))
    assert result.answer.final == "B"
    with pytest.raises(RunFailed, match="1 of 1 calls"):
        carried_out(asked, *steps, budget=Budget(calls=1, final_share=0))
    # Without a call left there is no guess, and nothing else is lost.
    nothing = Budget(calls=1, final_share=0)
    result, _ = carried_out(
        Asked(),
        (0, "node", looks_up("b")),
        (1, "guess", looks_up("a")),
        (12, "guess", None),
        budget=nothing,
    )
    assert result.answer.final == "B"


def test_a_journal_keeps_a_guess_as_the_call_that_it_is(tmp_path: Path) -> None:
    asked = Asked()

    async def main() -> None:
        planner = Guessing([(1, "guess", looks_up("a")), (3, "node", looks_up("a"))])
        agent = Agent(FakeEngine(), tools=asked.tools, planner=planner, runs=tmp_path)
        result = await agent.run("?")
        assert result.folder is not None
        again = await agent.resume(result.folder)
        assert again.answer.final == "A"

    run_virtually(main)
    assert asked.log == [("began", "a", 1), ("ended", "a", 11)]


TEXT = '1. look_up("ab")\n2. look_up("c")\njoin()'


@pytest.mark.parametrize(("speculate", "early"), [(True, 2), (False, 0)])
def test_llm_compiler_guesses_when_the_last_quote_is_written(speculate: bool, early: int) -> None:
    asked = Asked()
    planner = LLMCompiler(speculate=speculate, max_replans=0, min_steps=1, reducer="first")
    engine = FakeEngine(TEXT, seconds_per_token=1, chunk_tokens=1)

    async def main() -> None:
        await Agent(engine, tools=asked.tools, planner=planner).run("?")

    run_virtually(main)
    # With its line break the line is complete, two characters after the quote.
    ends = [TEXT.index("\n") + 1, TEXT.index("\n", 17) + 1]
    assert [event for event in asked.log if event[0] == "began"] == [
        ("began", "ab", ends[0] - early),
        ("began", "c", ends[1] - early),
    ]
    assert asked.running == 0
