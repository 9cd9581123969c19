"""What barriers cost a tree search: python -m benchmarks.search_waves [problems]

REBASE at width 16 on made-up problems of 8 steps. A step keeps a thought right with a probability, a thought that went
wrong stays so, and the reward of a step says which it is, with noise. How long a step takes is drawn from several
distributions, each with a mean of 1 s. With barriers a wave waits for its slowest step; without, it waits for a
fraction of its steps, and what is late joins a later wave. Time is virtual, so that the figures are the
same on every machine. The same problems have the same steps in all modes as far as they take the same way.
"""

import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

import anyio
import trio
from trio.testing import MockClock

from benchmarks.report import table
from engines import Context, FakeEngine, Sampling, converse
from reasoning import Answer
from reasoning.scoring.check import Check
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.tree_search import TreeSearch

PROBLEMS = 60
DEPTH = 8
WIDTH = 16
KEEPS_RIGHT = 0.65
NOISE = 0.15

Draw = Callable[[random.Random], float]

# Seconds of a step; the mean of each is 1.
LATENCIES: dict[str, Draw] = {
    "all the same": lambda draw: 1.0,
    "uniform, 0.5 to 1.5": lambda draw: draw.uniform(0.5, 1.5),
    "log-normal, sigma 0.5": lambda draw: draw.lognormvariate(-0.125, 0.5),
    "log-normal, sigma 1": lambda draw: draw.lognormvariate(-0.5, 1),
    "1 of 10 takes 10 times as long": lambda draw: (10 if draw.random() < 0.1 else 1) / 1.9,
}
MODES: dict[str, float] = {"barriers": 1.0, "fraction 0.75": 0.75, "fraction 0.5": 0.5}


@dataclass(frozen=True)
class Search:
    """What became of one search.

    Attributes:
        seconds: How long it took.
        solved: Whether its answer is right.
    """

    seconds: float
    solved: bool


async def same(first: str, second: str) -> bool:
    """Answers are words here."""
    return first == second


def reward(answer: Answer) -> float:
    """That of the last step, which tells it."""
    return float(re.findall(r"\[(.*?)\]", answer.text)[-1])


def searched(problem: int, latency: str, fraction: float) -> Search:
    """One search under a clock of its own."""

    async def step(context: Context, sampling: Sampling) -> str:
        draw = random.Random(f"{problem}:{context.path}")
        await anyio.sleep(LATENCIES[latency](draw))
        right = "wrong" not in context.turns[-1].text and draw.random() < KEEPS_RIGHT
        score = draw.gauss(0.65 if right else 0.5, NOISE)
        last = context.path.count("step-") == DEPTH
        if not last:
            return f"[{score:.3f}] {'right' if right else 'wrong'}\n\n"
        return f"[{score:.3f}] \\boxed{{{'right' if right else f'wrong {draw.randrange(4)}'}}}"

    async def main() -> Search:
        engine = FakeEngine(step)
        method = TreeSearch(
            rule=Rebase(),
            scorer=Check(check=reward),
            width=WIDTH,
            fraction=fraction,
            equality=same,
        )
        question = await converse(engine, [("user", "?")], name="root")
        answer = await method.solve(question, engine)
        return Search(anyio.current_time(), answer.value == "right")

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def row(latency: str, problems: int) -> list[str]:
    """The mean seconds in each mode, how much barriers cost, and the share that each solves."""
    found = {
        mode: [searched(problem, latency, fraction) for problem in range(problems)]
        for mode, fraction in MODES.items()
    }
    seconds = [fmean(search.seconds for search in searches) for searches in found.values()]
    solved = [fmean(search.solved for search in searches) for searches in found.values()]
    return [
        latency,
        *(f"{mean:.1f}" for mean in seconds),
        *(f"{seconds[0] / mean:.2f}x" for mean in seconds[1:]),
        *(f"{share:.0%}" for share in solved),
    ]


def main(problems: int) -> None:
    """Prints the table."""
    modes = list(MODES)
    head = [
        f"{problems} problems",
        *(f"{mode}, s" for mode in modes),
        *(f"faster at {MODES[mode]:g}" for mode in modes[1:]),
        *(f"solved at {fraction:g}" for fraction in MODES.values()),
    ]
    print(table(head, [row(latency, problems) for latency in LATENCIES]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PROBLEMS)
