"""Whole runs of LLMCompiler: a plan that fails is planned again, a joiner answers, and what is stopped goes on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import accumulate
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio

from engines import Context, EngineUnavailable, FakeEngine, ForkjoinError, RetryPolicy, Sampling
from orchestrator import Agent, Budget, CallPolicy, Event, RunResult, Tool, tool
from planners import Call, Conclude, LLMCompiler, Reduce
from tests.backends import run_virtually
from tests.orchestrator.plans import by_path
from tests.planners.test_joiner import finish, replan

pytestmark = pytest.mark.anyio

JOINER, REPLAN = "plan/joiner-1", "plan/joiner-1/replan-1"
ONCE = CallPolicy(retry=RetryPolicy(attempts=1))


class Shop:
    """Tools that count their calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    @property
    def tools(self) -> list[Tool]:
        @tool(pure=True)
        async def price(item: str) -> float:
            """Looks up a price."""
            self.calls[f"price {item}"] += 1
            if item == "pear":
                raise ValueError("no pears today")
            return len(item) / 2

        @tool(pure=True)
        async def double(amount: float) -> float:
            """Doubles."""
            self.calls[f"double {amount}"] += 1
            return 2 * amount

        return [price, double]


FIRST = '1. price("apple")\n2. price("pear")\n3. double($2)\njoin()'


def agent_on(engine: FakeEngine, shop: Shop, **options: Any) -> Agent:
    planner = LLMCompiler(sampling=Sampling(max_tokens=300, seed=5))
    return Agent(engine, tools=shop.tools, **{"planner": planner, "calls": ONCE, **options})


def path_of(engine: FakeEngine, path: str) -> Context:
    (call,) = [call for call in engine.calls if call.context.path == path]
    return call.context


# Rounds


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_tool_that_fails_ends_no_run_and_another_round_does_without_it_b12(
    text_only: bool,
) -> None:
    replies = {
        "plan": FIRST,
        JOINER: replan("the price of a plum"),
        REPLAN: '4. price("apple")\n5. price("plum")\n6. double($4)\njoin()',
        "root/7/synthesise": "So \\boxed{5}.",
    }
    engine, shop = FakeEngine(by_path(replies), text_only=text_only), Shop()
    result = await agent_on(engine, shop).run("What do two apples cost?")
    shown = path_of(engine, JOINER).turns[-2].text
    assert "$1: 2.5\n$2: no result, failed: " in shown
    assert "no pears today" in shown
    assert "$3: no result, cancelled: " in shown
    assert [node.id for node in result.plan.nodes] == ["1", "2", "3", "5", "6", "7"]
    assert result.outcomes["6"].value is not None
    assert result.outcomes["6"].value.data == 5.0
    assert shop.calls == {"price apple": 1, "price pear": 1, "price plum": 1, "double 2.5": 1}
    assert str(result) == "5"
    assert result.remark.startswith("replans_exhausted: ")
    assert (await engine.statistics()).running == 0


async def test_a_joiner_answers_and_its_tokens_are_on_the_critical_path_b20() -> None:
    answer = finish("An apple costs 2.5 (today)\nand a plum 2.")
    engine = FakeEngine(by_path({"plan": FIRST, JOINER: answer}))
    result = await agent_on(engine, Shop()).run("What do they cost?")
    assert str(result) == "An apple costs 2.5 (today)\nand a plum 2."
    assert isinstance(result.plan.nodes[-1], Conclude)
    assert result.remark.startswith("node '2' failed: price raised ValueError")
    generated = (await engine.statistics()).generated_tokens
    assert result.critical_path == result.usage.generated_tokens == generated
    assert result.usage_by_node["(planner)"].generated_tokens == len(FIRST) + len(answer)


async def test_a_reducer_of_the_agent_merges_where_no_joiner_has_answered() -> None:
    replies = {"plan": FIRST, JOINER: finish("never mind")}
    for max_replans, answer in ((1, "never mind"), (0, "2.5")):
        planner = LLMCompiler(max_replans=max_replans)
        agent = agent_on(FakeEngine(by_path(replies)), Shop(), planner=planner, reducer="first")
        assert str(await agent.run("What do they cost?")) == answer


async def test_a_run_whose_budget_has_no_room_for_a_joiner_answers_with_what_it_keeps_back() -> (
    None
):
    first = '1. price("apple")\n2. price("plum")\njoin()'
    replies = {"plan": first, JOINER: finish("x" * 100), "root/3/synthesise": "\\boxed{4}"}
    free = FakeEngine(by_path(replies))
    await agent_on(free, Shop()).run("What do they cost?")
    planned = len(path_of(free, "plan").token_ids) + len(first)
    budget = Budget(tokens=2 * planned, final_share=0.45)
    engine = FakeEngine(by_path(replies))
    result = await agent_on(engine, Shop(), budget=budget, sampling=Sampling(max_tokens=50)).run(
        "What do they cost?"
    )
    assert isinstance(result.plan.nodes[-1], Reduce)
    assert str(result) == "4"
    assert result.remark.startswith("the results were merged without being judged: ")


