"""Tokens per second through `VllmEngine` against the AsyncLLM inside it, and what a shared prefix saves.

python -m benchmarks.throughput [MODEL]        the embedded model by default; on a GPU, give a folder
"""

import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import anyio
from vllm import SamplingParams
from vllm.sampling_params import RequestOutputKind

from benchmarks.gpu.timing import together
from engines import (
    Context,
    Engine,
    ForkjoinError,
    Sampling,
    Segment,
    converse,
    local_engine,
)
from engines.vllm_engine import runs_on_cpu
from orchestrator import Agent, tool
from reasoning import ChainOfThought, SelfConsistency

TOKENS = 32 if runs_on_cpu() else 256
WIDTHS = (1, 8, 32) if runs_on_cpu() else (1, 8, 64, 256, 512)
REPEATS = 2 if runs_on_cpu() else 3


@tool
def multiply(a: float, b: float) -> float:
    """Multiplies two numbers."""
    return a * b


async def raw(llm: Any, ids: list[int], kind: RequestOutputKind, number: str) -> None:
    parameters = SamplingParams(max_tokens=TOKENS, ignore_eos=True, output_kind=kind)
    async for _ in llm.generate({"prompt_token_ids": ids}, parameters, number):
        pass


async def widths(engine: Any) -> None:
    sampling = Sampling(max_tokens=TOKENS, ignore_eos=True)
    prompt = await converse(engine, [("user", "Tell a story. " * 12), ("assistant", "")])
    ids = list(prompt.token_ids)
    print(f"{'width':>6} {'forkjoin':>10} {'AsyncLLM':>10} {'its deltas':>10}  ratio (tokens/s)")
    for width in WIDTHS:
        best: dict[str, float] = {}
        for repeat in range(REPEATS):
            ours = [partial(engine.generate, prompt.fork(str(i)), sampling) for i in range(width)]
            calls: dict[str, list[Callable[[], Coroutine[Any, Any, Any]]]] = {"ours": list(ours)}
            for name, kind in (
                ("final", RequestOutputKind.FINAL_ONLY),
                ("delta", RequestOutputKind.DELTA),
            ):
                calls[name] = [
                    partial(raw, engine._llm, ids, kind, f"{name}-{width}-{repeat}-{i}")
                    for i in range(width)
                ]
            # In another order each time, since the first after a pause is slower.
            names = [*calls][repeat:] + [*calls][:repeat]
            for name in names:
                rate = width * TOKENS / await together(calls[name])
                best[name] = max(rate, best.get(name, 0))
        print(
            f"{width:>6} {best['ours']:>10,.0f} {best['final']:>10,.0f} {best['delta']:>10,.0f}"
            f"  {best['ours'] / best['final']:.2f}"
        )


async def prefixes(engine: Engine) -> None:
    """32 first tokens from one long context, and from 32 contexts that share nothing."""
    length, forks = (512, 8) if runs_on_cpu() else (6144, 32)
    sampling = Sampling(max_tokens=1)

    def context(offset: int) -> Context:
        return Context(
            Segment("user", "", tuple(1000 + (offset + i) % 20000 for i in range(length)))
        )

    shared = context(0)
    cold = await together(
        [partial(engine.generate, context(97 * (i + 1)), sampling) for i in range(forks)]
    )
    warm_up = await engine.generate(shared, sampling)
    forked = await together(
        [partial(engine.generate, shared.fork(str(i)), sampling) for i in range(forks)]
    )
    print(
        f"first tokens of {forks} forks of {length} tokens: {forked:.3f} s, "
        f"of {forks} unrelated contexts: {cold:.3f} s, {cold / forked:.1f} x; {warm_up.usage}"
    )


async def runs(engine: Engine) -> None:
    agent = Agent(engine, tools=[multiply], sampling=Sampling(max_tokens=TOKENS, seed=1))
    question = "A crate holds 12 rows of 7 apples. How many apples hold 9 crates?"
    try:
        result = await agent.run(question)
        nodes = len(result.plan.nodes)
        print(f"a planned run: {nodes} nodes in {result.seconds:.2f} s, {result.usage}")
    except ForkjoinError as error:
        print(f"a planned run failed: {error}")
    samples = 8 if runs_on_cpu() else 64
    method = SelfConsistency(
        samples=samples, method=ChainOfThought(sampling=Sampling(max_tokens=TOKENS))
    )
    prompt = await converse(engine, [("user", "What is 12 times 7, and why? " * 12)])
    start = time.perf_counter()
    answer = await method.solve(prompt, engine)
    print(f"{samples} samples and a vote: {time.perf_counter() - start:.2f} s, {answer.usage}")
    print(await engine.statistics())


async def main() -> None:
    start = time.perf_counter()
    model = sys.argv[1] if len(sys.argv) > 1 else None
    options: dict[str, Any] = {} if runs_on_cpu() else {"max_num_seqs": 1024}
    async with local_engine(model, **options) as engine:
        print(
            f"{engine.model}, {engine.capabilities}, ready in {time.perf_counter() - start:.0f} s"
        )
        await runs(engine)
        await widths(engine)
        await prefixes(engine)
        await runs(engine)


if __name__ == "__main__":
    anyio.run(main)
