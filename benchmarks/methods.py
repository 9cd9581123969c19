"""Every method on problems of GSM8K, on vLLM: what each takes, how parallel it is, and what it finds in the KV cache.
Left out is what takes another engine.

python -m benchmarks.methods                       5 problems, the plain embedded model, smollm2, 128 tokens a call
python -m benchmarks.methods 50 MODEL [TOKENS]     so many, another model, so many tokens a call

Problems are read from $DATA, by default ../shared/data. All problems run side by side; seconds are for all of them.
"""

import json
import sys
import time
from functools import partial

import anyio

from benchmarks.planners.scenarios import DATA
from benchmarks.report import machine, table
from engines import Engine, Outcome, Sampling, Usage, join, local_engine
from orchestrator import Agent, RunResult
from reasoning import METHODS, Hogwild, equal

HEADERS = [
    "method", "seconds", "calls", "generated", "critical path", "ratio", "prompt", "cached", "answers", "right",
]  # fmt: skip


async def measured(engine: Engine, name: str, rows: list[dict[str, str]], tokens: int) -> list[str]:
    calls = 0

    def hear(event: object) -> None:
        nonlocal calls
        calls += type(event).__name__ == "GenerationFinished"

    sampling = Sampling(max_tokens=tokens, temperature=0.6, seed=1)
    agent = Agent(engine, planner="single", method=name, sampling=sampling)
    start = time.perf_counter()
    runs = [partial(agent.run, row["problem"], subscribers=[hear]) for row in rows]
    outcomes = await join(runs)
    seconds = time.perf_counter() - start
    return [name, f"{seconds:.2f}", str(calls), *await figures(outcomes, rows)]


def names_for(engine: Engine) -> list[str]:
    """The methods that an engine can do: only some let workers share a cache."""
    if engine.capabilities.collaboration:
        return list(METHODS)
    return [name for name, build in METHODS.items() if not isinstance(build(Sampling()), Hogwild)]


async def figures(outcomes: list[Outcome[RunResult]], rows: list[dict[str, str]]) -> list[str]:
    results = [outcome.value for outcome in outcomes]
    usage = sum((result.usage for result in results if result), Usage())
    path = sum(result.critical_path for result in results if result)
    values = [result.answer.value if result else None for result in results]
    right = [
        value is not None and await equal(row["answer"], value)
        for row, value in zip(rows, values, strict=True)
    ]
    return [
        str(usage.generated_tokens),
        str(path),
        f"{usage.generated_tokens / max(path, 1):.2f}",
        str(usage.prompt_tokens),
        f"{100 * (usage.cached_tokens or 0) / max(usage.prompt_tokens, 1):.0f} %",
        f"{len(rows) - values.count(None)}/{len(rows)}",
        str(sum(right)),
    ]


async def main(most: int, model: str | None, tokens: int) -> None:
    lines = (DATA / "gsm8k_test.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:most]]
    async with local_engine(model or "smollm2") as engine:
        print(f"{engine.model}, {len(rows)} problems, at most {tokens} tokens a call")
        # Warms up: kernels, the equality worker, the first prefix.
        await measured(engine, "chain-of-thought", rows[:1], 16)
        names = names_for(engine)
        print(table(HEADERS, [await measured(engine, name, rows, tokens) for name in names]))


if __name__ == "__main__":
    print(machine())
    anyio.run(
        main,
        int(sys.argv[1]) if sys.argv[1:] else 5,
        sys.argv[2] if sys.argv[2:] else None,
        int(sys.argv[3]) if sys.argv[3:] else 128,
    )
