from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from engines import CallLimiter, FakeEngine
from tests.backends import run_virtually
from tests.evals.evaluation import making_samples
from training.evaluation.measuring import CHAIN, Asked, measured, thinks
from training.evaluation.part import Options, Table
from training.evaluation.side_by_side import side_by_side
from training.evaluation.telling import Done

SUMS = replace(making_samples.task(), generate=lambda seed, count: making_samples.problems(count))


def test_it_is_told_every_half_minute_how_many_are_done(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        done = Done("sums", 10, "puzzles")
        for _ in range(10):
            await anyio.sleep(11)
            done.add()

    run_virtually(work)
    assert capsys.readouterr().err.splitlines() == [
        f"sums: {number} of 10 puzzles" for number in (3, 6, 9)
    ]


def test_an_evaluation_tells_now_and_then_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Options(out=tmp_path, limiter=CallLimiter(1))

    async def work() -> None:
        engine = FakeEngine("\\boxed{0}", latency=20)
        asked = [Asked(task=SUMS, problems=9)]
        await measured(engine, options, thinks(CHAIN), asked, part="sums", name="chain")

    run_virtually(work)
    first, *others = capsys.readouterr().err.splitlines()
    assert first == "sums: trained chain, 1 sample of each problem, 9 in all"
    assert 3 <= len(others) <= 6
    assert all(line.startswith("sums: ") for line in others)
    assert " of 9 samples · " in others[0]


def test_systems_of_a_table_are_measured_at_the_same_time_and_told_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Options(out=tmp_path, limiter=CallLimiter(3))
    systems = {name: thinks(CHAIN) for name in ("one", "two", "three")}

    async def work() -> tuple[Table, float]:
        engine = FakeEngine("\\boxed{0}", latency=20)
        asked = Asked(task=SUMS, problems=9)
        table = await side_by_side(engine, options, systems, asked, part="sums", title="Sums")
        return table, anyio.current_time()

    table, seconds = run_virtually(work)
    assert [row[0] for row in table.rows] == [f"trained {name}" for name in systems]
    assert 9 * 20 <= seconds < 2 * 9 * 20
    lines = capsys.readouterr().err.splitlines()
    assert {line for line in lines if line.endswith("in all")} == {
        f"sums: trained {name}, 1 sample of each problem, 9 in all" for name in systems
    }
    others = lines[3:]
    assert 3 <= len(others) <= 6
    assert all(line.startswith("sums: ") and " of 27 samples · " in line for line in others)
    assert " % right so far · " in others[-1]
