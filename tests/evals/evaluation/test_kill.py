"""An evaluation in a process that is killed for good, more than once, and gone on with."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from evals.evaluation.reading import read_evaluation
from tests.orchestrator.processes import FORKJOIN, started, to_end

# Answers by chance, keeps a list of what it was asked, and kills its process at a call.
MINE = """
import hashlib, os, signal
import anyio
from engines import FakeEngine
from evals import Task, Problem
from tests.evals.evaluation.making_samples import ExactGrader

def sums(seed, count):
    return [Problem(id=f"p{n}", problem=f"{n} + 1?", answer=str(n % 3)) for n in range(count)]

SUMS = Task(name="sums", about="sums", grader=ExactGrader, generate=sums)

def engine():
    asked = open("asked", "a", buffering=1)
    kill_at = int(os.environ.get("KILL_AT", 0))
    count = 0
    async def script(context, sampling):
        nonlocal count
        count += 1
        asked.write(context.path + "\\n")
        if count == kill_at:
            os.kill(os.getpid(), int(os.environ["KILL_BY"]))
        await anyio.sleep(0.001)
        luck = hashlib.sha256(repr((context.turns, sampling.seed)).encode()).digest()
        return f"{'well ' * (luck[0] % 5)}\\\\boxed{{{luck[1] % 3}}}"
    # No block is ever full, so that no process has a warm cache.
    return FakeEngine(script, block_size=10**6)
"""
ASKED = ["mine:SUMS", "--engine", "mine:engine", "--method", "self-consistency", "--width", "6"]
ASKED += ["--set", "method.samples=3", "-k", "2", "--limit", "12", "--out", "kept"]
CALLS = 12 * 2 * 3


class Ended(NamedTuple):
    code: int
    errors: str


def run(
    folder: Path, *arguments: str, kill_at: int = 0, by: signal.Signals = signal.SIGKILL
) -> Ended:
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(MINE)
    here = str(Path(__file__).parents[3])
    more = {"KILL_AT": str(kill_at), "KILL_BY": str(int(by)), "PYTHONPATH": here}
    command = [str(FORKJOIN), "eval", *arguments]
    with started(*command, folder=folder, more=more) as process:
        _, errors = to_end(process)
    if not kill_at:
        assert process.returncode == 0, errors
    return Ended(process.returncode, errors)


def told_finished(folder: Path) -> set[str]:
    """The paths of calls that the folder says were finished."""
    lines = (folder / "kept" / "events.jsonl").read_bytes().split(b"\n")[:-1]
    events = [json.loads(line) for line in lines]
    ended = [event for event in events if event["kind"] == "generation-finished"]
    return {event["path"] for event in ended if event["finish_reason"] == "stop"}


def untimed(data: Any) -> Any:
    """Without what differs between two runs of the same: how long things took."""
    if isinstance(data, dict):
        return {name: untimed(value) for name, value in data.items() if name != "seconds"}
    return [untimed(item) for item in data] if isinstance(data, list) else data


def test_an_evaluation_that_is_killed_twice_comes_to_the_same_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run(whole, *ASKED)
    assert run(killed, *ASKED, kill_at=30).code == -signal.SIGKILL
    first = (killed / "asked").read_text().split()
    finished = told_finished(killed)
    rows = len(read_evaluation(killed / "kept").samples)
    assert 0 < rows < 24
    assert 3 * rows <= len(finished) < len(first) == 30

    assert run(killed, "--resume", "kept", kill_at=15).code == -signal.SIGKILL
    second = (killed / "asked").read_text().split()[30:]
    assert finished.isdisjoint(second)
    finished |= told_finished(killed)

    run(killed, "--resume", "kept")
    third = (killed / "asked").read_text().split()[45:]
    assert finished.isdisjoint(third)
    assert len({*first, *second, *third}) == CALLS

    lines = (killed / "kept" / "samples.jsonl").read_bytes().splitlines()
    keys = Counter((row["problem"], row["sample"]) for row in map(json.loads, lines))
    assert len(keys) == 24
    assert set(keys.values()) == {1}
    for name in ("samples", "grades"):
        one, other = (getattr(read_evaluation(f / "kept"), name) for f in (whole, killed))
        rows_of = [[untimed(row.model_dump()) for row in rows.values()] for rows in (one, other)]
        assert rows_of[0] == rows_of[1]
    metrics = [json.loads((f / "kept" / "metrics.json").read_text()) for f in (whole, killed)]
    assert untimed(metrics[0]) == untimed(metrics[1])


def test_a_signal_stops_it_in_order_and_it_says_how_to_go_on(tmp_path: Path) -> None:
    ended = run(tmp_path, *ASKED, kill_at=30, by=signal.SIGTERM)
    assert ended.code == 130
    assert ended.errors.splitlines()[-2:] == [
        "stopping; forkjoin eval --resume kept goes on",
        "forkjoin: cancelled",
    ]
    lines = (tmp_path / "kept" / "events.jsonl").read_text().splitlines()
    end = json.loads(lines[-1])
    assert (end["kind"], end["status"]) == ("run-finished", "cancelled")
    kinds = Counter(json.loads(line)["kind"] for line in lines)
    assert kinds["generation-started"] == kinds["generation-finished"]
