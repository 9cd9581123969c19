"""ParaThinker at 8 threads beside one thread of the same length, on vLLM: what width costs, and what the summary adds.

python -m benchmarks.parathinker                  the plain embedded model, smollm2
python -m benchmarks.parathinker MODEL [TOKENS]   another one, so many tokens a thread
"""

import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import anyio

from benchmarks.report import machine, table
from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    Sampling,
    Usage,
    converse,
    local_engine,
)
from reasoning import Answer, ChainOfThought, Synthesise
from reasoning.parathinking.parathinker import ParaThinker
from reasoning.reducing.synthesis import Order

THREADS = 8
REPEATS = 5
TOKENS = 128
QUESTION = (
    "A farmer has 12 rows of 7 apple trees, and each tree bears 9 apples. How many are there? "
)


@dataclass(frozen=True)
class Times:
    """What one question took.

    Attributes:
        threads: Seconds until the last thread ended.
        summary: Seconds from then on.
        prompt: Tokens that the summary read.
        cached: Of these, those in the KV cache.
        generated: Tokens of each thread.
        path: Tokens of the longest thread and the summary.
        remark: What the answer says of how it came about.
    """

    threads: float
    summary: float
    prompt: int
    cached: int
    generated: list[int]
    path: int
    remark: str

    @property
    def whole(self) -> float:
        """Seconds for all of it."""
        return self.threads + self.summary


class Stopwatch(EngineWrapper):
    """Notes when the summary begins."""

    began: float | None = None

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        if context.path.endswith("synthesise"):
            self.began = anyio.current_time()
        return self.inner.stream(context, sampling, delivery)


Solve = Callable[[Context, Engine], Awaitable[Answer]]


async def timed(solve: Solve, engine: Engine, number: str) -> Times:
    """One question, which is in no cache."""
    context = await converse(engine, [("user", f"Question {number}: {QUESTION * 4}")], name=number)
    watch = Stopwatch(engine)
    start = anyio.current_time()
    answer = await solve(context, watch)
    end = anyio.current_time()
    began = end if watch.began is None else watch.began
    threads = sum((branch.answer.usage for branch in answer.branches if branch.answer), Usage())
    return Times(
        threads=began - start,
        summary=end - began,
        prompt=answer.usage.prompt_tokens - threads.prompt_tokens,
        cached=(answer.usage.cached_tokens or 0) - (threads.cached_tokens or 0),
        generated=[branch.critical_path for branch in answer.branches] or [answer.critical_path],
        path=answer.critical_path,
        remark=answer.remark,
    )


def methods(tokens: int, *, alone: int | None = None, seed: int | None = 1) -> dict[str, Solve]:
    """One thread, and eight with either order of the summary, which is a quarter as long.

    Args:
        tokens: Of each thread.
        alone: Of the one thread; None is as many.
        seed: With one, a GPU samples each thread by itself.
    """
    sampling = Sampling(max_tokens=tokens, ignore_eos=True, seed=seed)
    thread = ChainOfThought(sampling=sampling)
    short = sampling.model_copy(update={"max_tokens": max(tokens // 4, 1)})
    long = sampling.model_copy(update={"max_tokens": alone or tokens})
    orders: tuple[Order, ...] = ("given", "longest first")
    return {
        "1 thread": ChainOfThought(sampling=long).solve,
        **{
            f"{THREADS} threads, {order}": ParaThinker(
                threads=THREADS,
                method=thread,
                reducer=Synthesise(sampling=short, order=order),
                tuned="no",
            ).solve
            for order in orders
        },
    }


async def compare(engine: Engine, tokens: int, repeats: int = REPEATS) -> list[list[str]]:
    """Medians of all, asked in turns; the first round only warms up."""
    found: dict[str, list[Times]] = {name: [] for name in methods(tokens)}
    for number in range(repeats + 1):
        for place, (name, solve) in enumerate(methods(tokens).items()):
            times = await timed(solve, engine, f"{number}-{place}")
            assert {*times.generated} == {tokens}, times.generated
            if number:
                found[name].append(times)
    alone = statistics.median(times.threads for times in found["1 thread"])
    return [[name, *_figures(times, alone)] for name, times in found.items()]


def _figures(times: list[Times], alone: float) -> list[str]:
    threads = statistics.median(one.threads for one in times)
    summary = statistics.median(one.summary for one in times)
    whole = statistics.median(one.whole for one in times)
    read = [f"{times[0].cached}/{times[0].prompt}"] if summary else ["-"]
    return [
        f"{threads:.3f}",
        f"{threads / alone:.3f}",
        f"{summary:.3f}",
        f"{whole:.3f}",
        f"{whole / alone:.3f}",
        *read,
    ]


HEADERS = [
    "", "threads, s", "ratio", "summary, s", "whole, s", "ratio", "summary cached/prompt",
]  # fmt: skip


async def main(model: str | None, tokens: int) -> None:
    async with local_engine(model or "smollm2") as engine:
        window = engine.capabilities.window or 0
        print(f"{engine.model}, window {window}, {tokens} tokens a thread, {REPEATS} repeats")
        print(table(HEADERS, await compare(engine, tokens)))
    print("the paper on a GPU: ratio 1.071 for 8 threads (arXiv 2509.04475)")


if __name__ == "__main__":
    print(machine())
    anyio.run(
        main, sys.argv[1] if sys.argv[1:] else None, int(sys.argv[2]) if sys.argv[2:] else TOKENS
    )
