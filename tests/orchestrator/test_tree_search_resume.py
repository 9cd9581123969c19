"""A tree search that is killed goes on where it was: no expansion is made again, and late steps stay late."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import Context, EngineError, FakeEngine, Sampling
from reasoning import thread_data
from reasoning.scoring.check import Check
from reasoning.searching.stepping import ModelSteps
from reasoning.searching.tree_search import TreeSearch
from tests.backends import run_virtually
from tests.orchestrator.killed_run import KilledRun, luck
from tests.orchestrator.processes import started
from tests.reasoning.method_rules import essence
from tests.reasoning.searches import reward_told, same

MODES: dict[str, dict[str, Any]] = {
    "barriers": {},
    "half": {"fraction": 0.5},
    "deadline": {"fraction": 0.75, "deadline": 60.0},
    # So short that the search ends while steps run.
    "impatient": {"fraction": 0.5, "deadline": 9.0},
}


def said(context: Context, sampling: Sampling) -> str:
    """A step that depends on all that was said before, and on the seed."""
    digest = luck(context.turns, sampling.seed)
    end = f"\\boxed{{{digest[1] % 3}}}" if digest[2] < 50 else "on\n\n"
    return f"[{digest[0] / 256}] {'x' * (digest[3] % 40)} {end}"


def engine_in(mood: int, unit: float = 1.0, failing: bool = False) -> FakeEngine:
    """Takes another time for each step in each mood; one step in 10 takes 10 times as long."""

    async def script(context: Context, sampling: Sampling) -> str | EngineError:
        digest = luck(mood, context.path)
        await anyio.sleep(unit * (1 + digest[0] % 5) * (10 if digest[1] < 25 else 1))
        return EngineError("lost") if failing and digest[2] < 25 else said(context, sampling)

    return FakeEngine(script, chunk_tokens=7, seconds_per_token=unit / 20)


def search(**options: Any) -> TreeSearch:
    """Small, with votes that are equal at sight."""
    plain = {
        "width": 6,
        "max_depth": 8,
        "scorer": Check(check=reward_told),
        "stepper": ModelSteps(sampling=Sampling(seed=5)),
        "equality": same,
    }
    return TreeSearch(**{**plain, **options})


def run_of(runs: Path, engine: FakeEngine, **options: Any) -> KilledRun:
    """A run of one search."""
    return KilledRun(runs, engine, search(**options))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("share", [0.1, 0.4, 0.8, 1.0])
def test_a_killed_search_expands_nothing_twice_and_goes_the_same_way(
    mode: str, share: float, tmp_path: Path
) -> None:
    whole = run_of(tmp_path / "whole", engine_in(1), **MODES[mode])
    expected = essence(run_virtually(whole.begin))
    first = run_of(tmp_path / "killed", engine_in(1), **MODES[mode])
    first.killed_after(whole.seconds * share + 0.001)
    # Others are slow now, so that what was not decided is decided otherwise.
    second = run_of(tmp_path / "killed", engine_in(2), **MODES[mode])
    answer = run_virtually(second.resume)
    assert not first.finished & second.asked
    if mode == "barriers" or share == 1:
        assert essence(answer) == expected
    if share == 1:
        assert second.asked == set()
    third = run_of(tmp_path / "killed", engine_in(3), **MODES[mode])
    again = run_virtually(third.resume)
    assert third.asked == set()
    assert essence(again) == essence(answer)
    # What was cut, and how far it had come, are told as they were.
    assert thread_data(again) == thread_data(answer)
    assert again.usage == answer.usage


def test_steps_that_failed_are_tried_again_when_the_run_had_ended(tmp_path: Path) -> None:
    first = run_of(tmp_path, engine_in(1, failing=True))
    lost = run_virtually(first.begin)
    assert "steps were lost" in lost.remark
    second = run_of(tmp_path, engine_in(1))
    answer = run_virtually(second.resume)
    assert second.asked
    assert not first.finished & second.asked
    assert "lost" not in answer.remark


# A search in real time, in a process that tells of each call that came to its end and, so that it is always killed in
# the middle, never ends: after so many of them it stands still.
_SEARCH = """
import sys, threading, anyio
from pathlib import Path
from tests.orchestrator.killed_run import KilledRun
from tests.orchestrator.test_tree_search_resume import MODES, engine_in, search

class Telling(KilledRun):
    def _note(self, event):
        before = set(self.finished)
        super()._note(event)
        for path in self.finished - before:
            print(path, flush=True)
        if len(self.finished) >= int(sys.argv[3]):
            threading.Event().wait()

anyio.run(Telling(Path(sys.argv[1]), engine_in(1, 0.01), search(**MODES[sys.argv[2]])).begin)
"""


@pytest.mark.parametrize("mode", ["barriers", "half"])
@pytest.mark.parametrize("calls", [3, 14])
def test_a_search_whose_process_is_killed_expands_nothing_twice(
    mode: str, calls: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _SEARCH, str(tmp_path), mode, str(calls + 3)]
    with started(*command, stderr=None) as process:
        assert process.stdout is not None
        finished = {process.stdout.readline().strip() for _ in range(calls)}
        process.kill()
        finished |= set(process.stdout.read().split())
    assert len(finished) >= calls
    second = run_of(tmp_path, engine_in(2), **MODES[mode])
    answer = run_virtually(second.resume)
    assert second.asked
    assert not finished & second.asked
    third = run_of(tmp_path, engine_in(3), **MODES[mode])
    assert essence(run_virtually(third.resume)) == essence(answer)
    assert third.asked == set()