@pytest.mark.parametrize("path", ["plan", JOINER, REPLAN])
async def test_a_planner_that_breaks_ends_the_run_or_ends_the_plan_and_nobody_waits_b16(
    path: str,
) -> None:
    replies: dict[str, str | ForkjoinError] = {
        "plan": FIRST,
        JOINER: replan("more"),
        REPLAN: '4. price("plum")\njoin()',
        "root/4/synthesise": "\\boxed{3}",
        path: EngineUnavailable("the planner's engine is gone"),
    }
    agent = agent_on(FakeEngine(by_path(replies)), Shop())
    with anyio.fail_after(300):
        if path == "plan":
            with pytest.raises(EngineUnavailable, match="is gone"):
                await agent.run("What do they cost?")
        else:
            result = await agent.run("What do they cost?")
            assert str(result) == "3"
            assert "the planner's engine is gone" in result.remark


class Pausing(FakeEngine):
    """Writes 100 characters a second, and nothing for a second before the last line of a plan."""

    async def _chunks(self, *arguments: Any) -> Any:
        lines = 0
        async for chunk in super()._chunks(*arguments):
            yield chunk
            lines += chunk.text.count("\n")
            if chunk.text == "\n" and lines == 2:
                await anyio.sleep(1)


def test_a_step_starts_while_the_planner_pauses_before_its_next_line_b10() -> None:
    lines = ['1. price("apple")\n', "2. double($1)\n", '3. price("plum")\n']
    times: dict[str, float] = {}

    @tool
    async def price(item: str) -> float:
        """Looks up a price."""
        await anyio.sleep(0.2)
        return len(item) / 2

    def note(event: Event) -> None:
        if event.kind in ("node-started", "node-finished"):
            times[f"{event.kind} {event.node}"] = event.time

    replies = {"plan": "".join(lines) + "join()", JOINER: finish("5")}
    engine = Pausing(by_path(replies), chunk_tokens=1, seconds_per_token=0.01)
    agent = Agent(engine, tools=[price, Shop().tools[1]], planner=LLMCompiler())
    run_virtually(lambda: agent.run("What do they cost?", subscribers=[note]))
    first, second, third = accumulate(len(line) / 100 for line in lines)
    # Each with the end of its line or of what it needs, and within the 10 ms in which the original looks again.
    assert times["node-started 1"] == pytest.approx(first, abs=0.009)
    assert times["node-finished 1"] == pytest.approx(first + 0.2, abs=0.009)
    assert times["node-started 2"] == pytest.approx(max(second, first + 0.2), abs=0.009)
    assert times["node-started 2"] < second + 1
    assert times["node-started 3"] == pytest.approx(third + 1, abs=0.009)


class TaskSteps(trio.abc.Instrument):
    """Counts how often the event loop goes on with a task."""

    count = 0

    def before_task_step(self, task: object) -> None:
        self.count += 1


def test_a_chain_of_fifty_instant_steps_costs_no_time_b14() -> None:
    """Polling every 10 ms would take half a second."""
    length = 50
    lines = ['1. price("apple")', *(f"{n}. double(${n - 1})" for n in range(2, length + 1))]
    plan = "\n".join([*lines, "join()"])
    planner = LLMCompiler(
        sampling=Sampling(max_tokens=len(plan)), max_steps=length, max_replans=0, reducer="first"
    )
    steps = TaskSteps()

    async def main() -> RunResult:
        engine = FakeEngine(by_path({"plan": plan}), chunk_tokens=len(plan))
        agent = agent_on(engine, Shop(), planner=planner)
        trio.lowlevel.add_instrument(steps)
        return await agent.run("How much?")

    result = run_virtually(main)
    assert str(result) == str(2.5 * 2 ** (length - 1))
    assert result.seconds == 0
    assert steps.count < 10 * length


# Runs that are stopped


def said(context: Context, sampling: Sampling) -> str:
    """Rounds, and threads that depend on all that came before them."""
    texts = {
        "plan": '1. price("apple")\n2. think("and plums?")\n3. price("pear")\njoin()\n# so',
        "replan-1": '4. price("apple")\n5. double($4)\n6. think("so $5 and $2?")\njoin()\n# so',
    }
    *before, name = context.path.split("/")
    if name == "resumed-1":
        return texts[before[-1]].removeprefix(context.turns[-3].text)
    if name in texts:
        return texts[name][len(context.turns[-1].text) :]
    if name == "joiner-1":
        return replan("the double")
    digest = hashlib.sha256(repr((context.turns, sampling.seed)).encode()).hexdigest()
    return f"{digest} so \\boxed{{{int(digest[:4], 16) % 3}}}"


