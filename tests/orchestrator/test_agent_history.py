"""Conversations: the next question goes on where the last answer ended, in the same KV cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import Context, Engine, FakeEngine, Sampling, UsageError
from engines.wrapper import EngineWrapper
from orchestrator import Agent, RunUnreadable, tool
from orchestrator.history import Exchange, History
from planners import Call, Conclude, PlanSink, Reduce, Reference, Template, Think, Vocabulary
from tests import backends
from tests.orchestrator.plans import by_path, given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

FIRST = "12 times 7 is 84, so it is \\boxed{84}."
SECOND = "Its root is about \\boxed{9.17}."


@tool
async def multiply(a: float, b: float) -> float:
    """Multiplies."""
    return a * b


def calculating(**options: bool) -> FakeEngine:
    """Answers the second question where it knows the first one."""

    def script(context: Context, sampling: Sampling) -> str:
        return FIRST if len(context.turns) == 2 else SECOND

    return FakeEngine(script, **options)


@pytest.mark.parametrize("text_only", [False, True])
async def test_the_second_question_goes_on_from_the_first_answer(text_only: bool) -> None:
    engine = calculating(text_only=text_only)
    agent = Agent(engine, planner="single")
    first = await agent.run("What is 12 * 7?")
    second = await agent.run("And what is its root?", history=first.history)
    assert (str(first), str(second)) == ("84", "9.17")
    turns = engine.calls[1].context.turns
    assert [turn.role for turn in turns] == ["user", "assistant", "user", "assistant"]
    assert turns[1].text == FIRST
    assert turns[2].text.startswith("And what is its root?")
    # The question stays what was asked.
    assert second.plan.question == "And what is its root?"


async def test_the_second_turn_finds_the_first_in_the_cache() -> None:
    agent = Agent(calculating(), planner="single")
    first = await agent.run("What is 12 * 7?")
    second = await agent.run("And what is its root?", history=first.history)
    assert first.answer.context is not None
    length = len(first.answer.context.token_ids)
    cached = second.usage_by_node["1"].cached_tokens
    assert cached is not None
    # The last token generated has no KV yet.
    assert cached >= (length - 1) // 16 * 16 > 0
    third = await agent.run("Sure?", history=second.history)
    assert second.answer.context is not None
    cached = third.usage_by_node["1"].cached_tokens
    assert cached is not None
    assert cached >= (len(second.answer.context.token_ids) - 1) // 16 * 16


async def test_a_history_grows_by_question_and_answer_and_turns() -> None:
    agent = Agent(calculating(), planner="single")
    first = await agent.run("What is 12 * 7?")
    second = await agent.run("And what is its root?", history=first.history)
    assert second.history.exchanges == (
        Exchange(question="What is 12 * 7?", answer="84"),
        Exchange(question="And what is its root?", answer="9.17"),
    )
    roles = [turn.role for turn in second.history.turns]
    assert roles == ["user", "assistant", "user", "assistant"]
    context = await second.history.context(FakeEngine())
    assert second.answer.context is not None
    assert context.token_ids == second.answer.context.token_ids
    # A history is no ledger: the first one is as it was.
    assert len(first.history.exchanges) == 1


async def test_a_run_with_a_history_has_the_same_paths_and_seeds_as_one_without() -> None:
    engine = calculating()
    agent = Agent(engine, planner="single", sampling=Sampling(seed=3))
    first = await agent.run("What is 12 * 7?")
    await agent.run("And what is its root?", history=first.history)
    assert [call.context.path for call in engine.calls] == ["root/1", "root/1"]
    assert len({call.sampling.seed for call in engine.calls}) == 1


async def test_an_answer_that_a_tool_gave_is_the_assistants_turn() -> None:
    engine = FakeEngine(SECOND)
    call = Call(id="1", tool="multiply", arguments={"a": 12, "b": 7})
    first = await Agent(engine, tools=[multiply], planner=given(call)).run("What is 12 * 7?")
    assert engine.calls == []
    await Agent(engine, planner="single").run("And its root?", history=first.history)
    turns = engine.calls[0].context.turns
    assert turns[0].text == "What is 12 * 7?"
    assert turns[1].text == "multiply(a=12, b=7) = 84.0"
    # As if it had been encoded at once: no mark is missing between the turns.
    said = "".join(map(chr, engine.calls[0].context.token_ids))
    start = "<|user|>What is 12 * 7?<|assistant|>multiply(a=12, b=7) = 84.0<|user|>And its root?"
    assert said.startswith(start)


async def test_a_conclusion_and_a_vote_are_told_after_the_question_not_after_a_part_of_it() -> None:
    text = Template(parts=("There are ", Reference(node="1"), "."))
    plan = given(Think(id="1", prompt="Count them."), Conclude(id="2", text=text))
    first = await Agent(FakeEngine("\\boxed{3}"), planner=plan).run("How many?")
    assert [turn.text for turn in first.history.turns] == ["How many?", "There are 3."]
    threads = [Think(id="1", prompt="Count them."), Think(id="2", prompt="Guess.")]
    plan = given(*threads, Reduce(id="3", inputs=("1", "2"), reducer="majority"))
    first = await Agent(FakeEngine("\\boxed{3}"), planner=plan).run("How many?")
    assert [turn.text for turn in first.history.turns] == ["How many?", "\\boxed{3}"]


async def test_what_a_reduction_read_and_wrote_is_gone_on_from() -> None:
    engine = FakeEngine(by_path({"root/2/synthesise": "Three: \\boxed{3}"}, "\\boxed{3}"))
    plan = given(Think(id="1"), Reduce(id="2", inputs=("1",), reducer="synthesise"))
    first = await Agent(engine, planner=plan).run("How many?")
    question, answer = first.history.turns
    assert "These findings are at hand" in question.text
    assert answer.text == "Three: \\boxed{3}"


class Asked:
    """Keeps what it was asked to plan."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        self.questions.append(question)
        sink.node(Think(id="1"))
        return 0


