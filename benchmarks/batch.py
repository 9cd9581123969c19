"""Rows a second and memory of `forkjoin batch`, by the number of rows, on a fake engine that answers at once.

python -m benchmarks.batch [--rows 1000 10000 100000] [--repeats 3]

Each batch is a process of its own: half of its rows are in the batch format of OpenAI, half are plain, with prompts of
some 200 characters and answers of 60. The rate is that of the whole command without the start of Python: reading,
answering, the work file, and writing the output. Memory is the peak of the process. The engine forgets its calls.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.report import load, machine, table
from engines import Context, FakeCall, FakeEngine, Sampling
from orchestrator.command_line import main as forkjoin

SIZES = (1_000, 10_000, 100_000)
PROMPT = "How many apples are there in a basket of that size? " * 4


class Forgetful(list[FakeCall]):
    """Remembers nothing."""

    def append(self, item: FakeCall) -> None:
        """Does not."""


def engine() -> FakeEngine:
    """An engine that answers at once, and whose memory does not grow."""

    def reply(context: Context, sampling: Sampling) -> str:
        return f"There are as many as it says, {sampling.seed}, so \\boxed{{{(sampling.seed or 0) % 97}}}."

    # No block is as long, so that none is remembered.
    made = FakeEngine(reply, block_size=1_000_000)
    made.calls = Forgetful()
    return made


def row(number: int) -> dict[str, object]:
    if number % 2:
        return {"id": number, "prompt": f"{number}. {PROMPT}", "max_tokens": 100}
    messages = [{"role": "user", "content": f"{number}. {PROMPT}"}]
    body = {"model": "fake", "messages": messages, "max_tokens": 100, "temperature": 0.5}
    url = "/v1/chat/completions"
    return {"custom_id": f"row-{number}", "method": "POST", "url": url, "body": body}


class Measured(NamedTuple):
    seconds: float
    cpu: float
    peak_megabytes: float


def measure(path: Path, output: Path) -> Measured:
    """Runs the batch in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.batch", "--one", str(path), str(output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        seconds = float(process.stdout.read().splitlines()[-1])
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return Measured(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def one(path: str, output: str) -> None:
    """The batch itself."""
    # A width that is found by measuring grows with time, and what runs at once takes memory.
    options = ["--engine", "benchmarks.batch:engine", "--width", "64", "--seed", "1", "--again"]
    start = time.perf_counter()
    assert forkjoin(["batch", path, "-o", output, *options]) == 0
    sys.stdout.write(f"{time.perf_counter() - start}\n")


def compare(sizes: Sequence[int], repeats: int, folder: Path) -> list[list[str]]:
    rows = []
    for size in sizes:
        path, output = folder / f"{size}.jsonl", folder / f"{size}.out.jsonl"
        with path.open("w") as file:
            file.writelines(json.dumps(row(number)) + "\n" for number in range(size))
        found = [measure(path, output) for _ in range(repeats)]
        assert output.read_bytes().count(b"\n") == size
        seconds = statistics.median(one.seconds for one in found)
        peak = statistics.median(one.peak_megabytes for one in found)
        cpu = statistics.median(one.cpu for one in found)
        rows.append(
            [f"{size:,}", f"{seconds:.2f}", f"{size / seconds:,.0f}", f"{cpu:.2f}", f"{peak:.0f}"]
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("IN", "OUT"))
    arguments = parser.parse_args()
    if arguments.one:
        one(*arguments.one)
        return
    print(machine())
    with TemporaryDirectory() as folder:
        rows = compare(arguments.rows, arguments.repeats, Path(folder))
    print(table(("rows", "s", "rows/s", "CPU s", "peak MB"), rows))
    print(f"load at the end {load()}")


if __name__ == "__main__":
    main()
