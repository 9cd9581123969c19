"""LLMCompiler beside a ReAct loop: the same questions, engine, tools and latencies. The time of each, and of the
plan's critical path.

python -m benchmarks.planning            20 questions of each benchmark, from ../shared/data
"""

import statistics
import sys
import time
from collections.abc import Awaitable, Callable
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
from orchestrator import Agent, Tool, tool

QUESTIONS = 20
SCALE = 0.5
# A model of 50 tokens a second, and tools that are as slow as a search over the network.
PACE = Pace(0.1, 0.02, {"search": 1.0, "calculate": 0.01, "lookup": 0.5}).scaled(SCALE)


class Tools:
    """The canned tools; counts how many run at the same time."""

    def __init__(self) -> None:
        self.most = 0
        self._running = 0

    def all(self) -> list[Tool]:
        return [self._canned(name) for name in PACE.tools]

    def _canned(self, name: str) -> Tool:
        async def canned(query: str) -> str:
            """Gives a result that is always the same."""
            self._running += 1
            self.most = max(self.most, self._running)
            try:
                await anyio.sleep(PACE.tools[name])
            finally:
                self._running -= 1
            return "42"

        return tool(name=name)(canned)


def paced(script: Callable[..., str]) -> FakeEngine:
    return FakeEngine(
        script,
        latency=PACE.first_token,
        seconds_per_token=PACE.token / CHARACTERS_PER_TOKEN,
        chunk_tokens=CHARACTERS_PER_TOKEN,
    )


async def by_react(scenario: Scenario, tools: Tools) -> None:
    await react(scenario.question, tools.all(), paced(react_says(scenario)))


async def by_plan(scenario: Scenario, tools: Tools) -> None:
    agent = Agent(paced(planner_says(scenario)), tools=tools.all())
    result = await agent.run(scenario.question)
    assert str(result) == scenario.answer


async def timed(run: Callable[[], Awaitable[None]]) -> float:
    start = time.perf_counter()
    await run()
    return time.perf_counter() - start


async def compare(name: str) -> list[str]:
    slow, fast, ideal, reached = [], [], [], 0
    asked = scenarios(name, QUESTIONS)
    for scenario in asked:
        slow.append(await timed(partial(by_react, scenario, Tools())))
        tools = Tools()
        fast.append(await timed(partial(by_plan, scenario, tools)))
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
    ]


async def main() -> None:
    rows = [await compare(name) for name in NAMES]
    headers = [
        "benchmark", "fan-out", "reached", "ReAct, s", "LLMCompiler, s", "speed-up", "over critical path",
    ]  # fmt: skip
    print(table(headers, rows))
    print(f"times in a world {1 / SCALE:g} times as slow as the one that was run")


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"the questions are not in {DATA}")
    print(machine())
    anyio.run(main)
