"""A run whose threads raced ends early and is gone on with: it takes the same way and asks nothing twice."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engines import Context, FakeEngine, Sampling
from orchestrator import Agent, RunResult
from reasoning import ChainOfThought
from reasoning.parathinking.parathinker import ParaThinker
from tests.backends import run_virtually

METHOD = ParaThinker(
    threads=3, wait="first", method=ChainOfThought(sampling=Sampling(seed=1)), tuned="no"
)


def agent(engine: FakeEngine, runs: Path) -> Agent:
    return Agent(engine, planner="single", method=METHOD, runs=runs)


def said(context: Context, fastest: int) -> str:
    if context.path.endswith("synthesise"):
        return "so \\boxed{4}"
    number = int(context.path[-1])
    return f"{number}" * (32 if number == fastest else 320)


@pytest.mark.parametrize("dies", ["synthesise", "thread-1"])
def test_a_run_that_died_takes_the_same_way(tmp_path: Path, dies: str) -> None:
    async def main() -> tuple[FakeEngine, FakeEngine, RunResult]:
        scope = anyio.CancelScope()

        async def dying(context: Context, sampling: Sampling) -> str:
            if context.path.endswith(dies):
                scope.cancel()
                await anyio.sleep_forever()
            return said(context, fastest=1)

        first = FakeEngine(dying, seconds_per_token=1)
        with scope:
            await agent(first, tmp_path).run("What is 2 + 2?")
        (run,) = tmp_path.iterdir()
        # Another thread would be the fastest now.
        second = FakeEngine(lambda context, sampling: said(context, 2), seconds_per_token=1)
        return first, second, await agent(second, tmp_path).resume(run)

    first, second, result = run_virtually(main)
    (summary,) = [call for call in second.calls if call.context.path.endswith("synthesise")]
    statuses = [branch.status for branch in result.answer.branches]
    if dies == "synthesise":
        assert statuses == ["cancelled", "ok", "cancelled"]
        assert second.calls == [summary]
        # What the others had said by then is remembered too.
        (before,) = [call for call in first.calls if call.context.path.endswith("synthesise")]
        assert summary.context.token_ids == before.context.token_ids
    else:
        # Nothing was decided yet.
        assert statuses == ["cancelled", "cancelled", "ok"]
    assert result.answer.value == "4"
    assert result.answer.critical_path <= result.answer.usage.generated_tokens
