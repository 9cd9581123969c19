from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import Context, FakeEngine, Sampling
from evals import Problem, Sample
from evals.evaluation.planned_calls import calls_text, tools_of
from evals.evaluation.systems import Place, Plans
from orchestrator import Agent, Budget, Tool, tool
from planners import Call, LLMCompiler
from planners.plan import Reference, Template
from tests.evals.evaluation.making_samples import SAMPLING, make, problems

pytestmark = pytest.mark.anyio

PLAN = "1. double(3)\n2. double(4)\njoin()\n"
ANSWER = '{"action": "finish", "answer": "\\\\boxed{0}"}'


@tool(pure=True)
async def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


def planning(*tools: Tool) -> Plans:
    def agent(place: Place, path: str, brought: Sequence[Tool] | None) -> Agent:
        seeded = SAMPLING.for_branch(path)
        return Agent(
            place.base,
            tools=tools if brought is None else brought,
            planner=LLMCompiler().with_seed(seeded.seed),
            sampling=seeded,
            calls=place.policy,
            limiter=place.limiter,
        )

    return Plans(agent=agent, described={})


def planned(context: Context, sampling: Sampling) -> str:
    """A plan, then the answer."""
    return PLAN if len(context.turns) < 4 else ANSWER


async def test_a_sample_of_a_planner_is_a_run_inside_of_the_evaluation(tmp_path: Path) -> None:
    engine = FakeEngine(planned)
    made = await make(engine, tmp_path, system=planning(double), asked=problems(2))
    assert {row.status for row in made.rows} == {"ok"}
    row = made.rows[0]
    assert row.value == "0" or "\\boxed{0}" in row.text
    assert [thread["path"] for thread in row.threads][:2] == ["1", "2"]
    counts = await engine.statistics()
    assert sum(row.usage.generated_tokens for row in made.rows) == counts.generated_tokens
    assert sum(row.usage.prompt_tokens for row in made.rows) == counts.prompt_tokens
    assert 0 < row.critical_path <= row.usage.generated_tokens


async def test_samples_of_a_planner_have_seeds_of_their_own(tmp_path: Path) -> None:
    engine = FakeEngine(planned)
    await make(engine, tmp_path, system=planning(double), asked=problems(1), k=4)
    first = {call.sampling.seed for call in engine.calls if len(call.context.turns) < 4}
    assert len(first) == 4
    assert {call.context.path.split("/")[:2] == ["sums", "p0"] for call in engine.calls} == {True}


async def test_a_resumed_sample_of_a_planner_counts_what_the_journal_answers(
    tmp_path: Path,
) -> None:
    asleep = anyio.Event()

    async def script(context: Context, sampling: Sampling) -> str:
        if len(context.turns) >= 4 and not asleep.is_set():
            asleep.set()
            await anyio.sleep_forever()
        return planned(context, sampling)

    engine, system = FakeEngine(script), planning(double)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: make(engine, tmp_path, system=system, asked=problems(1), k=1))
        await asleep.wait()
        group.cancel_scope.cancel()
    made = await make(engine, tmp_path, system=system, asked=problems(1), k=1)
    (row,) = made.rows
    assert row.status == "ok"
    assert row.usage.generated_tokens == len(PLAN) + len(ANSWER)
    plans = [call for call in engine.calls if len(call.context.turns) < 4]
    assert len(plans) == 1


async def test_no_plan_is_the_systems_own_failure_and_counts(tmp_path: Path) -> None:
    made = await make(FakeEngine("no plan at all"), tmp_path, system=planning(double), k=1)
    for row in made.rows:
        assert (row.status, row.text, row.value, row.reason) == ("ok", "", None, "")
        assert "plan" in row.remark
        assert row.usage.generated_tokens > 0


async def test_a_budget_for_all_of_it_ends_planners_too(tmp_path: Path) -> None:
    made = await make(
        FakeEngine(planned),
        tmp_path,
        system=planning(double),
        asked=problems(20),
        width=1,
        budget=Budget(calls=9),
    )
    assert made.runner.limited_by == "calls"
    assert 1 <= sum(row.counts for row in made.rows) < 5
    assert {row.status for row in made.rows if not row.counts} == {"cancelled"}


FUNCTIONS = [
    {
        "name": "music.play",
        "description": "Plays music.",
        "parameters": {
            "type": "dict",
            "properties": {
                "artist": {"type": "string", "enum": "Muse"},
                "minutes": {"type": "float"},
                "extra": {"type": "any"},
            },
            "required": ["artist"],
        },
    }
]


def played(number: int) -> Problem:
    return Problem(
        id=f"p{number}", problem="Play Muse for 20 minutes, and Bach.", answer="[]",
        data={"functions": FUNCTIONS},
    )  # fmt: skip


async def test_of_functions_to_call_only_the_plan_is_made(tmp_path: Path) -> None:
    text = '1. music.play("Muse", 20.5)\n2. music.play("Bach")\njoin()\n'
    engine = FakeEngine(text)
    made = await make(engine, tmp_path, system=planning(), asked=[played(0)], k=2)
    expected = "[music.play(artist='Muse', minutes=20.5), music.play(artist='Bach')]"
    rows: list[Sample] = made.rows
    assert [row.text for row in rows] == [expected] * 2
    counts = await engine.statistics()
    assert sum(row.usage.generated_tokens for row in rows) == counts.generated_tokens
    assert len(engine.calls) == 2
    # Its own way to ask for calls is the planner's, not the task's.
    assert "Play Muse" in engine.calls[0].context.turns[-2].text


def test_the_leaderboards_types_become_those_of_json_schema() -> None:
    (made,) = tools_of(FUNCTIONS)
    parameters = made.specification.parameters
    assert parameters["type"] == "object"
    assert parameters["properties"]["artist"] == {"type": "string"}
    assert parameters["properties"]["minutes"] == {"type": "number"}
    assert parameters["properties"]["extra"] == {}


def test_calls_are_written_as_python_has_them() -> None:
    found = Template(parts=("see ", Reference(node="1")))
    arguments: dict[str, Any] = {
        "a": [1, 2.5, True, None],
        "b": {"c": "d'e"},
        "f": Reference(node="1"),
        "g": found,
    }
    call = Call(id="2", tool="f", arguments=arguments)
    expected = """[f(a=[1, 2.5, True, None], b={'c': "d'e"}, f='$1', g='see $1')]"""
    assert calls_text([call]) == expected
