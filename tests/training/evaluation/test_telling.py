from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from engines import FakeEngine
from tests.backends import run_virtually
from tests.evals.evaluation import making_samples
from training.evaluation.measuring import CHAIN, Asked, measured, thinks
from training.evaluation.part import Options
from training.evaluation.telling import Done


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
    task = replace(
        making_samples.task(), generate=lambda seed, count: making_samples.problems(count)
    )
    options = Options(out=tmp_path, concurrency=1)

    async def work() -> None:
        engine = FakeEngine("\\boxed{0}", latency=20)
        asked = [Asked(task=task, problems=9)]
        await measured(engine, options, thinks(CHAIN), asked, part="sums", name="chain")

    run_virtually(work)
    first, *others = capsys.readouterr().err.splitlines()
    assert first == "sums: trained chain, 1 sample of each problem, 9 in all"
    assert 3 <= len(others) <= 6
    assert all(line.startswith("sums: trained chain: ") for line in others)
    assert " of 9 samples · " in others[0]
