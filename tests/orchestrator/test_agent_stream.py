"""The answer's text is told while it is generated, once it is known which node gives it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engines import Engine, EngineError, EngineUnavailable, FakeEngine, Sampling, UsageError
from orchestrator import (
    Agent,
    Budget,
    Event,
    NodeFinished,
    RunFailed,
    RunFinished,
    TokensGenerated,
    WorkerText,
    tool,
)
from orchestrator.events import AnswerText
from planners import Call, Conclude, Node, PlanSink, Reduce, Think, Vocabulary
from reasoning import Hogwild
from tests import backends
from tests.backends import run_virtually
from tests.orchestrator.plans import by_path, given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

ANSWER = "Six times seven is forty-two, as everybody knows: \\boxed{42}."


@tool
async def multiply(a: int, b: int) -> int:
    """Multiplies."""
    return a * b


async def pieces_of(agent: Agent, question: str = "6 * 7?") -> list[str]:
    async with agent.stream_text(question) as text:
        pieces = [piece async for piece in text]
        assert "".join(pieces) == text.result.answer.text
    return pieces


async def test_the_answer_comes_in_pieces() -> None:
    engine = FakeEngine(ANSWER, chunk_tokens=7)
    pieces = await pieces_of(Agent(engine, planner="single"))
    assert "".join(pieces) == ANSWER
    assert engine.calls[0].delivery.interval == 1
    assert pieces[0] == ANSWER[:7]
    assert len(pieces) == 9


def test_a_piece_is_there_before_the_next_is_generated() -> None:
    async def main() -> list[float]:
        engine = FakeEngine(ANSWER[:30], chunk_tokens=10, seconds_per_token=1)
        times = []
        async with Agent(engine, planner="single").stream_text("6 * 7?") as text:
            async for _ in text:
                times.append(anyio.current_time())
        return times

    assert run_virtually(main) == [10, 20, 30]


async def test_pieces_are_events_among_the_others() -> None:
    events: list[Event] = []
    async with Agent(FakeEngine(ANSWER), planner="single").stream("6 * 7?") as stream:
        async for event in stream:
            events.append(event)
    told = [event for event in events if isinstance(event, AnswerText)]
    assert "".join(event.delta for event in told) == ANSWER
    assert any(isinstance(event, TokensGenerated) for event in events)
    ends = [type(event) for event in events if isinstance(event, NodeFinished | AnswerText)]
    assert ends[-1] is NodeFinished
    assert isinstance(events[-1], RunFinished)
    assert str(stream.result) == "42"


async def test_only_streams_are_told_of_the_text() -> None:
    events: list[Event] = []
    agent = Agent(FakeEngine(ANSWER), planner="single")
    await agent.run("6 * 7?", subscribers=[events.append], live=True)
    assert not [event for event in events if isinstance(event, AnswerText)]


async def test_a_stream_of_text_has_other_subscribers_and_a_history() -> None:
    events: list[Event] = []
    agent = Agent(FakeEngine(ANSWER), planner="single")
    first = await agent.run("6 * 7?")
    async with agent.stream_text(
        "Sure?", subscribers=[events.append], history=first.history
    ) as text:
        async for _ in text:
            pass
    assert events[-1].kind == "run-finished"
    assert len(text.result.history.exchanges) == 2


THREADS = [Think(id="1"), Think(id="2")]
PLANS: list[tuple[str, list[Node], int]] = [
    ("a reduction that asks the model", [*THREADS, Reduce(id="3", inputs=("1", "2"), reducer="synthesise")], 9),
    ("a thread after others", [*THREADS, Think(id="3", after="1")], 9),
    ("a vote", [*THREADS, Reduce(id="3", inputs=("1", "2"), reducer="majority")], 1),
    ("a method that votes", [Think(id="3", method="self-consistency")], 1),
    ("a tool", [Call(id="3", tool="multiply", arguments={"a": 6, "b": 7})], 1),
    ("a conclusion", [*THREADS, Conclude(id="3", text="It is 42.", inputs=("1", "2"))], 1),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "pieces"), [p[1:] for p in PLANS], ids=[p[0] for p in PLANS])
async def test_whoever_gives_the_answer_is_told_and_nobody_else(
    nodes: list[Node], pieces: int
) -> None:
    replies = by_path({"root/1": "first \\boxed{42}", "root/2": "second \\boxed{42}"}, ANSWER)
    agent = Agent(FakeEngine(replies, chunk_tokens=7), tools=[multiply], planner=given(*nodes))
    assert len(await pieces_of(agent)) == pieces


class Slow:
    """Sends a thread, and decides later whether it was the last one."""

    def __init__(self, *more: Node) -> None:
        self.more = more

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        sink.node(Think(id="1"))
        await anyio.sleep(5)
        for node in self.more:
            sink.node(node)
        return 0


@pytest.mark.parametrize("more", [(), (Think(id="2"),)])
def test_a_thread_that_may_not_be_the_last_is_never_told_as_it_comes(
    more: tuple[Node, ...],
) -> None:
    replies = by_path({"root/2": ANSWER}, "not this one, or all of it" if more else ANSWER)
    engine = FakeEngine(replies, chunk_tokens=7, seconds_per_token=0.1)
    pieces = run_virtually(lambda: pieces_of(Agent(engine, planner=Slow(*more))))
    assert "".join(pieces) == ANSWER
    # Known too late, it is told at its end.
    assert len(pieces) == (9 if more else 1)


def test_a_call_is_tried_again_only_before_its_first_piece() -> None:
    engine = FakeEngine([EngineUnavailable("busy"), ANSWER], chunk_tokens=7)
    assert len(run_virtually(lambda: pieces_of(Agent(engine, planner="single")))) == 9


async def test_an_answer_that_is_cut_is_told_as_far_as_it_goes() -> None:
    engine = FakeEngine(ANSWER, chunk_tokens=7)
    agent = Agent(engine, planner="single", sampling=Sampling(max_tokens=20))
    assert "".join(await pieces_of(agent)) == ANSWER[:20]


async def test_an_answer_that_a_budget_cuts_is_told_as_far_as_it_goes() -> None:
    engine = FakeEngine(ANSWER, chunk_tokens=7)
    agent = Agent(engine, planner="single", budget=Budget(tokens=125))
    pieces = await pieces_of(agent)
    assert len(pieces) > 1
    assert "".join(pieces) == ANSWER[: len("".join(pieces))] != ANSWER


async def test_a_run_that_fails_raises_after_what_was_told() -> None:
    engine = FakeEngine([EngineError("lost it")])

    async def read() -> None:
        async with Agent(engine, planner="single").stream_text("6 * 7?") as text:
            assert [piece async for piece in text] == []
            with pytest.raises(UsageError, match="no result yet"):
                _ = text.result

    with pytest.raises(RunFailed, match="lost it"):
        await read()


async def test_leaving_a_stream_of_text_early_cancels_the_run() -> None:
    engine = FakeEngine("x" * 1000, chunk_tokens=1)
    async with Agent(engine, planner="single").stream_text("Why?") as text:
        async for _ in text:
            break
    assert engine.aborted == len(engine.calls) == 1
    assert (await engine.statistics()).running == 0


async def test_the_output_is_no_part_of_the_text() -> None:
    def script(context: object, sampling: object) -> str:
        return '["a"]' if "(output)" in context.path else ANSWER  # type: ignore[attr-defined]

    agent = Agent(FakeEngine(script), planner="single", output_type=list[str])
    async with agent.stream_text("Which?") as text:
        assert "".join([piece async for piece in text]) == ANSWER
    assert text.result.output == ["a"]


async def test_what_a_journal_answers_is_streamed_as_one_piece(tmp_path: Path) -> None:
    events: list[Event] = []
    agent = Agent(FakeEngine(ANSWER, chunk_tokens=7), planner="single", runs=tmp_path)
    assert len(await pieces_of(agent)) == 9
    (folder,) = tmp_path.iterdir()
    result = await agent.resume(folder, subscribers=[events.append])
    assert result.answer.text == ANSWER
    # Transient: nothing of it is kept.
    assert "answer-text" not in (folder / "events.jsonl").read_text()


async def test_the_steps_of_workers_are_read_as_they_end_and_their_drafts_as_events() -> None:
    engine = FakeEngine("So it is 4.\n\n", chunk_tokens=3)
    method = Hogwild(workers=2, sampling=Sampling(max_tokens=40))
    agent = Agent(engine, planner="single", method=method)
    async with agent.stream_text("2 + 2?") as text:
        pieces = [piece async for piece in text if piece]
    assert "".join(pieces) == text.result.answer.text
    assert len(pieces) > 2
    async with agent.stream("2 + 2?") as events:
        told = [event async for event in events]
    workers = [event for event in told if isinstance(event, WorkerText)]
    assert {(event.node, event.worker) for event in workers} == {("1", "Alice"), ("1", "Bob")}
    alice = "".join(event.delta for event in workers if event.worker == "Alice")
    assert alice.startswith("**Alice [1]:** So it is 4.\n\n**Alice [2]:** ")
