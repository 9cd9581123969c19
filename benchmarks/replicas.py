"""A pool of replicas: what it costs to lose two of three in mid-run, and how routing does.

python -m benchmarks.replicas [--calls 2000] [--width 96] [--repeats 5] [--seeds 9]

Faults: three servers, each a process of its own (`replica_server`), and calls that fork some long prompts. In every
other run the first server is killed after a quarter of the answers, and the second is stopped (SIGSTOP) after half.

Routing: a model (`routing_model`), in which nothing but the way to route differs.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from benchmarks.report import machine, table
from benchmarks.routing_model import (
    AffineWithLoad,
    Figures,
    PrefixHash,
    RoundRobin,
    Routing,
    Workload,
    simulate,
)
from engines import Context, ForkjoinError, HttpEngine, Notice, Sampling, Segment
from engines.replicas import ReplicaPool

ROOT = Path(__file__).parents[1]
PROMPTS = 12
PROMPT_TOKENS = 1_600
STALL_SECONDS = 1.0

WORKLOADS = {
    "20 prompts of 6k, one branch at a time": Workload(
        problems=20, prompt_tokens=6_000, rounds=40, forks=1
    ),
    "12 prompts of 10k, two branches at a time": Workload(
        problems=12, prompt_tokens=10_000, rounds=40, forks=2
    ),
    "the same, 2 of them hot: 16 branches": Workload(
        problems=12, prompt_tokens=10_000, rounds=40, forks=1, hot=2, hot_forks=16
    ),
}
REPLICAS = 4
KV_TOKENS = 38_000
WAYS: dict[str, Callable[[int], Routing]] = {
    "round robin": RoundRobin,
    "prefix hash": PrefixHash,
    "affine with load": AffineWithLoad,
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What became of a run of calls."""

    seconds: float
    slowest: float
    answers: Counter[int]
    wrong: int
    failed: int
    moved: int
    cached_share: float


@contextmanager
def three_servers() -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "benchmarks.replica_server"]
    servers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)
    ]
    try:
        yield servers
    finally:
        for server in servers:
            server.kill()
            server.communicate()


async def run(servers: list[subprocess.Popen[str]], calls: int, width: int, faults: bool) -> Run:
    urls = [server.stdout.readline().strip() for server in servers if server.stdout]
    answers: Counter[int] = Counter()
    notices: list[Notice] = []
    wrong = failed = 0
    times: list[float] = []
    left = iter(range(calls))
    prompts = [
        Context(Segment("user", f"{p}", tuple(range(p, p + PROMPT_TOKENS))), name=f"{p}")
        for p in range(PROMPTS)
    ]

    async def work() -> None:
        nonlocal wrong, failed
        for number in left:
            branch = Segment("user", "", (100_000 + number,))
            context = prompts[number % PROMPTS].fork(f"{number}", branch)
            begun = time.perf_counter()
            try:
                completion = await pool.generate(context, Sampling(max_tokens=50))
            except ForkjoinError as error:
                failed += 1
                print(f"call {number}: {error}")
                continue
            times.append(time.perf_counter() - begun)
            answers[number] += 1
            wrong += set(completion.token_ids) != {100_000 + number}
            if faults and answers.total() == calls // 4:
                servers[0].send_signal(signal.SIGKILL)
            if faults and answers.total() == calls // 2:
                servers[1].send_signal(signal.SIGSTOP)

    engines = [HttpEngine(url) for url in urls]
    async with ReplicaPool(engines, stall_seconds=STALL_SECONDS, notify=notices.append) as pool:
        start = time.perf_counter()
        async with anyio.create_task_group() as group:
            for _ in range(width):
                group.start_soon(work)
        seconds = time.perf_counter() - start
        replicas = pool.replicas()
    cached = sum(r.cached_tokens for r in replicas) / sum(r.prompt_tokens for r in replicas)
    return Run(
        seconds=seconds,
        slowest=max(times),
        answers=answers,
        wrong=wrong,
        failed=failed,
        moved=len(notices),
        cached_share=cached,
    )


def compare_faults(calls: int, width: int, repeats: int) -> None:
    runs: dict[str, list[Run]] = {"undisturbed": [], "one killed, one stopped": []}
    for repeat in range(repeats):
        for name in list(runs)[:: 1 if repeat % 2 else -1]:
            with three_servers() as servers:
                faults = name != "undisturbed"
                runs[name].append(anyio.run(run, servers, calls, width, faults))
    rows = []
    for name, some in runs.items():
        rows.append(
            [
                name,
                f"{statistics.median(r.seconds for r in some):.2f}",
                f"{statistics.median(r.slowest for r in some):.2f}",
                " ".join(sorted({str(len(r.answers)) for r in some})),
                str(sum(max(r.answers.values()) > 1 for r in some)),
                str(sum(r.wrong + r.failed for r in some)),
                f"{statistics.median(r.moved for r in some):.0f}",
                f"{statistics.median(r.cached_share for r in some):.2f}",
            ]
        )
    print(f"\n{calls} calls, {width} at a time, to 3 servers; medians of {repeats} runs")
    headers = ["", "seconds", "slowest call", "answered", "twice", "wrong or failed", "moved"]
    print(table([*headers, "cached"], rows))


def compare_routing(seeds: int) -> None:
    print(
        f"\n{REPLICAS} replicas with room for {KV_TOKENS:,} tokens each, in a model; medians of {seeds} workloads"
    )
    for title, workload in WORKLOADS.items():
        rows = []
        for name, way in WAYS.items():
            figures: list[Figures] = [
                simulate(workload, way(REPLICAS), replicas=REPLICAS, kv_tokens=KV_TOKENS, seed=seed)
                for seed in range(seeds)
            ]
            rows.append(
                [
                    name,
                    f"{statistics.median(f.hit_rate for f in figures):.1%}",
                    f"{min(f.hit_rate for f in figures):.1%}",
                    f"{statistics.median(f.imbalance for f in figures):.2f}",
                    f"{statistics.median(f.seconds for f in figures):.1f}",
                ]
            )
        headers = [title, "hits", "worst", "busiest / mean", "seconds"]
        print("\n" + table(headers, rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=9)
    options = parser.parse_args()
    print(machine())
    compare_faults(options.calls, options.width, options.repeats)
    compare_routing(options.seeds)


if __name__ == "__main__":
    main()
