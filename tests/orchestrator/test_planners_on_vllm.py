"""Planners on real vLLM: plans under the grammar, verdicts, outlines and typed outputs of the embedded model."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Literal

import anyio
import pytest
from pydantic import BaseModel, Field

from benchmarks.planners.scenarios import DATA, rows
from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    JsonSchema,
    Sampling,
    run_in_portal,
)
from orchestrator import Agent
from planners import (
    Conclude,
    Finding,
    LLMCompiler,
    Node,
    PlanChecker,
    Planner,
    Reduce,
    ToolSpecification,
    Vocabulary,
)
from planners.compiler.joiner import SCHEMA
from planners.goal import goal_schema
from planners.outline import Outline
from planners.scaling.decomposition import decomposition_schema
from planners.scaling.scale import SCALE
from tests.planners.tools import NUMBER, NUMBERS, TEXT, Recorder, tool

pytestmark = pytest.mark.real_vllm

CITIES = {"type": "array", "items": TEXT}
UNIT = {"enum": ["celsius", "fahrenheit"]}
ASKED: Sequence[tuple[str, Sequence[ToolSpecification]]] = [
    (
        "Play songs by Taylor Swift for 20 minutes and by Maroon 5 for 15 minutes.",
        [tool("spotify.play", "artist", "duration", artist=TEXT, duration={"type": "integer"})],
    ),
    (
        "What is the weather in Boston and in San Francisco, in celsius?",
        [tool("weather", "city", city=TEXT, unit=UNIT, days={"type": "integer", "minimum": 1})],
    ),
    (
        "Find the mean of 3, 5 and 7.5, and the mean of 10 and -4.",
        [tool("mean", "values", values=NUMBERS), tool("clock.now")],
    ),
    (
        "How far is it from Paris to Rome by train, and from Oslo over Bergen to Turku by car?",
        [
            tool("route", "cities", "by", cities=CITIES, by={"enum": ["car", "train"]}),
            tool("currency.convert", "amount", amount=NUMBER, to=TEXT),
        ],
    ),
    (
        'Who wrote "Dune", and who wrote "The Name of the Rose"?',
        [tool("search", "query", query=TEXT, exact={"type": "boolean"})],
    ),
    (
        "Which areas have a circle of radius 2.5 and a square of side 3?",
        [
            tool("circle.area", "radius", radius=NUMBER),
            tool("square.area", "side", side=NUMBER, unit={"enum": ["m", 'inch "US"']}),
        ],
    ),
]
CALLS_ONLY = LLMCompiler(
    sampling=Sampling(max_tokens=300, temperature=0, seed=1),
    min_steps=1,
    max_steps=6,
    max_replans=0,
    thoughts=False,
)
CRATES = "A crate holds 12 rows of 7 apples, and a sack holds 38 more. How many are there in all?"


def vocabulary_of(tools: Iterable[ToolSpecification]) -> Vocabulary:
    methods = ("chain-of-thought", "self-consistency")
    return Vocabulary(
        tools={one.name: one for one in tools}, methods=methods, reducers=("synthesise",)
    )


class Checked(Recorder):
    """A sink that takes only what fits into the plan; what it runs gives small numbers."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self._checker = PlanChecker(vocabulary)

    def node(self, node: Node) -> None:
        self._checker.check(node)
        super().node(node)

    async def wait(self, nodes: Iterable[str]) -> Mapping[str, Finding]:
        return {name: Finding(status="ok", text=name, data=int(name)) for name in nodes}

    @property
    def steps(self) -> list[Node]:
        return [node for node in self.nodes if not isinstance(node, Reduce | Conclude)]


@dataclass
class Seen:
    """A call, and what the engine told of it."""

    context: Context
    ended_before: int
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def cached(self) -> int:
        return self.chunks[-1].usage.cached_tokens or 0

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def tokens(self) -> int:
        """Of prompt and completion together."""
        return len(self.context.token_ids) + sum(len(chunk.token_ids) for chunk in self.chunks)


class Watching(EngineWrapper):
    """Keeps all calls; a schema in `instead` takes the place of the one that is asked for."""

    def __init__(self, inner: Engine, instead: Mapping[str, Any] | None = None) -> None:
        super().__init__(inner)
        self.calls: list[Seen] = []
        self._instead = instead
        self._ended = 0

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        if self._instead and isinstance(sampling.constraint, JsonSchema):
            change = {"constraint": JsonSchema(definition=dict(self._instead))}
            sampling = sampling.model_copy(update=change)
        seen = Seen(context, self._ended)
        self.calls.append(seen)
        async with self.inner.stream(context, sampling, delivery) as chunks:
            yield self._kept(chunks, seen)
        self._ended += 1

    async def _kept(self, chunks: AsyncIterator[Chunk], seen: Seen) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            seen.chunks.append(chunk)
            yield chunk

    def beneath(self, path: str) -> list[Seen]:
        return [call for call in self.calls if call.context.path.startswith(path)]


