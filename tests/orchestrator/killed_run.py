"""A run of one method that can be killed and resumed, with what was asked of its engine and what came to its end."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import anyio

from engines import FakeEngine, RetryPolicy
from orchestrator import Agent, CallPolicy, Event, GenerationFinished
from reasoning import Answer, Method
from tests.backends import run_virtually


def luck(*what: object) -> bytes:
    """32 bytes that depend on all of this and look like chance."""
    return hashlib.sha256(repr(what).encode()).digest()


class KilledRun:
    """A run, in virtual time.

    Attributes:
        engine: What it asks.
        finished: The paths of the calls that came to their end.
        seconds: How long the undisturbed run took.
    """

    def __init__(self, runs: Path, engine: FakeEngine, method: Method) -> None:
        self.engine = engine
        self.finished: set[str] = set()
        self.seconds = 0.0
        self._runs = runs
        once = CallPolicy(retry=RetryPolicy(attempts=1))
        self._agent = Agent(self.engine, planner="single", method=method, runs=runs, calls=once)

    @property
    def asked(self) -> set[str]:
        return {call.context.path for call in self.engine.calls}

    async def begin(self) -> Answer:
        result = await self._agent.run("Why?", subscribers=[self._note])
        self.seconds = anyio.current_time()
        return self._answer(result)

    async def resume(self) -> Answer:
        (folder,) = self._runs.iterdir()
        return self._answer(await self._agent.resume(folder))

    def killed_after(self, seconds: float) -> None:
        async def main() -> None:
            with anyio.move_on_after(seconds):
                await self.begin()

        run_virtually(main)

    def _note(self, event: Event) -> None:
        if isinstance(event, GenerationFinished) and event.finish_reason in ("stop", "length"):
            self.finished.add(event.path)

    def _answer(self, result: Any) -> Answer:
        (outcome,) = result.outcomes.values()
        assert outcome.value is not None
        answer: Answer = outcome.value.answer
        return answer
