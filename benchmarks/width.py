"""Tokens per second with many clients at fixed widths, and with a width that finds itself.

python -m benchmarks.width [MODEL] [SECONDS]        the embedded model by default; on a GPU, give a folder
"""

from __future__ import annotations

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
    Delivery,
    Engine,
    LimitedEngine,
    Sampling,
    WidthController,
    WidthPolicy,
    converse,
    local_engine,
)

PAUSE = 5


class Clients:
    """Clients that call one after another, as long as they are let.

    Calls are half as long as the mean to half as long again, evenly, so that they do not end together.

    Args:
        engine: Answers.
        prompt: Of every call.
        clients: How many there are.
        tokens: Of a call, on average.
    """

    def __init__(self, engine: Engine, prompt: Context, clients: int, tokens: int) -> None:
        self._engine = engine
        self._prompt = prompt
        self._clients = clients
        self._tokens = tokens
        self._calls = 0

    async def work(self, limiter: CallLimiter) -> None:
        """Calls until it is cancelled, so many at once as the limiter lets."""
        async with anyio.create_task_group() as group:
            for _ in range(self._clients):
                group.start_soon(self._client, LimitedEngine(self._engine, limiter))

    async def rate(self, seconds: float) -> float:
        """Tokens per second, from now on for so many seconds."""
        before, start = await self.generated(), anyio.current_time()
        await anyio.sleep(seconds)
        return (await self.generated() - before) / (anyio.current_time() - start)

    async def generated(self) -> int:
        """Tokens that the engine has generated so far."""
        return (await self._engine.statistics()).generated_tokens

    async def _client(self, engine: Engine) -> None:
        # A limiter serves long calls first: all are told to be as long, so that they take turns.
        delivery = Delivery(whole=True, expected_tokens=self._tokens)
        while True:
            self._calls += 1
            # Steps of the golden ratio fill the range evenly, wherever one begins.
            share = self._calls * 0.618034 % 1
            asked = max(1, round(self._tokens * (0.5 + share)))
            sampling = Sampling(max_tokens=asked, ignore_eos=True)
            found = await engine.generate(self._prompt.fork(str(self._calls)), sampling, delivery)
            assert found.usage.generated_tokens == asked, (found.usage, asked)


async def measure(
    clients: Clients, limiter: CallLimiter, seconds: float, told: Callable[[float], None]
) -> None:
    """Tells the rate of every PAUSE seconds."""
    with suppress(TimeoutError), anyio.fail_after(seconds):
        async with anyio.create_task_group() as group:
            group.start_soon(limiter.adapt)
            group.start_soon(clients.work, limiter)
            while True:
                told(await clients.rate(PAUSE))


async def main() -> None:
    from engines.vllm_engine import runs_on_cpu

    cpu = runs_on_cpu()
    count, tokens = (24, 32) if cpu else (1280, 256)
    widths = (1, 4, 16) if cpu else (64, 256, 512, 1024)
    model = sys.argv[1] if len(sys.argv) > 1 else None
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30
    options: dict[str, Any] = {} if cpu else {"max_num_seqs": 1024}
    print(machine())
    async with local_engine(model, **options) as engine:
        prompt = await converse(engine, [("user", "Tell a story. " * 12), ("assistant", "")])
        clients = Clients(engine, prompt, count, tokens)
        print(f"{engine.model}, {count} clients, {tokens} tokens a call")
        for width in widths:
            rates: list[float] = []
            await measure(clients, CallLimiter(width), seconds, rates.append)
            # The first ones fill the engine.
            settled = rates[2:] or rates
            print(f"width {width:>5}: {sum(settled) / len(settled):>8,.0f} tokens/s")
        for start in (64, 1024) if not cpu else (1,):
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
