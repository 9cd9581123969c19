"""Calls a second through `HttpEngine` against bare aiohttp, to a server on this machine that answers after 200 ms.

python -m benchmarks.http_throughput [--calls 4096] [--repeats 5] [--prompt 200] [--httpx]

The server and every client are processes of their own. A client's workers, as many as the width, take the next call
as soon as theirs is answered. Each round measures bare aiohttp and HttpEngine one after the other, in turns which
first; the table has medians over the rounds, and the median of the rounds' ratios. The CPU time of a call is the
client's alone: it hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio  # noqa: TID251 -- bare asyncio is what is compared with
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import httpx

from benchmarks.slow_server import ANSWER_SECONDS, MODEL
from engines import Context, HttpEngine, Sampling, Segment

WIDTHS = (256, 512, 1024)
ROOT = Path(__file__).parents[1]
SAMPLING = Sampling(max_tokens=100, temperature=0.7, seed=1)


@dataclass(frozen=True, kw_only=True)
class Measured:
    rate: float
    cpu_microseconds: float
    peak: int


@dataclass
class Watch:
    seconds: float = 0
    cpu_seconds: float = 0


@contextmanager
def watch() -> Iterator[Watch]:
    """Looks at the clock and at the CPU time before and after."""
    watched = Watch()
    start, cpu = time.perf_counter(), time.process_time()
    yield watched
    watched.seconds = time.perf_counter() - start
    watched.cpu_seconds = time.process_time() - cpu


def prompt_of(tokens: int) -> tuple[int, ...]:
    return tuple(100_000 + i for i in range(tokens))


def body_of(tokens: int) -> dict[str, Any]:
    return {
        "model": MODEL,
        "temperature": 0.7,
        "top_p": 1.0,
        "stream": False,
        "seed": 1,
        "prompt": prompt_of(tokens),
        "return_token_ids": True,
        "max_tokens": 100,
    }


async def with_aiohttp(url: str, width: int, calls: int, tokens: int) -> Watch:
    """The floor: asyncio workers, a POST and its JSON."""
    body = body_of(tokens)
    numbers = iter(range(calls))

    async def work() -> None:
        for _ in numbers:
            async with session.post(f"{url}/v1/completions", json=body) as response:
                answer = await response.json()
                assert answer["choices"][0]["token_ids"]

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        with watch() as watched:
            async with asyncio.TaskGroup() as group:
                for _ in range(width):
                    group.create_task(work())
        return watched


async def with_httpx(url: str, width: int, calls: int, tokens: int) -> Watch:
    body = body_of(tokens)
    numbers = iter(range(calls))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)

    async def work() -> None:
        for _ in numbers:
            answer = (await client.post(f"{url}/v1/completions", json=body)).json()
            assert answer["choices"][0]["token_ids"]

    async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as client:
        with watch() as watched:
            async with anyio.create_task_group() as group:
                for _ in range(width):
                    group.start_soon(work)
        return watched


async def with_engine(url: str, width: int, calls: int, tokens: int) -> Watch:
    """What methods call: `HttpEngine.generate`, from anyio workers."""
    context = Context(Segment("user", "", prompt_of(tokens)), name="root")
    numbers = iter(range(calls))

    async def work() -> None:
        for _ in numbers:
            completion = await engine.generate(context, SAMPLING)
            assert completion.token_ids

    async with HttpEngine(url) as engine:
        with watch() as watched:
            async with anyio.create_task_group() as group:
                for _ in range(width):
                    group.start_soon(work)
        return watched


CLIENTS: dict[str, Callable[[str, int, int, int], Awaitable[Watch]]] = {
    "aiohttp": with_aiohttp,
    "HttpEngine": with_engine,
    "httpx": with_httpx,
}


def be_client(name: str, url: str, width: int, calls: int, tokens: int) -> None:
    """Measures in this process and prints the figures."""
    watched = anyio.run(CLIENTS[name], url, width, calls, tokens)
    rate, cpu = calls / watched.seconds, watched.cpu_seconds / calls * 1e6
    print(json.dumps({"rate": rate, "cpu_microseconds": cpu}))


def measure(name: str, url: str, width: int, calls: int, tokens: int) -> Measured:
    command = [sys.executable, "-m", "benchmarks.http_throughput", "--client", name, "--url", url]
    command += ["--width", str(width), "--calls", str(calls), "--prompt", str(tokens)]
    with httpx.Client(trust_env=False) as client:
        client.get(f"{url}/peak")
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        peak = client.get(f"{url}/peak").json()["peak"]
    return Measured(**json.loads(done.stdout), peak=peak)


@contextmanager
def slow_server() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.slow_server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def report(width: int, rounds: list[dict[str, Measured]]) -> None:
    def median(name: str, figure: str) -> float:
        return float(statistics.median(getattr(each[name], figure) for each in rounds))

    ratio = statistics.median(each["HttpEngine"].rate / each["aiohttp"].rate for each in rounds)
    cpu = statistics.median(
        each["aiohttp"].cpu_microseconds / each["HttpEngine"].cpu_microseconds for each in rounds
    )
    peaks = {each["HttpEngine"].peak for each in rounds}
    print(
        f"{width:>5} {median('aiohttp', 'rate'):>9,.0f} {median('HttpEngine', 'rate'):>11,.0f} "
        f"{ratio:>6.2f} {median('aiohttp', 'cpu_microseconds'):>9,.0f} "
        f"{median('HttpEngine', 'cpu_microseconds'):>11,.0f} {cpu:>6.2f}  "
        f"{', '.join(map(str, sorted(peaks)))}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=200, help="token ids in the prompt")
    parser.add_argument("--httpx", action="store_true", help="measure httpx too, which takes long")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--width", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.client:
        be_client(asked.client, asked.url, asked.width, asked.calls, asked.prompt)
        return
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, aiohttp {aiohttp.__version__}, "
        f"load {os.getloadavg()[0]:.2f}; {asked.calls} calls of {asked.prompt} ids, answered after "
        f"{ANSWER_SECONDS:g} s; medians of {asked.repeats} rounds"
    )
    print(f"{'':>5} {'calls/s':^28} {'CPU µs a call':^28}  peak in flight")
    print(
        f"{'width':>5} {'aiohttp':>9} {'HttpEngine':>11} ratio  {'aiohttp':>9} {'HttpEngine':>11} ratio"
    )
    with slow_server() as url:
        for width in WIDTHS:
            rounds = []
            for number in range(asked.repeats):
                names = ["aiohttp", "HttpEngine"][:: 1 if number % 2 else -1]
                rounds.append(
                    {name: measure(name, url, width, asked.calls, asked.prompt) for name in names}
                )
            report(width, rounds)
        if asked.httpx:
            found = measure("httpx", url, 512, 512, asked.prompt)
            print(f"httpx alone, 512 calls at width 512: {found.rate:,.0f} calls/s")
    print(f"load at the end {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
