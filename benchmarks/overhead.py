"""What journal, events and progress cost: the same run with all of them and with none, in turns.

python -m benchmarks.overhead            on a fake engine whose calls take 2 s, or no time
python -m benchmarks.overhead MODEL      on vLLM
"""

import io
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack

import anyio
from rich.console import Console

from benchmarks.report import machine, table
from engines import CallLimiter, Context, Engine, FakeEngine, Sampling, local_engine
from orchestrator import Agent
from orchestrator.progress import Progress
from reasoning import ChainOfThought, First, SelfConsistency

REPEATS = 5
TOKENS = 256
WIDTHS = (64, 256)


def said(context: Context, sampling: Sampling) -> str:
    return f"{context.path}: " + "so it is. " * 60 + "\\boxed{4}"


async def seconds(engine: Engine, width: int, number: int, *, on: bool) -> float:
    thread = ChainOfThought(sampling=Sampling(max_tokens=TOKENS, seed=number, ignore_eos=True))
    method = SelfConsistency(samples=width, method=thread, reducer=First())
    with ExitStack() as stack:
        runs = stack.enter_context(tempfile.TemporaryDirectory()) if on else None
        show = []
        if on:
            console = Console(file=io.StringIO(), force_terminal=True)
            show.append(stack.enter_context(Progress(console)).show)
        agent = Agent(
            engine, planner="single", method=method, runs=runs, limiter=CallLimiter(width)
        )
        start = time.perf_counter()
        await agent.run("How many apples are there?", subscribers=show)
        return time.perf_counter() - start


async def compare(name: str, engine: Engine) -> list[list[str]]:
    rows = []
    for width in WIDTHS:
        times: dict[bool, list[float]] = {True: [], False: []}
        for number in range(REPEATS + 1):
            for on in (True, False) if number % 2 else (False, True):
                taken = await seconds(engine, width, number, on=on)
                # The first round only warms up.
                if number:
                    times[on].append(taken)
        all_on, all_off = statistics.median(times[True]), statistics.median(times[False])
        cost = f"{100 * (all_on / all_off - 1):+.1f} %"
        each = f"{1e6 * (all_on - all_off) / width:.0f}"
        rows.append([name, str(width), f"{all_off:.3f}", f"{all_on:.3f}", cost, each])
    return rows


async def main() -> None:
    print(machine())
    rows = []
    if len(sys.argv) > 1:
        async with local_engine(sys.argv[1], max_num_seqs=1024) as engine:
            rows += await compare(engine.model, engine)
    else:
        rows += await compare("calls of 2 s", FakeEngine(said, latency=2))
        rows += await compare("calls of no time", FakeEngine(said))
    print(table(("engine", "calls at once", "off, s", "on, s", "cost", "µs a call"), rows))


if __name__ == "__main__":
    anyio.run(main)