def in_blocks(tokens: int) -> int:
    return tokens // 32 * 32


def in_common(calls: Sequence[Seen]) -> int:
    """The tokens with which all prompts begin."""
    places = zip(*(call.context.token_ids for call in calls), strict=False)
    return sum(1 for _ in takewhile(lambda ids: len(set(ids)) == 1, places))


def all_planned(
    planner: Planner, asked: Sequence[tuple[str, Iterable[ToolSpecification]]], engine: Engine
) -> list[Checked]:
    """The plan of every question; what planning one of them raises is raised here."""

    async def plan() -> list[Checked]:
        sinks = [Checked(vocabulary_of(tools)) for _, tools in asked]
        async with anyio.create_task_group() as group:
            for (question, _), sink in zip(asked, sinks, strict=True):
                group.start_soon(planner.plan, question, sink.vocabulary, engine, sink)
        return sinks

    return run_in_portal(plan)


# Plans under the grammar -----------------------------------------------------


def test_every_plan_of_calls_is_valid(vllm_engine: Engine) -> None:
    watching = Watching(vllm_engine)
    for sink in all_planned(CALLS_ONLY, ASKED, watching):
        assert {node.kind for node in sink.steps} == {"call"}, sink.log
    # One call each: what the grammar allows, the parser reads.
    assert len(watching.calls) == len(ASKED)


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared is absent")
def test_plans_for_the_function_calling_leaderboard_are_valid(vllm_engine: Engine) -> None:
    asked = [(row.question, row.tools.values()) for row in rows("bfcl_parallel.jsonl", 12)]
    watching = Watching(vllm_engine)
    for sink in all_planned(replace(CALLS_ONLY, max_steps=4), asked, watching):
        assert {node.kind for node in sink.steps} == {"call"}, sink.log
    assert len(watching.calls) == len(asked)


def test_every_plan_with_thoughts_is_valid_and_comes_to_an_end(vllm_engine: Engine) -> None:
    watching = Watching(vllm_engine)
    sampling = Sampling(max_tokens=256, temperature=0.3, seed=1)
    compiler = LLMCompiler(sampling=sampling, min_steps=2, max_steps=6)
    for sink in all_planned(compiler, ASKED, watching):
        assert len(sink.steps) >= 2, sink.log
        assert isinstance(sink.nodes[-1], Conclude | Reduce)
    paths = [call.context.path for call in watching.calls]
    assert paths.count("plan") == paths.count("plan/joiner-1") == len(ASKED)
    # A weak joiner may be asked again, a plan under the grammar never.
    assert not [path for path in paths if "repair" in path]


def test_a_verdict_and_a_second_round_take_all_before_them_from_the_cache(
    vllm_engine: Engine,
) -> None:
    # The words of the verdict are the model's; that it replans is not.
    watching = Watching(vllm_engine, instead=SCHEMA["anyOf"][1])
    compiler = LLMCompiler(sampling=Sampling(max_tokens=200, temperature=0.3, seed=4), max_steps=2)
    multiply = tool("multiply", "a", "b", a=NUMBER, b=NUMBER)
    [sink] = all_planned(compiler, [(CRATES, [multiply])], watching)
    paths = ["plan", "plan/joiner-1", "plan/joiner-1/replan-1"]
    assert [call.context.path for call in watching.calls] == paths
    first, joiner, second = watching.calls
    assert joiner.cached >= in_blocks(len(first.context.token_ids)) > 0
    assert second.cached >= in_blocks(len(first.context.token_ids)) > 0
    # What the model said in between is there too, but for its last token, which has no KV yet.
    assert joiner.cached >= in_blocks(first.tokens - 1)
    assert second.cached >= in_blocks(joiner.tokens - 1)
    assert isinstance(sink.nodes[-1], Reduce)
    assert any("replans_exhausted" in entry for entry in sink.log)


# SCALE and outlines ----------------------------------------------------------


