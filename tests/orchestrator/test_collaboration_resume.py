"""A collaboration is one call: the journal keeps who wrote what, and one that was killed is made again as it was."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from engines import (
    STREAMED,
    Chunk,
    Completion,
    Context,
    Delivery,
    Engine,
    FakeEngine,
    RetryPolicy,
    Sampling,
    converse,
)
from engines.fake_workers import ScriptedWorkers
from orchestrator import Agent, CallPolicy
from orchestrator.journal import JournaledEngine, open_journal, read_journal
from reasoning import Answer, Hogwild, thread_data
from tests.backends import run_virtually
from tests.engines.wrapping import TEAM
from tests.orchestrator.processes import started
from tests.reasoning.method_rules import essence

DURABLE = Delivery(durable=True, interval=3)
ASKED = Sampling(seed=5, max_tokens=90, collaboration=TEAM)
ONCE = CallPolicy(retry=RetryPolicy(attempts=1))


def wrote(context: Context, sampling: Sampling) -> ScriptedWorkers:
    """What depends on the seed."""
    assert sampling.seed is not None
    told = f"I say {sampling.seed % 1000}.\n\n"
    return ScriptedWorkers((told, f"No.\n\n{told}So \\boxed{{4}}.\n\n"))


def engine_of_workers(seconds: float = 0) -> FakeEngine:
    return FakeEngine(wrote, seconds_per_token=seconds, chunk_tokens=3)


async def question(engine: Engine) -> Context:
    return await converse(engine, [("user", "2 + 2?"), ("assistant", "")], name="root")


@pytest.mark.parametrize("delivery", [STREAMED, DURABLE], ids=["streamed", "durable"])
def test_a_replayed_collaboration_has_its_passages(tmp_path: Path, delivery: Delivery) -> None:
    async def main() -> None:
        found: list[Completion] = []
        inner = engine_of_workers()
        for _ in range(2):
            async with open_journal(tmp_path / "j") as journal:
                engine = JournaledEngine(inner, journal)
                found.append(await engine.generate(await question(engine), ASKED, delivery))
        first, second = found
        assert len(inner.calls) == 1
        assert len(first.passages) > 3
        assert replace(first, context=second.context) == second
        with read_journal(tmp_path / "j") as reader:
            (call,) = reader.calls()
        assert call.passages == first.passages
        assert call.sampling == ASKED

    anyio.run(main)


def test_the_parts_of_one_that_did_not_end_have_theirs(tmp_path: Path) -> None:
    async def main() -> None:
        received: list[Chunk] = []
        async with open_journal(tmp_path / "j") as journal:
            engine = JournaledEngine(engine_of_workers(), journal)
            async with engine.stream(await question(engine), ASKED, DURABLE) as chunks:
                async for chunk in chunks:
                    received.append(chunk)
                    if sum(len(chunk.passages) for chunk in received) == 3:
                        break
        async with open_journal(tmp_path / "j") as journal:
            engine = JournaledEngine(engine_of_workers(), journal)
            found = await engine.unfinished(await question(engine), ASKED)
        assert list(found) == [replace(one, replayed=True, drafts=()) for one in received]
        with read_journal(tmp_path / "j") as reader:
            (call,) = reader.calls()
        assert len(call.passages) == 3

    anyio.run(main)


class Run:
    """A run of one collaboration."""

    def __init__(self, runs: Path, engine: FakeEngine) -> None:
        self.engine = engine
        self.runs = runs
        method = Hogwild(workers=2, sampling=Sampling(seed=5, max_tokens=60))
        self._agent = Agent(engine, planner="single", method=method, runs=runs, calls=ONCE)

    async def begin(self) -> Answer:
        return self._answer(await self._agent.run("2 + 2?"))

    async def resume(self) -> Answer:
        (folder,) = self.runs.iterdir()
        return self._answer(await self._agent.resume(folder))

    def _answer(self, result: object) -> Answer:
        (outcome,) = result.outcomes.values()  # type: ignore[attr-defined]
        answer: Answer = outcome.value.answer
        return answer


def assert_goes_on_as(expected: Answer, runs: Path) -> None:
    """A run that was killed in the middle of its call."""
    second = Run(runs, engine_of_workers())
    answer = run_virtually(second.resume)
    assert essence(answer) == essence(expected)
    assert thread_data(answer) == thread_data(expected)
    (call,) = second.engine.calls
    assert call.sampling.seed is not None
    third = Run(runs, engine_of_workers())
    again = run_virtually(third.resume)
    assert third.engine.calls == []
    assert essence(again) == essence(expected)
    assert again.usage == expected.usage


@pytest.mark.parametrize("seconds", [0.001, 9.0, 20.0])
def test_one_that_was_cancelled_is_made_again_with_the_same_transcript(
    seconds: float, tmp_path: Path
) -> None:
    expected = run_virtually(Run(tmp_path / "whole", engine_of_workers()).begin)
    assert expected.value == "4"

    async def main() -> None:
        with anyio.move_on_after(seconds) as scope:
            await Run(tmp_path / "killed", engine_of_workers(seconds=1)).begin()
        assert scope.cancelled_caught

    run_virtually(main)
    assert_goes_on_as(expected, tmp_path / "killed")


# In real time, in a process that tells of each part and, so that it is always killed in the middle, never ends.
_COLLABORATION = """
import sys, threading, anyio
from pathlib import Path
from orchestrator import WorkerText
from tests.orchestrator.test_collaboration_resume import Run, engine_of_workers

told = []

def tell(event):
    if isinstance(event, WorkerText):
        print(event.worker, flush=True)
        told.append(event.worker)
        if len(told) == 8:
            threading.Event().wait()

async def main():
    run = Run(Path(sys.argv[1]), engine_of_workers(seconds=0.02))
    await run._agent.run("2 + 2?", subscribers=[tell], live=True)

anyio.run(main)
"""


def test_one_whose_process_is_killed_is_made_again_with_the_same_transcript(
    tmp_path: Path,
) -> None:
    expected = run_virtually(Run(tmp_path / "whole", engine_of_workers()).begin)
    with started(sys.executable, "-c", _COLLABORATION, str(tmp_path / "killed")) as process:
        assert process.stdout is not None
        told = {process.stdout.readline().strip() for _ in range(4)}
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert told == {"Alice", "Bob"}
    assert_goes_on_as(expected, tmp_path / "killed")
