"""What the rounds of planners find in the KV cache, on vLLM: LLMCompiler's second round and joiner, SCALE's scores.

python -m benchmarks.rounds              10 questions, the plain embedded model, smollm2
python -m benchmarks.rounds 50 MODEL     so many, another model
"""

import re
import statistics
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import anyio

from benchmarks.planners.bfcl import Row
from benchmarks.planners.scenarios import DATA, rows
from benchmarks.report import machine, table
from engines import (
    STREAMED,
    Choice,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    Sampling,
    local_engine,
)
from orchestrator import Agent, Event, GenerationFinished, Tool, tool
from planners import LLMCompiler, Planner
from planners.scaling.scale import SCALE

REPLAN = '{"action": "replan", "feedback": "One more look is needed."}'


class Insisting(EngineWrapper):
    """Has the joiner ask for another round, so that there is one to look at."""

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        if context.path.endswith("joiner-1"):
            sampling = sampling.model_copy(update={"constraint": Choice(options=(REPLAN,))})
        return self.inner.stream(context, sampling, delivery)


def canned(name: str) -> Tool:
    @tool(name=name)
    async def look(thing: str) -> str:
        """Looks a thing up and says what is known of it."""
        return f"Much is known of {thing}, above all that it is old, large and often visited."

    return look


class Calls:
    """What the calls of each kind took: prompt tokens, cached ones, seconds."""

    def __init__(self) -> None:
        self.kinds: defaultdict[str, list[GenerationFinished]] = defaultdict(list)

    def hear(self, event: Event) -> None:
        if isinstance(event, GenerationFinished) and event.node == "(planner)":
            self.kinds[re.sub(r"\d+", "n", event.path)].append(event)

    def rows(self) -> list[list[str]]:
        return [[kind, *self._figures(calls)] for kind, calls in self.kinds.items()]

    def _figures(self, calls: list[GenerationFinished]) -> list[str]:
        prompt = statistics.mean(call.usage.prompt_tokens for call in calls)
        cached = statistics.mean(call.usage.cached_tokens or 0 for call in calls)
        seconds = statistics.median(call.seconds for call in calls)
        return [
            str(len(calls)),
            f"{prompt:.0f}",
            f"{cached:.0f}",
            f"{100 * cached / prompt:.0f} %",
            f"{seconds:.2f}",
        ]


async def plan_all(engine: Engine, planner: Planner, asked: list[Row]) -> Calls:
    calls = Calls()
    tools = [canned(name) for name in ("look_up", "search", "find_place")]
    for row in asked:
        agent = Agent(
            Insisting(engine),
            tools=tools,
            planner=planner,
            sampling=Sampling(max_tokens=64, seed=1),
        )
        await agent.run(row.question, subscribers=[calls.hear])
    return calls


async def main(most: int, model: str | None) -> None:
    asked = rows("bfcl_parallel.jsonl", most)
    compiler = LLMCompiler(sampling=Sampling(max_tokens=400, temperature=0.3, seed=1))
    scale = SCALE(
        sampling=Sampling(max_tokens=400, seed=1),
        hard_method="chain-of-thought",
        easy_tokens=32,
        least_hard_tokens=64,
        most_hard_tokens=128,
    )
    async with local_engine(model or "smollm2") as engine:
        print(f"{engine.model}, blocks of {engine.capabilities.block_size}")
        found = [await plan_all(engine, planner, asked) for planner in (compiler, scale)]
    headers = ["calls of", "number", "prompt", "cached", "share", "s"]
    print(table(headers, [row for calls in found for row in calls.rows()]))


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"the questions are not in {DATA}")
    number = int(sys.argv[1]) if sys.argv[1:] else 10
    print(machine())
    anyio.run(main, number, sys.argv[2] if sys.argv[2:] else None)