@pytest.mark.parametrize("steps", [3, 6])
def test_scale_outlines_in_one_round_and_scores_in_one(vllm_engine: Engine, steps: int) -> None:
    watching = Watching(vllm_engine, instead=decomposed_in(steps))
    scale = SCALE(sampling=Sampling(max_tokens=600, seed=3), outlines=2, max_steps=steps)
    [sink] = all_planned(scale, [(CRATES, [])], watching)

    assert [node.kind for node in sink.nodes] == ["think"] * steps
    outlining, scoring = watching.beneath("scale/outline/"), watching.beneath("scale/score/")
    chosen = [call for call in watching.calls if call.context.path == "scale/select"]
    assert len(outlining) == 2
    assert len(chosen) <= 1
    assert len(scoring) == steps - 1
    assert len(watching.calls) == 2 + len(chosen) + steps - 1
    # All calls of a round began before one of them had ended.
    assert {call.ended_before for call in outlining} == {0}
    assert {call.ended_before for call in scoring} == {2 + len(chosen)}

    told = re.findall(r"difficulty (\d\.\d\d), System ([12])", "".join(sink.log))
    assert told[-1] == ("0.90", "2")
    assert all(0 <= float(score) <= 1 for score, _ in told)
    assert all(len(call.chunks[0].logprobs[0].top) == 10 for call in scoring)
    # Of the digit alone it would be a ninth.
    assert [score for score, _ in told[:-1]] != [f"{int(call.text) / 9:.2f}" for call in scoring]
    # All but the number of the step is computed once.
    shared = in_common(scoring)
    assert sorted(call.cached for call in scoring)[1] >= in_blocks(shared) > 0
    assert min(call.cached for call in scoring) > 0


def decomposed_in(steps: int) -> Mapping[str, Any]:
    """The schema of a decomposition that is as a better model writes it: so many steps, needs of earlier ones only."""
    schema = decomposition_schema(steps)
    step = schema["properties"]["steps"]["items"]
    task = {"type": "string", "minLength": 8, "maxLength": 60}
    numbered = []
    for number in range(1, steps + 1):
        earlier = {"type": "integer", "minimum": 1, "maximum": max(1, number - 1)}
        needs = {"type": "array", "items": earlier, "maxItems": number - 1}
        numbered.append(
            {**step, "properties": {"id": {"const": number}, "task": task, "needs": needs}}
        )
    listed = {"type": "array", "prefixItems": numbered, "items": False, "minItems": steps}
    return {**schema, "properties": {"conditions": task, "steps": listed}}


def test_an_outline_gives_each_part_a_thread_and_concludes(vllm_engine: Engine) -> None:
    tasks = [{"type": "string", "pattern": f"^{name} [a-z ]{{8,40}}$"} for name in PARTS]
    part = {"type": "object", "required": ["task"]}
    parts = [{**part, "properties": {"task": task}} for task in tasks]
    listed = {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts)}
    schema = goal_schema(len(parts), may_split=False)
    named = {**schema, "properties": {**schema["properties"], "outlines": listed}}
    watching = Watching(vllm_engine, instead=named)
    outline = Outline(sampling=Sampling(max_tokens=400, seed=3), max_depth=1)
    agent = Agent(watching, planner=outline, sampling=Sampling(max_tokens=12, seed=3))

    result = agent.run_sync("Compare the climates of Norway, Kenya and Chile.")

    assert [node.kind for node in result.plan.nodes] == ["think", "think", "think", "reduce"]
    assert {outcome.status for outcome in result.outcomes.values()} <= {"ok", "truncated"}
    assert [call.context.path.split("/")[0] for call in watching.calls].count("outline") == 1
    threads = [call for call in watching.calls if call.context.path.startswith("root/")][:3]
    shared = in_common(threads)
    assert sorted(call.cached for call in threads)[1] >= in_blocks(shared) > 0


PARTS = ("Norway", "Kenya", "Chile")


# Outputs and history ---------------------------------------------------------


class Item(BaseModel):
    name: str = Field(max_length=20)
    count: int
    unit: Literal["apples", "sacks"] = "apples"


class Order(BaseModel):
    items: list[Item] = Field(min_length=1, max_length=2)
    spare: Item | None = None
    note: str


def test_an_answer_becomes_a_nested_model(vllm_engine: Engine) -> None:
    assert "$defs" in Order.model_json_schema()
    watching = Watching(vllm_engine)
    sampling = Sampling(max_tokens=128, seed=2)
    agent = Agent(watching, planner="single", sampling=sampling, output_type=Order)
    result = agent.run_sync("Write down: 84 apples in the first crate, 38 in the second.")
    assert isinstance(result.output, Order)
    thread, output = watching.calls
    # It goes on from the thread.
    assert output.cached >= in_blocks(thread.tokens - 1) > 0


def test_a_second_question_takes_the_first_and_its_answer_from_the_cache(
    vllm_engine: Engine,
) -> None:
    watching = Watching(vllm_engine)
    agent = Agent(watching, planner="single", sampling=Sampling(max_tokens=24, seed=2))
    first = agent.run_sync(CRATES)
    agent.run_sync("And half of them?", history=first.history)
    before, after = watching.calls
    assert after.context.token_ids[: len(before.context.token_ids)] == before.context.token_ids
    assert after.cached >= in_blocks(before.tokens - 1) >= in_blocks(len(before.context.token_ids))
