from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from engines import Context, FakeEngine, Sampling
from reasoning import ChainOfThought, Method, SelfConsistency
from tests.backends import run_virtually
from tests.evals.evaluation.making_samples import problems, task
from training.evaluation.latency import alone
from training.evaluation.part import Table

LONG = ChainOfThought(instruction="long")
SHORT = replace(LONG, instruction="short")


def reply(context: Context, sampling: Sampling) -> str:
    assert context.parent is not None
    return "x" * (400 if "long" in str(context.parent.segment) + str(context.segment) else 100)


def timed(engine: FakeEngine, methods: Mapping[str, Method]) -> Table:
    return run_virtually(lambda: alone(engine, "Sums", task(), problems(3), methods))


def test_questions_are_asked_one_at_a_time_and_compared_by_problem() -> None:
    engine = FakeEngine(reply, seconds_per_token=0.01)
    table = timed(engine, {"long": LONG, "short": SHORT})
    # One more of each warms up.
    assert len(engine.calls) == 2 * (3 + 1)
    assert [(row[0], row[1]) for row in table.rows] == [("long", "3"), ("short", "3")]
    longer, shorter = (table.data["systems"][name] for name in ("long", "short"))
    assert longer["faster"] is None
    assert shorter["faster"]["value"] == pytest.approx(4, rel=0.2)
    assert (longer["critical_path"]["value"], shorter["critical_path"]["value"]) == (400, 100)


def test_threads_of_a_question_run_side_by_side() -> None:
    engine = FakeEngine("\\boxed{1}", latency=1)
    vote = SelfConsistency(samples=4, method=SHORT)
    table = timed(engine, {"vote": vote})
    assert table.data["systems"]["vote"]["seconds"]["value"] == pytest.approx(1, abs=0.5)
