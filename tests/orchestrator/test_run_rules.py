"""The rules that every run keeps, for random plans and completion orders: see docs/architecture.md."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import Context, EngineError, FakeEngine, Sampling
from orchestrator import Agent, Event, GenerationFinished, RunFailed, RunResult
from planners import LLMCompiler, Node, Reduce, Reference, Template, Think
from tests import backends
from tests.backends import run_virtually
from tests.orchestrator import plans
from tests.orchestrator.plans import dags

anyio_backend = backends.virtual_backend

METHODS = (None, "chain-of-thought", "self-consistency")


@st.composite
def thinking_plans(draw: st.DrawFn) -> list[Node]:
    """Threads that fork from the root or go on from another, quote others, and are merged at the end."""
    nodes: list[Node] = []
    for node, needs in draw(dags()).items():
        parts = [part for need in needs for part in (" and ", Reference(node=need))]
        nodes.append(
            Think(
                id=node,
                prompt=Template(parts=("see", *parts)),
                method=draw(st.sampled_from(METHODS)),
                after=draw(st.sampled_from((None, *needs))),
            )
        )
    inputs = tuple(node.id for node in nodes)
    reducer = draw(st.sampled_from(("majority", "first", "synthesise")))
    return [*nodes, Reduce(id="end", inputs=inputs, reducer=reducer)]


def said(context: Context, sampling: Sampling) -> str:
    """Something that depends on the whole context and on the seed."""
    digest = hashlib.sha256(repr((context.turns, sampling.seed)).encode()).hexdigest()
    return f"{digest[: 4 + int(digest[0], 16)]} so \\boxed{{{int(digest[:4], 16) % 5}}}"


def moody_engine(mood: int, failing: bool = False) -> FakeEngine:
    """Takes another time for every call, and another one in every mood; fails some calls if told to."""

    async def script(context: Context, sampling: Sampling) -> str | EngineError:
        digest = hashlib.sha256(f"{mood}:{context.path}".encode()).digest()
        await anyio.sleep(digest[0])
        return EngineError("lost") if failing and digest[1] < 60 else said(context, sampling)

    return FakeEngine(script, seconds_per_token=0.25, chunk_tokens=7)


def agent_on(engine: FakeEngine, nodes: Sequence[Node], concurrency: int = 64) -> Agent:
    return Agent(
        engine,
        planner=plans.given(*nodes),
        sampling=Sampling(seed=11),
        concurrency=concurrency,
    )


def essence(result: RunResult) -> object:
    """A result without what depends on time: seconds, and who filled the cache first."""
    return (
        result.answer.text,
        [(name, result.outcomes[name].value.answer.text) for name in sorted(result.outcomes)],  # type: ignore[union-attr]
        result.usage.generated_tokens,
        result.usage.prompt_tokens,
        result.critical_path,
    )


@settings(max_examples=40)
@given(thinking_plans(), st.integers(1, 5))
def test_the_same_seed_gives_the_same_result_in_any_completion_order(
    nodes: list[Node], concurrency: int
) -> None:
    first = run_virtually(lambda: agent_on(moody_engine(1), nodes).run("Why?"))
    second = run_virtually(lambda: agent_on(moody_engine(2), nodes, concurrency).run("Why?"))
    assert essence(first) == essence(second)


@given(thinking_plans(), st.booleans(), st.integers(0, 200), st.booleans())
def test_tokens_reported_are_the_engines_own_and_no_request_outlives_a_run(
    nodes: list[Node], failing: bool, give_up_after: int, live: bool
) -> None:
    events: list[Event] = []

    async def run() -> None:
        engine = moody_engine(3, failing)
        result = None
        with anyio.move_on_after(give_up_after * 10):
            try:
                agent = agent_on(engine, nodes)
                result = await agent.run("Why?", subscribers=[events.append], live=live)
            except RunFailed:
                assert failing
        statistics = await engine.statistics()
        assert statistics.running == 0
        end = events[-1]
        assert end.kind == "run-finished"
        calls = [event.usage for event in events if isinstance(event, GenerationFinished)]
        told = sum(usage.generated_tokens for usage in calls)
        # A call that a method reads whole, and that was cut, gave the method nothing.
        assert told == end.usage.generated_tokens or (
            told < end.usage.generated_tokens and end.usage.lower_bound
        )
        if end.usage.lower_bound and not live:
            # Of a call that is delivered whole and was cut, nothing is known but that it cost something.
            assert end.usage.prompt_tokens <= statistics.prompt_tokens
            assert end.usage.generated_tokens <= statistics.generated_tokens
            return
        assert end.usage.prompt_tokens == statistics.prompt_tokens
        assert end.usage.generated_tokens == statistics.generated_tokens
        if result is not None:
            assert result.usage == end.usage
            split = result.usage_by_node.values()
            assert sum(usage.generated_tokens for usage in split) == statistics.generated_tokens
            assert result.critical_path <= statistics.generated_tokens

    run_virtually(run)


@pytest.mark.anyio
async def test_the_critical_path_of_a_sequential_run_is_all_that_was_generated() -> None:
    chain: list[Node] = [Think(id="0"), *(Think(id=str(i), after=str(i - 1)) for i in range(1, 5))]
    result = await agent_on(FakeEngine(said), chain).run("Why?")
    assert result.critical_path == result.usage.generated_tokens > 0


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["1", "plan", "root", "synthesise", "sample-0"])
async def test_the_critical_path_counts_a_node_once_whatever_it_is_called(name: str) -> None:
    result = await agent_on(FakeEngine("12345"), [Think(id=name)]).run("Why?")
    assert result.critical_path == result.usage.generated_tokens == 5
    assert result.usage_by_node[name].generated_tokens == 5


@pytest.mark.anyio
async def test_the_critical_path_follows_the_longest_branch() -> None:
    replies = plans.by_path({"root/short": "1", "root/long": "1234567", "root/next": "12"}, "123")
    nodes: list[Node] = [
        Think(id="short"),
        Think(id="long"),
        Think(id="next", prompt=Template(parts=(Reference(node="short"),))),
        Reduce(id="end", inputs=("long", "next"), reducer="synthesise"),
    ]
    result = await agent_on(FakeEngine(replies), nodes).run("Why?")
    assert result.critical_path == 7 + 3
    assert result.usage.generated_tokens == 1 + 7 + 2 + 3


@pytest.mark.anyio
async def test_the_planners_tokens_are_on_the_critical_path_and_in_the_usage() -> None:
    text = '1. think("a")\n2. think("b")\njoin()'
    replies = plans.by_path({"plan": text, "root/1": "123", "root/2": "12345"}, "1234567")
    engine = FakeEngine(replies)
    result = await Agent(engine, planner=LLMCompiler(max_replans=0)).run("Why?")
    assert result.critical_path == len(text) + 5 + 7
    assert result.usage.generated_tokens == len(text) + 3 + 5 + 7
    assert result.usage_by_node["(planner)"].generated_tokens == len(text)


def test_a_node_starts_while_the_planner_still_writes() -> None:
    text = '1. think("a")\n2. think("b")\njoin()'
    started: dict[str, float] = {}

    def note(event: Event) -> None:
        if event.kind == "node-started":
            started[event.node] = event.time

    engine = FakeEngine(plans.by_path({"plan": text}), seconds_per_token=1, chunk_tokens=1)
    agent = Agent(engine, planner=LLMCompiler(max_replans=0))
    run_virtually(lambda: agent.run("Why?", subscribers=[note]))
    first_line = len('1. think("a")\n')
    assert started["1"] == first_line
    assert started["2"] == 2 * first_line
    assert started["3"] == len(text)


def test_siblings_take_the_question_from_the_cache() -> None:
    question = "Why? " * 40
    nodes: list[Node] = [Think(id=str(i)) for i in range(8)]
    engine = FakeEngine("\\boxed{4}", latency=1)
    result = run_virtually(lambda: agent_on(engine, nodes).run(question))
    shared = len(f"<|user|>{question}") // 16 * 16
    assert result.usage.cached_tokens is not None
    assert result.usage.cached_tokens >= 7 * shared


@pytest.mark.anyio
async def test_every_branch_samples_with_a_seed_of_its_own_and_the_same_one_in_every_run() -> None:
    nodes: list[Node] = [Think(id="1", method="self-consistency"), Think(id="2")]
    seeds = []
    for _ in range(2):
        engine = FakeEngine(said)
        await agent_on(engine, nodes).run("Why?")
        seeds.append({call.context.path: call.sampling.seed for call in engine.calls})
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0].values())) == len(seeds[0]) == 9
