"""An agent with three tools: `python -m examples.quickstart`.

The model writes a plan, under a grammar that lets it call nothing but these tools, with arguments of their types. What
does not wait for anything runs side by side.
"""

import argparse
import sys

import anyio

from engines import Engine, local_engine
from orchestrator import Agent, NodeFinished, NodeStarted, tool

QUESTION = "A van takes 16 crates of 13 bottles and 8 crates of 25 bottles. How many bottles is that in all?"
SECONDS = 1.0  # the calculator is far away


@tool
async def multiply(a: float, b: float) -> float:
    """Multiplies two numbers."""
    await anyio.sleep(SECONDS)
    return a * b


@tool
async def divide(a: float, b: float) -> float:
    """Divides the first number by the second."""
    await anyio.sleep(SECONDS)
    return a / b


@tool
def add(a: float, b: float) -> float:
    """Adds two numbers."""
    return a + b


TOOLS = [add, multiply, divide]


async def solve(engine: Engine, question: str = QUESTION) -> str:
    """Answers a question, and prints what happens while it happens."""
    agent = Agent(engine, tools=TOOLS)
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
    """Asks the embedded model, which was taught to plan such questions."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("starting vLLM with the embedded model; this takes a minute", file=sys.stderr)
    async with local_engine() as engine:
        await solve(engine)


# The engine's process imports this file again, so that starting it has to be guarded.
if __name__ == "__main__":
    anyio.run(main)
