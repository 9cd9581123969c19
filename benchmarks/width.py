"""Tokens per second with many clients at fixed widths, and with a width that finds itself.

python -m benchmarks.width [MODEL] [SECONDS]        the embedded model by default; on a GPU, give a folder
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio

from benchmarks.report import machine
from engines import (
    AdaptiveLimiter,
    CallLimiter,
    Context,
    Engine,
    LimitedEngine,
    Sampling,
    WidthController,
    WidthPolicy,
    converse,
    local_engine,
)
from engines.vllm_engine import runs_on_cpu

CPU = runs_on_cpu()
CLIENTS = 24 if CPU else 1280
WIDTHS = (1, 4, 16) if CPU else (64, 256, 512, 1024)
TOKENS = 32 if CPU else 256
PAUSE = 5


class Clients:
    """Clients that call one after another, as long as they are let."""

    def __init__(self, engine: Engine, prompt: Context) -> None:
        self.engine = engine
        self.prompt = prompt
        self.calls = 0

    async def work(self, limiter: CallLimiter) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(limiter.adapt)
            for _ in range(CLIENTS):
                group.start_soon(self._client, LimitedEngine(self.engine, limiter))

    async def _client(self, engine: Engine) -> None:
        sampling = Sampling(max_tokens=TOKENS, ignore_eos=True)
        while True:
            self.calls += 1
            await engine.generate(self.prompt.fork(str(self.calls)), sampling)

    async def tokens(self) -> int:
        return (await self.engine.statistics()).generated_tokens


async def measure(
    clients: Clients, limiter: CallLimiter, seconds: float, told: Callable[[float], None]
) -> None:
    """Tells the rate of every PAUSE seconds."""
    with suppress(TimeoutError), anyio.fail_after(seconds):
        async with anyio.create_task_group() as group:
            group.start_soon(clients.work, limiter)
            while True:
                before, start = await clients.tokens(), anyio.current_time()
                await anyio.sleep(PAUSE)
                told((await clients.tokens() - before) / (anyio.current_time() - start))


async def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else None
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30
    options: dict[str, Any] = {} if CPU else {"max_num_seqs": 1024}
    print(machine())
    async with local_engine(model, **options) as engine:
        prompt = await converse(engine, [("user", "Tell a story. " * 12), ("assistant", "")])
        clients = Clients(engine, prompt)
        print(f"{engine.model}, {CLIENTS} clients, {TOKENS} tokens a call")
        for width in WIDTHS:
            rates: list[float] = []
            await measure(clients, CallLimiter(width), seconds, rates.append)
            # The first ones fill the engine.
            settled = rates[2:] or rates
            print(f"width {width:>5}: {sum(settled) / len(settled):>8,.0f} tokens/s")
        for start in (64, 1024) if not CPU else (1,):
            policy = WidthPolicy(narrowest=1, start=start)
            limiter = AdaptiveLimiter(engine, WidthController(policy))

            def tell(rate: float, limiter: AdaptiveLimiter = limiter) -> None:
                print(
                    f"adaptive {limiter.statistics().limit:>5}: {rate:>8,.0f} tokens/s", flush=True
                )

            print(f"adaptive from {start}")
            await measure(clients, limiter, 3 * seconds, tell)


if __name__ == "__main__":
    anyio.run(main)
