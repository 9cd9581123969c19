"""Chats through vLLM's own server, and through `forkjoin serve` with vLLM in its process or over that server.

python -m benchmarks.gateway_on_vllm --model FOLDER [--widths 64 256] [--rounds 4] [--tokens 128]

Every chat asks the same question and gets as many tokens, whatever the model would say. The client is this process; the
servers are started one after the other, with their defaults, and each is warmed by a round that is not counted. The
time is the better of two.
"""

from __future__ import annotations

import argparse
import asyncio  # noqa: TID251 -- the least that a client can cost
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.gateway import MAIN, Connection, side_by_side

QUESTION = "How much is 12 times 7? Think step by step."
SECONDS_TO_START = 300
# An answer of some thousand tokens in parts is a line for each.
_LONGEST_ANSWER = 2**24


@contextmanager
def server(port: int, *command: str) -> Iterator[str]:
    """A server in a process of its own, once it is healthy; its address."""
    url = f"http://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, *command, "--port", str(port)], **quiet) as running:  # type: ignore[call-overload]
        try:
            _wait_for(url, running)
            yield url
        finally:
            running.terminate()


def _wait_for(url: str, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while running.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"the server at {url} did not start within {SECONDS_TO_START} s")


def measure(name: str, url: str, asked: argparse.Namespace) -> None:
    """Prints a row for whole and one for streamed answers, at each width."""
    with urllib.request.urlopen(f"{url}/v1/models") as answer:
        model = json.load(answer)["data"][0]["id"]
    for width in asked.widths:
        for stream in (False, True):
            body = {
                "model": model,
                "messages": [{"role": "user", "content": QUESTION}],
                "max_tokens": asked.tokens,
                "ignore_eos": True,
                "stream": stream,
            }
            seconds = min(asyncio.run(_load(url, body, width, asked.rounds)) for _ in range(2))
            rate = width * asked.rounds * asked.tokens / seconds
            how = "streamed" if stream else "whole"
            print(
                f"{name:<32}{width:>6}{how:>10}{seconds:>9.2f} s{rate:>10,.0f} tokens/s", flush=True
            )


async def _load(url: str, body: dict[str, Any], width: int, rounds: int) -> float:
    host, port = url.removeprefix("http://").split(":")
    calls: list[Any] = []
    for _ in range(width):
        ends = await asyncio.open_connection(host, int(port), limit=_LONGEST_ANSWER)
        calls.append(Connection(*ends, json.dumps(body).encode()).call)
    await side_by_side(calls, 1)
    return await side_by_side(calls, rounds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=128)
    asked = parser.parse_args(arguments)
    gateway = partial(_gateway, str(max(asked.widths)))
    with server(8101, "-m", "vllm.entrypoints.openai.api_server", "--model", asked.model) as url:
        measure("vLLM's own server", url, asked)
        with gateway(8102, f"{url}/v1") as over:
            measure("forkjoin serve over it", over, asked)
    with gateway(8103, "local", "--model", asked.model) as inside:
        measure("forkjoin serve, vLLM in process", inside, asked)


def _gateway(width: str, port: int, engine: str, *more: str) -> Any:
    limits = ("--width", width, "--max-requests", "4096")
    return server(port, "-c", MAIN, "serve", "--engine", engine, *limits, *more)


if __name__ == "__main__":
    main()