class Stopping:
    """An engine whose run is cancelled in the middle of a call: before it answers, or after so many chunks."""

    def __init__(self, path: str, chunks: int, *, text_only: bool = False) -> None:
        self.scope = anyio.CancelScope()
        self.path = path
        self.chunks = chunks
        self.engine = FakeEngine(
            self._script, chunk_tokens=7, seconds_per_token=0.001, text_only=text_only
        )

    async def _script(self, context: Context, sampling: Sampling) -> str:
        if context.path == self.path and self.chunks == 0:
            self.scope.cancel()
            await anyio.sleep_forever()
        return said(context, sampling)

    def see(self, event: Event) -> None:
        if event.kind == "plan-text" and self.engine.calls[-1].context.path == self.path:
            self.chunks -= 1
            if self.chunks == 0:
                self.scope.cancel()


def essence(result: RunResult) -> object:
    nodes = {name: (o.status, o.value and o.value.data) for name, o in result.outcomes.items()}
    return result.answer.text, nodes, result.plan


STOPS = [
    *[("plan", chunks) for chunks in (0, 3, 6)],
    (JOINER, 0),
    *[(REPLAN, chunks) for chunks in (0, 1, 3, 5, 7)],
    ("root/6", 0),
    ("root/7/synthesise", 0),
]


@pytest.fixture(scope="module", params=[False, True], ids=["ids", "text"])
def undisturbed(request: pytest.FixtureRequest) -> tuple[bool, object]:
    """Whether an engine gives text only, and what a run on it comes to that nobody stops."""
    engine = FakeEngine(said, text_only=request.param)
    return request.param, essence(run_virtually(lambda: agent_on(engine, Shop()).run("Why?")))


@pytest.mark.parametrize(("path", "chunks"), STOPS)
async def test_a_run_that_is_stopped_in_any_round_goes_on_and_repeats_no_finished_call(
    tmp_path: Path, path: str, chunks: int, undisturbed: tuple[bool, object]
) -> None:
    text_only, expected = undisturbed

    def engine() -> FakeEngine:
        return FakeEngine(said, text_only=text_only)

    shop = Shop()
    first = Stopping(path, chunks, text_only=text_only)
    with first.scope:
        agent = agent_on(first.engine, shop, runs=tmp_path / "runs")
        await agent.run("Why?", subscribers=[first.see])
    assert first.scope.cancelled_caught
    (folder,) = (tmp_path / "runs").iterdir()
    result = await agent_on(engine(), shop, runs=tmp_path / "runs").resume(folder)
    assert essence(result) == expected
    rows = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    done = Counter(
        row["path"]
        for row in rows
        if row["kind"] == "generation-finished"
        and row["finish_reason"] == "stop"
        and not row["replayed"]
    )
    assert set(done.values()) == {1}
    # What has failed is tried again.
    finished = {name: times for name, times in shop.calls.items() if name != "price pear"}
    assert finished == {"price apple": 1, "double 2.5": 1}
    third = engine()
    again = await agent_on(third, Shop(), runs=tmp_path / "runs").resume(folder)
    assert essence(again) == expected
    assert third.calls == []


async def test_a_further_round_that_was_stopped_goes_on_after_its_last_complete_line(
    tmp_path: Path,
) -> None:
    first = Stopping(REPLAN, 5)
    with first.scope:
        agent = agent_on(first.engine, Shop(), runs=tmp_path)
        await agent.run("Why?", subscribers=[first.see])
    (folder,) = tmp_path.iterdir()
    second = FakeEngine(said)
    await agent_on(second, Shop(), runs=tmp_path).resume(folder)
    assert second.calls[0].context.path == REPLAN
    assert path_of(second, REPLAN).turns[-1].text == '4. price("apple")\n5. double($4)\n'


async def test_a_repair_that_was_stopped_goes_on(tmp_path: Path) -> None:
    wrong = '1. price("apple")\n2. cost("plum")\n3. price("plum")\njoin()'

    def script(context: Context, sampling: Sampling) -> str:
        if context.path == "plan":
            return wrong
        if context.path == "plan/repair-1":
            return '2. price("plum")\njoin()'[len(context.turns[-1].text) :]
        return finish("4.5")

    for stop_after in ("1", "2"):
        shop, runs = Shop(), tmp_path / stop_after
        with anyio.CancelScope() as scope:

            def stop(
                event: Event, node: str = stop_after, scope: anyio.CancelScope = scope
            ) -> None:
                if event.kind == "node-planned" and event.node.id == node:
                    scope.cancel()

            engine = FakeEngine(script, chunk_tokens=4, seconds_per_token=0.001)
            await agent_on(engine, shop, runs=runs).run("Why?", subscribers=[stop])
        (folder,) = runs.iterdir()
        second = FakeEngine(script, chunk_tokens=9)
        result = await agent_on(second, shop, runs=runs).resume(folder)
        assert second.calls[0].context.path == ("plan" if stop_after == "1" else "plan/repair-1")
        assert str(result) == "4.5"
        calls = [node for node in result.plan.nodes if isinstance(node, Call)]
        assert [call.arguments for call in calls] == [{"item": "apple"}, {"item": "plum"}]
        assert shop.calls == {"price apple": 1, "price plum": 1}
