"""Tools of an MCP server beside a function of one's own: `python -m examples.mcp_tools`.

The server is [mcp_server.py](mcp_server.py); one that runs elsewhere is `tool_server(url="https://...")`.
"""

import argparse
import sys
from pathlib import Path

import anyio

from engines import Engine, local_engine
from orchestrator import Agent, RunResult, tool, tool_server
from planners import build, call, think

SERVER = [sys.executable, "-m", "examples.mcp_server"]


@tool
def weeks(days: int) -> str:
    """Days as weeks and days."""
    return f"{days // 7} weeks and {days % 7} days"


# A plan as data: what it calls is checked before anything runs, whoever offers it.
LANDED = call("calendar.weekday", day="1969-07-20")
UNTIL = call("weeks", days=call("calendar.days_between", first="1969-07-20", last="1972-12-14"))
PLAN = build(think("Tell in a sentence: the first on a ", LANDED, ", the last ", UNTIL, " later."))


async def ask(engine: Engine) -> RunResult[str]:
    """Starts the server, runs the plan with its tools, and stops it."""
    root = Path(__file__).parents[1]
    async with tool_server(command=SERVER, cwd=root, prefix="calendar.") as tools:
        print("tools:", ", ".join(one.specification.name for one in [*tools, weeks]))
        agent = Agent(engine, tools=[*tools, weeks], planner=PLAN)
        result = await agent.run("When did people walk on the moon?")
    for node, outcome in result.outcomes.items():
        if outcome.value is not None:
            print(f"{node}: {outcome.value.answer.text}")
    return result


async def main() -> None:
    """Asks the embedded model."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("starting vLLM with the embedded model; this takes a minute", file=sys.stderr)
    async with local_engine() as engine:
        await ask(engine)


if __name__ == "__main__":
    anyio.run(main)
