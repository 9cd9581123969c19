"""A pool of real servers in processes of their own, of which one is killed and one is stopped in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest

from engines import Completion, HttpEngine, Notice, Outcome, Sampling, converse, join
from engines.replicas import ReplicaPool
from tests.orchestrator.processes import environment

CALLS = 90
PROGRAM = """
import sys
from engines import FakeEngine
from tests.engines.servers import chat_app, serving

engine = FakeEngine(lambda context, _: "echo " + context.turns[0].text, latency=0.2, text_only=True)
with serving(chat_app(engine)) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def servers() -> Iterator[list[subprocess.Popen[str]]]:
    """Three servers that end when they are killed or their input closes."""
    root = Path(__file__).parents[2]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**environment(), "PYTHONPATH": str(root)},
        )
        for _ in range(3)
    ]
    yield started
    for server in started:
        server.kill()
        server.communicate()


def test_every_call_is_answered_once_though_one_dies_and_one_stops(
    servers: list[subprocess.Popen[str]],
) -> None:
    urls = [server.stdout.readline().strip() for server in servers if server.stdout]
    answered = 0
    notices: list[Notice] = []

    async def ask(pool: ReplicaPool, limiter: anyio.CapacityLimiter, number: int) -> Completion:
        nonlocal answered
        context = await converse(pool, [("user", f"question {number}")], name=f"{number}")
        async with limiter:
            completion = await pool.generate(context, Sampling(max_tokens=40))
        answered += 1
        if answered == 10:
            servers[0].send_signal(signal.SIGKILL)
            servers[1].send_signal(signal.SIGSTOP)
        return completion

    async def main() -> list[Outcome[Completion]]:
        engines = [HttpEngine(url) for url in urls]
        with anyio.fail_after(300):
            async with ReplicaPool(engines, stall_seconds=3, notify=notices.append) as pool:
                limiter = anyio.CapacityLimiter(30)
                outcomes = await join([partial(ask, pool, limiter, n) for n in range(CALLS)])
                states = [status.state for status in pool.replicas()]
                assert states[2] == "serving"
                assert set(states[:2]) <= {"down", "probing"}
                assert sum(status.in_flight for status in pool.replicas()) == 0
                return outcomes

    outcomes = anyio.run(main)
    texts = [outcome.value.text if outcome.value else outcome.reason for outcome in outcomes]
    assert texts == [f"echo question {number}" for number in range(CALLS)]
    assert answered == CALLS
    reasons = " ".join(notice.reason for notice in notices)
    assert "from replica 0 to" in reasons
    assert "it sent nothing for" in reasons
