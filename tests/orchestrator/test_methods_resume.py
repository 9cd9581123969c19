"""Every method goes on where its run was killed: no finished call is made again, and the answer is the same."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engines import RetryPolicy
from orchestrator import Agent, CallPolicy, Event, GenerationFinished, RunResult
from reasoning import Answer
from tests.backends import run_virtually
from tests.reasoning import method_rules
from tests.reasoning.method_rules import (
    Build,
    essence,
    every_method,
    goes_by_time,
    moody_engine,
    seeded,
)

QUESTION = "Tom has 3 pens. Ann has 4 pens. How many have both?"
ONCE = CallPolicy(retry=RetryPolicy(attempts=1))

compares_at_sight = pytest.fixture(autouse=True, scope="module")(method_rules.comparing_at_sight)


class Run:
    """A run of one method, with the calls that it made of its engine and those that came to their end."""

    def __init__(self, build: Build, seed: int, mood: int, runs: Path) -> None:
        self.finished: set[str] = set()
        self.seconds = 0.0
        self._engine = moody_engine(mood)
        self._runs = runs
        self._agent = Agent(
            self._engine,
            planner="single",
            method=build(seeded(seed)),
            sampling=seeded(seed),
            runs=runs,
            calls=ONCE,
        )

    @property
    def asked(self) -> list[str]:
        return [call.context.path for call in self._engine.calls]

    def whole(self) -> Answer:
        return run_virtually(self._begin)

    def killed_after(self, seconds: float) -> None:
        async def main() -> None:
            with anyio.move_on_after(seconds):
                await self._begin()

        run_virtually(main)

    def resumed(self) -> Answer:
        (folder,) = self._runs.iterdir()
        return _answer(run_virtually(lambda: self._agent.resume(folder)))

    async def _begin(self) -> Answer:
        result = await self._agent.run(QUESTION, subscribers=[self._note])
        self.seconds = anyio.current_time()
        return _answer(result)

    def _note(self, event: Event) -> None:
        if isinstance(event, GenerationFinished) and event.finish_reason in ("stop", "length"):
            self.finished.add(event.path)


def _answer(result: RunResult) -> Answer:
    (outcome,) = result.outcomes.values()
    assert outcome.value is not None
    return outcome.value.answer


@pytest.mark.parametrize("build", every_method().values(), ids=every_method())
def test_a_killed_run_repeats_no_finished_call_and_ends_as_one_that_was_not(
    build: Build, tmp_path: Path
) -> None:
    for seed, share in ((1, 0.2), (2, 0.7)):
        undisturbed = Run(build, seed, 1, tmp_path / f"{seed}-whole")
        expected = essence(undisturbed.whole())
        runs = tmp_path / f"{seed}-killed"
        first = Run(build, seed, 1, runs)
        first.killed_after(undisturbed.seconds * share)
        # What is left takes another time, so that it ends in another order.
        second = Run(build, seed, 2, runs)
        answer = essence(second.resumed())
        assert answer == expected or goes_by_time(build(seeded(seed)))
        assert second.asked
        assert not first.finished & set(second.asked)
        third = Run(build, seed, 3, runs)
        assert essence(third.resumed()) == answer
        assert third.asked == []
