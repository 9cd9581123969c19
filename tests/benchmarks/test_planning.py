"""Questions of ParallelQA, HotpotQA and BFCL with canned tools: how wide plans get, and how long they take."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from benchmarks import planning
from benchmarks.planners.scenarios import DATA, NAMES, Scenario, scenarios
from benchmarks.planners.scripts import critical_seconds, react_seconds
from benchmarks.planning import PACE, Tools, by_plan, by_react
from tests.backends import run_virtually

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the questions are not in the project")


def asked() -> list[Scenario]:
    """A question for each shape of a plan that a benchmark has: others of the shape take as long in the same way."""
    found: dict[tuple[str, int, tuple[int, ...]], Scenario] = {}
    for name in NAMES if DATA.is_dir() else ():
        for one in scenarios(name, 40):
            shape = tuple(len(step.dependencies) for step in one.steps)
            found.setdefault((name, one.fan_out, shape), one)
    return list(found.values())


each = pytest.mark.parametrize("scenario", asked(), ids=lambda scenario: scenario.question[:40])


def planned(scenario: Scenario, tools: Tools) -> float:
    async def main() -> float:
        await by_plan(scenario, tools)
        return anyio.current_time()

    return run_virtually(main)


@each
def test_a_plan_takes_its_critical_path(scenario: Scenario) -> None:
    best = critical_seconds(scenario, PACE)
    # The plan is read to its end as soon as its last bracket closes, and a call is made once.
    assert 0.9 * best <= planned(scenario, Tools()) <= 1.05 * best


@each
def test_a_plan_gets_as_wide_as_the_question_allows(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So slow that no call ends while the plan is written.
    monkeypatch.setattr(planning, "PACE", replace(PACE, tools={"search": 30.0}, tool=30.0))
    tools = Tools()
    planned(scenario, tools)
    assert tools.most >= scenario.fan_out


@pytest.mark.parametrize("name", NAMES if DATA.is_dir() else [])
def test_one_step_after_another_takes_the_sum_of_all(name: str) -> None:
    [scenario] = scenarios(name, 1)
    tools = Tools()

    async def main() -> float:
        await by_react(scenario, tools)
        return anyio.current_time()

    assert run_virtually(main) == pytest.approx(react_seconds(scenario, PACE))
    assert tools.most == 1
