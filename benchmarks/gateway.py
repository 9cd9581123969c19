"""The gateway against its engine called directly: 64 at once, on a fake engine that answers after 200 ms.

python -m benchmarks.gateway [--rounds 25] [--repeats 5] [--width 64]

The server is `forkjoin serve`, and clients are processes of their own. `bare` is the same client against an ASGI app
that does nothing but wait as long: what is lost there is the client's and uvicorn's. Every repeat measures all of
them one after the other; the table has the medians of wall times, and of the repeats' ratios to `direct`.
"""

from __future__ import annotations

import argparse
import asyncio  # noqa: TID251 -- the least that a client can cost
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from engines import FakeEngine, Sampling, converse
from reasoning import SelfConsistency

ROOT = Path(__file__).parents[1]
SECONDS = 0.2
QUESTION = "How much is 12 times 7?"
SAMPLES = 8
TOKENS = 32


def slow_engine() -> FakeEngine:
    return FakeEngine("It is \\boxed{84}. " * 2, latency=SECONDS)


def streaming_engine() -> FakeEngine:
    """Sends a token at a time, for as long."""
    return FakeEngine("word " * TOKENS, seconds_per_token=SECONDS / TOKENS, chunk_tokens=1)


async def _direct(engine: FakeEngine) -> None:
    context = await converse(engine, [("user", QUESTION), ("assistant", "")])
    await engine.generate(context, Sampling(max_tokens=64))


async def _direct_method(engine: FakeEngine) -> None:
    context = await converse(engine, [("user", QUESTION), ("assistant", "")])
    await SelfConsistency(samples=SAMPLES).solve(context, engine)


async def _direct_stream(engine: FakeEngine) -> None:
    context = await converse(engine, [("user", QUESTION), ("assistant", "")])
    async with engine.stream(context, Sampling(max_tokens=64)) as chunks:
        async for _ in chunks:
            pass


KINDS: dict[str, tuple[str, dict[str, Any], Callable[[FakeEngine], Awaitable[None]]]] = {
    "plain": ("slow_engine", {}, _direct),
    "self-consistency": (
        "slow_engine",
        {"model": f"fake@self-consistency:n={SAMPLES}"},
        _direct_method,
    ),
    "streaming": ("streaming_engine", {"stream": True}, _direct_stream),
}


async def bare_app(scope: Any, receive: Any, send: Any) -> None:
    """Waits and answers, as little as an ASGI app can do."""
    while (await receive()).get("more_body"):
        pass
    body = json.dumps({"choices": [{"message": {"content": "84"}}]}).encode()
    await asyncio.sleep(SECONDS)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def side_by_side(calls: Sequence[Callable[[], Awaitable[None]]], rounds: int) -> float:
    async def work(call: Callable[[], Awaitable[None]]) -> None:
        for _ in range(rounds):
            await call()

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(work(call))
    return time.perf_counter() - begun


class Connection:
    """A client that does as little as it can: it sends always the same bytes, and looks for the end of the answer."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._bytes = (
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(body), body)
        )

    async def call(self) -> None:
        self._writer.write(self._bytes)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        _, is_whole, length = head.partition(b"content-length: ")
        if is_whole:
            await self._reader.readexactly(int(length.partition(b"\r\n")[0]))
        else:
            await self._reader.readuntil(b"\r\n0\r\n\r\n")


async def _over_http(url: str, width: int, rounds: int, more: dict[str, Any]) -> float:
    body = {"model": "fake", "max_tokens": 64, "messages": [{"role": "user", "content": QUESTION}]}
    data = json.dumps(body | more).encode()
    host, port = url.removeprefix("http://").split(":")
    calls = []
    for _ in range(width):
        reader, writer = await asyncio.open_connection(host, int(port))
        calls.append(Connection(reader, writer, data).call)
    await side_by_side(calls, 1)
    return await side_by_side(calls, rounds)


def be_client(kind: str, url: str, width: int, rounds: int) -> None:
    """Measures in this process and prints the seconds."""
    engine, more, call = KINDS[kind]
    if url:
        print(asyncio.run(_over_http(url, width, rounds, more)))
    else:
        made: FakeEngine = globals()[engine]()
        print(asyncio.run(side_by_side([partial(call, made)] * width, rounds)))


def measure(kind: str, url: str, width: int, rounds: int) -> float:
    command = [sys.executable, "-m", "benchmarks.gateway", "--client", kind, "--url", url]
    command += ["--width", str(width), "--rounds", str(rounds)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


@contextmanager
def process(*command: str) -> Iterator[str]:
    """A server in a process of its own; the address in the first line that it prints."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        try:
            line = running.stdout.readline()
            yield (
                next(word for word in line.split() if word.startswith("http"))
                .rstrip(";")
                .removesuffix("/v1")
            )
        finally:
            running.terminate()


def gateway(engine: str, width: int) -> Any:
    """Nothing is held back: how many calls are best is another question, which takes a limiter seconds to answer."""
    return process(
        sys.executable,
        "-c",
        MAIN,
        "serve",
        "--engine",
        f"benchmarks.gateway:{engine}",
        "--port",
        "0",
        "--width",
        str(width * SAMPLES),
    )


MAIN = "from orchestrator.command_line import main; raise SystemExit(main())"
_BARE = """
import socket, uvicorn
from benchmarks.gateway import bare_app
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
config = uvicorn.Config(bare_app, http="h11", lifespan="off", log_level="critical")
uvicorn.Server(config).run(sockets=[listener])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.client:
        be_client(asked.client, asked.url, asked.width, asked.rounds)
        return
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.2f}; "
        f"{asked.width} at once, {asked.rounds} each; medians of {asked.repeats} repeats"
    )
    print(f"{'':<18}{'direct':>9}{'bare':>15}{'gateway':>17}")
    for kind, (engine, _, _) in KINDS.items():
        with gateway(engine, asked.width) as served, process(sys.executable, "-c", _BARE) as bare:
            report(kind, [
                {name: measure(kind, url, asked.width, asked.rounds)
                 for name, url in (("direct", ""), ("bare", bare), ("gateway", served))}
                for _ in range(asked.repeats)
            ])  # fmt: skip
    print(f"load at the end {os.getloadavg()[0]:.2f}")


def report(kind: str, repeats: list[dict[str, float]]) -> None:
    def told(name: str) -> str:
        seconds = statistics.median(each[name] for each in repeats)
        ratio = statistics.median(each[name] / each["direct"] for each in repeats)
        return f"{seconds:6.2f} s" + (f" ({ratio - 1:+6.1%})" if name != "direct" else "")

    print(f"{kind:<18}{told('direct'):>9}{told('bare'):>15}{told('gateway'):>17}")


if __name__ == "__main__":
    main()
