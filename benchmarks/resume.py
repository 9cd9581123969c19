"""Runs that are killed (SIGKILL) at a random moment and resumed, against a run that nobody disturbs.

python -m benchmarks.resume [KILLS]        50 by default, about two minutes
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import anyio

from engines import Context, FakeEngine, Sampling
from orchestrator import Agent, tool
from planners import LLMCompiler

KILLS = 50
QUESTION = "How many apples are there in all?"
PLAN = """\
1. look_up("crate")
2. think("how many does a crate hold?")
3. look_up("sack")
4. think("how many do ${1} and ${3} hold?")
5. think("check ${2} against ${4}")
join()"""


@tool
async def look_up(word: str) -> str:
    """Looks a word up."""
    await anyio.sleep(0.08)
    return f"a {word} holds {len(word) * 7}"


async def script(context: Context, sampling: Sampling) -> str:
    """The plan, or something that depends on everything before it; each call takes another time."""
    if context.path == "plan":
        return PLAN[len(context.turns[-1].text) :]
    digest = hashlib.sha256(repr((context.turns, sampling.seed)).encode()).hexdigest()
    await anyio.sleep(random.uniform(0.02, 0.15))
    return f"{digest * 8} so \\boxed{{{int(digest[:4], 16) % 3}}}"


async def work(runs: Path, resume: bool) -> None:
    engine = FakeEngine(script, seconds_per_token=0.0005, chunk_tokens=8)
    agent = Agent(
        engine,
        tools=[look_up],
        planner=LLMCompiler(sampling=Sampling(seed=5), max_replans=0),
        method="self-consistency",
        sampling=Sampling(seed=5, max_tokens=2000),
        runs=runs,
    )
    if resume:
        result = await agent.resume(next(runs.iterdir()))
    else:
        result = await agent.run(QUESTION)
    sys.stdout.write(result.answer.text)


def child(runs: Path, resume: bool) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.resume", "--child", str(runs), str(int(resume))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(runs: Path) -> "Counter[str]":
    """How often each call that was not answered by the journal ended well, by path."""
    events: list[dict[str, Any]] = [json.loads(line) for line in lines(runs)]
    calls = (event for event in events if event["kind"] == "generation-finished")
    return Counter(
        call["path"]
        for call in calls
        if call["finish_reason"] in ("stop", "length") and not call["replayed"]
    )


def lines(runs: Path) -> list[str]:
    folder = next(runs.iterdir(), None)
    events = None if folder is None else folder / "events.jsonl"
    if events is None or not events.exists():
        return []
    return [line for line in events.read_text().splitlines() if line.endswith("}")]


def disturbed(base: Path, seconds: float) -> tuple[bytes, int, int]:
    """The answer of a run that is killed once or twice, how many calls were repeated, and the kills."""
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir()
    kills = 0
    answer = b""
    for attempt in range(3):
        process = child(base, resume=attempt > 0 and bool(lines(base)))
        last = attempt == 2
        if not last:
            time.sleep(random.uniform(0, seconds))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
        answer, errors = process.communicate()
        if process.returncode == 0:
            break
        if not lines(base):
            shutil.rmtree(base)
            base.mkdir()
        assert not last, errors.decode()
    repeated = sum(count - 1 for count in finished(base).values())
    return answer, repeated, kills


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        undisturbed, errors = child(Path(folder) / "undisturbed", resume=False).communicate()
        seconds = time.monotonic() - start
        assert undisturbed, errors.decode()
        runs = kills = repeated = others = 0
        while kills < wanted:
            answer, again, killed = disturbed(Path(folder) / "disturbed", seconds)
            runs, kills, repeated = runs + 1, kills + killed, repeated + again
            others += answer != undisturbed
    print(f"{runs} runs of {seconds:.1f} s with {kills} kills: {repeated} finished calls repeated,")
    print(f"{others} answers other than that of the undisturbed run")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        anyio.run(work, Path(sys.argv[2]), sys.argv[3] == "1")
    else:
        main()
