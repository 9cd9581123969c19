"""Tools for arithmetic, and a run with them: `python -m examples.arithmetic`.

The same tools on the command line: `forkjoin run --tools examples.arithmetic:TOOLS "What is 12 * 7 + 38?"`.
"""

from engines import local_engine
from orchestrator import Agent, tool


@tool
def add(a: float, b: float) -> float:
    """Adds two numbers."""
    return a + b


@tool
def multiply(a: float, b: float) -> float:
    """Multiplies two numbers."""
    return a * b


TOOLS = [add, multiply]


def main() -> None:
    """Answers one question with the embedded model."""
    with local_engine() as engine:
        result = Agent(engine, tools=TOOLS).run_sync("What is 12 * 7 + 38?")
        print(result, result.usage)


# The engine's process imports this file again, so that starting it has to be guarded.
if __name__ == "__main__":
    main()