async def test_planners_see_the_earlier_turns_in_their_question() -> None:
    planner = Asked()
    agent = Agent(calculating(), planner=planner)
    first = await agent.run("What is 12 * 7?")
    second = await agent.run("And what is its root?", history=first.history)
    assert planner.questions == [
        "What is 12 * 7?",
        "And what is its root?\n\nIt was asked after this conversation:\n"
        "Question: What is 12 * 7?\nAnswer: 84",
    ]
    assert second.history.exchanges[-1].question == "And what is its root?"


async def test_what_planners_see_of_a_long_conversation_is_bounded() -> None:
    exchanges = tuple(Exchange(question=f"q{i}", answer="a" * 10_000) for i in range(100))
    history = History(exchanges=exchanges, turns=(), fingerprint="fake")
    shown = history.before("And now?")
    assert len(shown) < 20_000
    assert "q99" in shown
    assert "q9\n" not in shown


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_history_is_saved_and_loaded(text_only: bool) -> None:
    agent = Agent(calculating(text_only=text_only), planner="single")
    first = await agent.run("What is 12 * 7?")
    loaded = History.from_data(json.loads(json.dumps(first.history.to_data())))
    assert loaded == first.history
    direct, later = calculating(text_only=text_only), calculating(text_only=text_only)
    one = await Agent(direct, planner="single").run("Root?", history=first.history)
    two = await Agent(later, planner="single").run("Root?", history=loaded)
    assert direct.calls[0].context.digest == later.calls[0].context.digest
    assert one.history == two.history


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "this is no history: exchanges: "),
        ({"version": 2, "exchanges": [], "turns": [["user", "x", None]], "fingerprint": ""}, "no hist"),
        ({"version": 1, "exchanges": [], "turns": [], "fingerprint": ""}, "with 0 turns"),
        (
            {"version": 2, "exchanges": [], "turns": [{"role": "user", "text": ""}], "fingerprint": ""},
            "version 2",
        ),
    ],
)  # fmt: skip
def test_what_is_no_history_is_refused(data: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        History.from_data(data)
    assert "\n" not in str(caught.value)


class OtherModel(EngineWrapper):
    @property
    def fingerprint(self) -> str:
        return "another-model"


async def test_a_history_of_another_model_is_refused_before_anything_is_left(
    tmp_path: Path,
) -> None:
    first = await Agent(calculating(), planner="single").run("What is 12 * 7?")
    other = Agent(OtherModel(FakeEngine()), planner="single", runs=tmp_path / "runs")
    with pytest.raises(UsageError, match="conversation with 'fake', and its tokens mean nothing"):
        await other.run("And its root?", history=first.history)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "given", [{"version": 1}, "Hello", History(exchanges=(), turns=(), fingerprint="fake")]
)
async def test_what_is_no_conversation_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match=r"no conversation to go on with: give `result\.history`"):
        await Agent(FakeEngine(), planner="single").run("And?", history=given)


async def test_a_run_with_a_history_is_resumed_with_it(tmp_path: Path) -> None:
    first = await Agent(calculating(), planner="single").run("What is 12 * 7?")
    whole = await Agent(calculating(), planner="single").run("Root?", history=first.history)
    with anyio.CancelScope() as scope:

        async def stop(context: Context, sampling: Sampling) -> str:
            scope.cancel()
            await anyio.sleep_forever()
            raise AssertionError

        agent = Agent(FakeEngine(stop), planner="single", runs=tmp_path)
        await agent.run("Root?", history=first.history)
    (folder,) = tmp_path.iterdir()
    engine = calculating()
    resumed = await Agent(engine, planner="single", runs=tmp_path).resume(folder)
    assert (str(resumed), resumed.history) == ("9.17", whole.history)
    # And once more, when all of it is in the journal.
    again = await Agent(FakeEngine([]), planner="single", runs=tmp_path).resume(folder)
    assert again.history == whole.history
    (folder / "history.json").unlink()
    with pytest.raises(RunUnreadable, match=r"history.json, cannot be read"):
        await Agent(engine, planner="single", runs=tmp_path).resume(folder)


def test_synchronous_callers_hold_conversations_too() -> None:
    agent = Agent(calculating(), planner="single")
    first = agent.run_sync("What is 12 * 7?")
    assert str(agent.run_sync("And its root?", history=first.history)) == "9.17"
