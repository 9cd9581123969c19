"""An agent with two tools: `python -m examples.quickstart`.

The model writes a plan, under a grammar that lets it call nothing but these tools, with arguments of their types. What
does not wait for anything runs side by side.
"""

import argparse
import sys
from typing import Literal

import anyio

from engines import Engine, Sampling, local_engine
from orchestrator import Agent, NodeFinished, NodeStarted, tool
from planners import LLMCompiler

PRICES = {"apple": 0.5, "pear": 0.7, "melon": 2.4}
SECONDS = 1.0  # the shop is far away


@tool
async def price(fruit: Literal["apple", "pear", "melon"]) -> float:
    """Looks up what one fruit costs."""
    await anyio.sleep(SECONDS)
    return PRICES[fruit]


@tool
def add(amounts: list[float]) -> float:
    """Adds amounts."""
    return sum(amounts)


TOOLS = [price, add]


async def shop(engine: Engine, question: str = "What do an apple and a melon cost?") -> str:
    """Answers a question, and prints what happens while it happens."""
    sampling = Sampling(max_tokens=200, seed=1)
    planner = LLMCompiler(sampling=sampling, min_steps=2, max_steps=4, thoughts=False)
    agent = Agent(engine, tools=TOOLS, planner=planner, sampling=sampling)
    async with agent.stream(question) as events:
        async for event in events:
            match event:
                case NodeStarted():
                    print(f"{event.node} begins")
                case NodeFinished(result=None):
                    print(f"{event.node} {event.status}: {event.reason}")
                case NodeFinished():
                    print(f"{event.node} ends: {event.result}")
    print(f"{events.result} ({events.result.usage.generated_tokens} tokens)")
    return str(events.result)


async def main() -> None:
    """Shops with the embedded model, which is weak: the plan is always valid, and not always wise."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("starting vLLM with the embedded model; this takes a minute", file=sys.stderr)
    async with local_engine() as engine:
        await shop(engine)


# The engine's process imports this file again, so that starting it has to be guarded.
if __name__ == "__main__":
    anyio.run(main)
