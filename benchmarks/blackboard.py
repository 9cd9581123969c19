"""A blackboard beside as many independent samples, on vLLM: what it computes again, and what that costs.

python -m benchmarks.blackboard                  the plain embedded model, smollm2
python -m benchmarks.blackboard MODEL [TOKENS]   another one, so many tokens a worker
"""

import statistics
import sys
from dataclasses import dataclass

import anyio

from benchmarks.report import machine, table
from engines import Engine, Layout, Sampling, converse, local_engine
from reasoning import ChainOfThought, Method, SelfConsistency
from reasoning.collaborating.blackboard import Blackboard

WORKERS = (2, 4)
BOARDS: list[tuple[Layout, int]] = [
    ("combined", 16),
    ("combined", 64),
    ("combined", 0),
    ("interleaved", 0),
]
STEP = 64
REPEATS = 3
TOKENS = 128
QUESTION = (
    "A farmer has 12 rows of 7 apple trees, and each tree bears 9 apples. How many are there? "
)


@dataclass(frozen=True)
class Cost:
    """What one question took.

    Attributes:
        rate: Tokens generated in a second.
        prompt: Tokens of all prompts.
        cached: Of these, those in the KV cache.
        generated: Tokens generated.
    """

    rate: float
    prompt: int
    cached: int
    generated: int

    @property
    def computed(self) -> float:
        """Tokens of prompts that were computed for each one generated."""
        return (self.prompt - self.cached) / self.generated


def methods(workers: int, tokens: int) -> dict[str, Method]:
    """Independent samples, and blackboards that differ in how often workers look."""
    sampling = Sampling(max_tokens=tokens, ignore_eos=True, seed=1)
    independent = SelfConsistency(samples=workers, method=ChainOfThought(sampling=sampling))
    boards = {
        f"{layout}, refresh={refresh}": Blackboard(
            workers=workers,
            layout=layout,
            refresh=refresh,
            step_tokens=STEP,
            answer_tokens=0,
            sampling=sampling,
        )
        for layout, refresh in BOARDS
    }
    return {"independent": independent, **boards}


async def cost(method: Method, engine: Engine, number: str) -> Cost:
    """One question, which is in no cache."""
    context = await converse(engine, [("user", f"Question {number}: {QUESTION * 4}")], name=number)
    start = anyio.current_time()
    usage = (await method.solve(context, engine)).usage
    seconds = anyio.current_time() - start
    return Cost(
        rate=usage.generated_tokens / seconds,
        prompt=usage.prompt_tokens,
        cached=usage.cached_tokens or 0,
        generated=usage.generated_tokens,
    )


async def compare(engine: Engine, workers: int, tokens: int) -> list[list[str]]:
    """Medians of all, asked in turns."""
    found: dict[str, list[Cost]] = {name: [] for name in methods(workers, tokens)}
    for number in range(REPEATS):
        for place, (name, method) in enumerate(methods(workers, tokens).items()):
            found[name].append(await cost(method, engine, f"{workers}-{number}-{place}"))
    alone = statistics.median(one.rate for one in found["independent"])
    return [[f"{workers}: {name}", *_figures(costs, alone)] for name, costs in found.items()]


def _figures(costs: list[Cost], alone: float) -> list[str]:
    rate = statistics.median(one.rate for one in costs)
    share = statistics.median(one.cached / one.prompt for one in costs)
    computed = statistics.median(one.computed for one in costs)
    return [f"{rate:.1f}", f"{rate / alone:.2f}", f"{share:.0%}", f"{computed:.2f}"]


HEADERS = ["workers", "tokens/s", "ratio", "cached", "computed/generated"]


async def main(model: str | None, tokens: int) -> None:
    """Prints a table for each number of workers."""
    async with local_engine(model or "smollm2") as engine:
        print(f"{engine.model}, {tokens} tokens a worker, steps up to {STEP}, {REPEATS} repeats")
        await cost(methods(1, 16)["independent"], engine, "warm-up")
        for workers in WORKERS:
            print(table(HEADERS, await compare(engine, workers, tokens)), flush=True)


if __name__ == "__main__":
    print(machine())
    anyio.run(
        main, sys.argv[1] if sys.argv[1:] else None, int(sys.argv[2]) if sys.argv[2:] else TOKENS
    )
