"""A sample that was stopped and resumed takes as long as it would have taken in one process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import CallLimiter, Context, Engine, EngineError, FakeEngine, Sampling, Usage
from evals.evaluation.earlier_seconds import earlier_seconds
from evals.evaluation.evaluating import Evaluated, begin_evaluation, resume_evaluation
from evals.evaluation.reading import read_evaluation
from evals.evaluation.settings import EvaluationSettings
from orchestrator import (
    Budget,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodeStarted,
    RunFinished,
    RunStarted,
)
from reasoning import Answer, ChainOfThought, Method, SelfConsistency
from tests.backends import run_virtually
from tests.evals.evaluation.making_samples import (
    ONCE,
    SAMPLING,
    ExactGrader,
    problems,
    task,
    thinks,
)

NODE = "sums/p0/0"

# What counts


def began(time: float, call: int, node: str = NODE) -> Event:
    return GenerationStarted(node=node, call=call, path=node, time=time)


def ended(time: float, call: int, finish: Any = "stop", node: str = NODE, **more: Any) -> Event:
    return GenerationFinished(
        node=node,
        call=call,
        path=node,
        usage=Usage(),
        finish_reason=finish,
        seconds=0,
        time=time,
        **more,
    )


BEGUN: list[Event] = [RunStarted(question="?", model="m"), NodeStarted(node=NODE, time=2)]


@pytest.mark.parametrize(
    ("happened", "seconds"),
    [
        ([], 0),
        ([began(2, 1)], 0),
        ([began(2, 1), ended(9, 1)], 7),
        ([began(2, 1), ended(9, 1), began(10, 2)], 8),
        # Side by side, the lost one takes all of its time again, and the other none.
        ([began(2, 1), began(2, 2), ended(9, 1)], 0),
        # What ran ahead of it is not known to have been waited for.
        ([began(2, 1), began(3, 2), ended(9, 1), began(9, 3)], 1),
        # As an interrupt leaves it, an engine that is gone, and a budget.
        ([began(2, 1), ended(9, 1), began(9, 2), ended(12, 2, "aborted")], 7),
        ([began(2, 1), ended(9, 1), began(9, 2), ended(12, 2, "failed")], 7),
        ([began(2, 1), ended(9, 1), began(9, 2), ended(12, 2, "length", limited_by="tokens")], 7),
        # The method had enough, and went on.
        ([began(2, 1), began(2, 2), ended(9, 1), ended(9, 2, "aborted"), began(9, 3)], 7),
        ([began(2, 1), began(3, 2), ended(4, 2, "failed"), ended(9, 1)], 7),
        ([NodeFinished(node=NODE, status="ok", time=9)], 0),
        ([began(2, 1, "other"), ended(9, 1, node="other")], 0),
    ],
)
def test_of_a_process_that_was_stopped_counts_what_is_not_done_again(
    happened: Sequence[Event], seconds: float
) -> None:
    stopped = [*BEGUN, *happened]
    assert earlier_seconds(stopped).get(NODE, 0) == seconds
    cancelled = RunFinished(status="cancelled", usage=Usage(), time=20)
    assert earlier_seconds([*stopped, cancelled]).get(NODE, 0) == seconds
    # Each process counts for itself.
    assert earlier_seconds([*stopped, cancelled, *stopped]).get(NODE, 0) == 2 * seconds


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_of_a_sample_that_did_not_count_the_time_counts_until_what_broke(status: Any) -> None:
    broken = [began(2, 1), ended(5, 1), began(5, 2), ended(90, 2, "failed")]
    events = [*BEGUN, *broken, NodeFinished(node=NODE, status=status, time=90)]
    assert earlier_seconds(events) == {NODE: 3}
    ended_well = NodeFinished(node=NODE, status="ok", time=92)
    assert earlier_seconds([*events, NodeStarted(node=NODE, time=91), ended_well]) == {NODE: 3}


# What rows say


@dataclass(frozen=True)
class InTurn:
    """Three threads, one after another."""

    async def solve(self, context: Context, engine: Engine) -> Answer:
        chain = ChainOfThought(sampling=SAMPLING)
        for name in "ab":
            await chain.solve(context.fork(name), engine)
        return await chain.solve(context.fork("c"), engine)


METHODS: dict[str, Method] = {
    "one call": ChainOfThought(sampling=SAMPLING),
    "side by side": SelfConsistency(method=ChainOfThought(sampling=SAMPLING)),
    "in turn": InTurn(),
}
LATENCY = 10.0


def settings(method: Method, **options: Any) -> EvaluationSettings:
    return EvaluationSettings(
        name="one",
        system=thinks(method),
        tasks={"sums": task()},
        problems={"sums": problems(1)},
        calls=ONCE,
        limiter=CallLimiter(16),
        k=1,
        **options,
    )


async def begun(folder: Path, asked: EvaluationSettings, engine: Engine) -> Evaluated:
    graders = {"sums": ExactGrader()}
    return await begin_evaluation(asked, engine, graders, base=folder, name="kept")


def seconds_of(done: Evaluated) -> float:
    (row,) = read_evaluation(done.path).samples.values()
    assert row.status == "ok"
    return row.seconds


@pytest.mark.parametrize("stops", [(5.0,), (15.0,), (25.0,), (15.0, 5.0)])
@pytest.mark.parametrize("name", METHODS)
def test_a_sample_that_was_stopped_takes_as_long_as_one_that_was_not(
    tmp_path: Path, name: str, stops: Sequence[float]
) -> None:
    asked = settings(METHODS[name])

    def engine() -> FakeEngine:
        return FakeEngine("\\boxed{0}", latency=LATENCY)

    async def main() -> tuple[float, float]:
        whole = await begun(tmp_path / "whole", asked, engine())
        with anyio.move_on_after(stops[0]):
            await begun(tmp_path / "stopped", asked, engine())
        path, graders = tmp_path / "stopped" / "kept", {"sums": ExactGrader()}
        for stop in stops[1:]:
            with anyio.move_on_after(stop):
                await resume_evaluation(asked, engine(), graders, path=path)
        done = await resume_evaluation(asked, engine(), graders, path=path)
        return seconds_of(whole), seconds_of(done)

    whole, resumed = run_virtually(main)
    assert whole == resumed > 0


def test_a_sample_that_an_engine_or_a_budget_failed_takes_as_long_as_one_that_was_not(
    tmp_path: Path,
) -> None:
    asked = settings(InTurn())

    def failing(context: Context, sampling: Sampling) -> str | EngineError:
        return EngineError("lost") if context.path.endswith("/c") else "\\boxed{0}"

    async def main() -> list[float]:
        graders, taken = {"sums": ExactGrader()}, []
        first = [
            (asked, FakeEngine(failing, latency=LATENCY)),
            (settings(InTurn(), budget=Budget(calls=2)), FakeEngine("\\boxed{0}", latency=LATENCY)),
        ]
        for number, (lost, engine) in enumerate(first):
            done = await begun(tmp_path / str(number), lost, engine)
            assert done.there == 0
            well = FakeEngine("\\boxed{0}", latency=LATENCY)
            taken.append(seconds_of(await resume_evaluation(asked, well, graders, path=done.path)))
        return taken

    assert run_virtually(main) == [3 * LATENCY, 3 * LATENCY]
