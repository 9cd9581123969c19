"""LLMCompiler beside a ReAct loop: the same questions, engine, tools and latencies.

The time of each, of the plan's critical path, and with calls that start before their line is complete.

python -m benchmarks.planning            20 questions of each benchmark, from ../shared/data
"""

import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import anyio

from benchmarks.planners.react import react
from benchmarks.planners.scenarios import DATA, NAMES, Scenario, scenarios
from benchmarks.planners.scripts import (
    CHARACTERS_PER_TOKEN,
    Pace,
    critical_seconds,
    planner_says,
    react_says,
)
from benchmarks.report import machine, table
from engines import FakeEngine
from orchestrator import Agent, Tool
from planners import LLMCompiler, ToolSpecification

QUESTIONS = 20
SCALE = 0.5
# A model of 50 tokens a second, and tools that are as slow as a search over the network.
PACE = Pace(0.1, 0.02, {"search": 1.0, "calculate": 0.01}, tool=2.0).scaled(SCALE)
PLANNER = LLMCompiler(max_steps=16)


class Tools:
    """The canned tools; counts how many run at the same time."""

    def __init__(self) -> None:
        self.most = 0
        self._running = 0

    def of(self, scenario: Scenario) -> list[Tool]:
        return [self._canned(specification) for specification in scenario.tools]

    def _canned(self, specification: ToolSpecification) -> Tool:
        async def canned(**arguments: object) -> str:
            self._running += 1
            self.most = max(self.most, self._running)
            try:
                await anyio.sleep(PACE.calling(specification.name))
            finally:
                self._running -= 1
            return "42"

        return Tool(specification=specification, function=canned, arguments=None, timeout=60)


def paced(script: Callable[..., str]) -> FakeEngine:
    return FakeEngine(
        script,
        latency=PACE.first_token,
        seconds_per_token=PACE.token / CHARACTERS_PER_TOKEN,
        chunk_tokens=CHARACTERS_PER_TOKEN,
    )


async def by_react(scenario: Scenario, tools: Tools) -> None:
    await react(scenario.question, tools.of(scenario), paced(react_says(scenario)))


async def by_plan(scenario: Scenario, tools: Tools, planner: LLMCompiler = PLANNER) -> None:
    engine = paced(planner_says(scenario))
    agent = Agent(engine, tools=tools.of(scenario), planner=planner)
    result = await agent.run(scenario.question)
    assert str(result) == scenario.answer


async def timed(run: Callable[[], Awaitable[None]]) -> float:
    start = time.perf_counter()
    await run()
    return time.perf_counter() - start


async def compare(name: str) -> list[str]:
    slow, fast, guessing, ideal, reached = [], [], [], [], 0
    eager = replace(PLANNER, speculate=True)
    asked = scenarios(name, QUESTIONS)
    for scenario in asked:
        slow.append(await timed(partial(by_react, scenario, Tools())))
        tools = Tools()
        fast.append(await timed(partial(by_plan, scenario, tools)))
        guessing.append(await timed(partial(by_plan, scenario, Tools(), eager)))
        ideal.append(critical_seconds(scenario, PACE))
        reached += tools.most >= scenario.fan_out
    over = statistics.median(taken / best for taken, best in zip(fast, ideal, strict=True))
    gain = statistics.median(a / b for a, b in zip(slow, fast, strict=True))
    return [
        name,
        f"{statistics.mean(scenario.fan_out for scenario in asked):.1f}",
        f"{reached}/{len(asked)}",
        f"{statistics.median(slow) / SCALE:.2f}",
        f"{statistics.median(fast) / SCALE:.2f}",
        f"{gain:.2f}",
        f"{100 * (over - 1):+.1f} %",
        f"{statistics.median(guessing) / SCALE:.2f}",
    ]


async def main() -> None:
    rows = [await compare(name) for name in NAMES]
    headers = [
        "benchmark", "fan-out", "reached", "ReAct, s", "LLMCompiler, s", "speed-up",
        "over critical path", "speculating, s",
    ]  # fmt: skip
    print(table(headers, rows))
    print(f"medians; all times are {1 / SCALE:g} times those that were run")


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"the questions are not in {DATA}")
    print(machine())
    anyio.run(main)
