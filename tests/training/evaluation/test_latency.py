from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engines import Context, FakeEngine, Sampling
from evals import Trial
from reasoning import ChainOfThought, Method, SelfConsistency
from tests.backends import run_virtually
from tests.evals.evaluation.making_samples import problems, task
from training.evaluation.kept import Kept
from training.evaluation.latency import alone, measure
from training.evaluation.part import Options, Table

LONG = ChainOfThought(instruction="long")
SHORT = replace(LONG, instruction="short")


def reply(context: Context, sampling: Sampling) -> str:
    assert context.parent is not None
    return "x" * (400 if "long" in str(context.parent.segment) + str(context.segment) else 100)


def timed(engine: FakeEngine, folder: Path, methods: Mapping[str, Method], count: int = 3) -> Table:
    kept = Kept(folder / "latency.jsonl", dict[str, Trial])
    return run_virtually(lambda: alone(engine, "Sums", task(), problems(count), methods, kept))


def test_questions_are_asked_one_at_a_time_and_compared_by_problem(tmp_path: Path) -> None:
    engine = FakeEngine(reply, seconds_per_token=0.01)
    table = timed(engine, tmp_path, {"long": LONG, "short": SHORT})
    assert len(engine.calls) == 2 * 3
    assert [(row[0], row[1]) for row in table.rows] == [("long", "3"), ("short", "3")]
    longer, shorter = (table.data["systems"][name] for name in ("long", "short"))
    assert longer["faster"] is None
    assert shorter["faster"]["value"] == pytest.approx(4, rel=0.2)
    assert (longer["critical_path"]["value"], shorter["critical_path"]["value"]) == (400, 100)


def test_what_was_timed_before_is_not_asked_again(tmp_path: Path) -> None:
    engine = FakeEngine(reply, seconds_per_token=0.01)
    methods = {"long": LONG, "short": SHORT}
    timed(engine, tmp_path, methods, count=2)
    table = timed(engine, tmp_path, methods)
    assert len(engine.calls) == 2 * 3
    assert table == timed(FakeEngine(), tmp_path, methods)
    # Other methods are asked for themselves.
    timed(engine, tmp_path, {"long": LONG})
    assert len(engine.calls) == 2 * 3 + 3


@pytest.mark.anyio
async def test_what_warms_up_is_a_question_that_is_not_timed(options: Options) -> None:
    engine = FakeEngine("\\boxed{1}")
    (table,) = await measure(engine, replace(options, problems=2))
    assert table.data["problems"] == 2
    names = [call.context.path.split("/")[0] for call in engine.calls]
    assert len(set(names)) == 3
    first = names[0]
    assert set(names[: names.count(first)]) == {first}


def test_threads_of_a_question_run_side_by_side(tmp_path: Path) -> None:
    engine = FakeEngine("\\boxed{1}", latency=1)
    vote = SelfConsistency(samples=4, method=SHORT)
    table = timed(engine, tmp_path, {"vote": vote})
    assert table.data["systems"]["vote"]["seconds"]["value"] == pytest.approx(1, abs=0.5)
