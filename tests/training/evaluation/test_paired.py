from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engines import FakeEngine
from evals import Evaluation, read_evaluation
from tests.evals.evaluation.making_evaluations import evaluation, write
from training.evaluation.paired import measure, paired_table
from training.evaluation.part import PLAIN, Options


def kept(name: str, rights: int, tokens: int, base: Path) -> Evaluation:
    answers = {f"p{n}": ["1" if n < rights else "2"] for n in range(20)}
    made = evaluation({"sums": answers, "words": answers}, name=name, k=1, tokens=tokens)
    return read_evaluation(Path(write(made, base)))


def test_two_models_are_compared_problem_by_problem_and_reported(tmp_path: Path) -> None:
    plain, trained = kept("plain", 2, 40, tmp_path), kept("trained", 18, 20, tmp_path)
    table = paired_table(plain, trained, tmp_path)
    assert [row[0] for row in table.rows] == ["sums", "words", "pooled"]
    row = dict(zip(table.headers, table.rows[0], strict=True))
    assert (row["n"], row["k"], row["wins-losses"], row["p"]) == ("20", "1", "16-0", "p < 0.001")
    assert row["difference"].startswith("+80.0 (")
    assert row["tokens"] == "40, 20"
    assert table.data["pooled"]["average"]["difference"]["value"] == 0.8
    page = (tmp_path / "report.html").read_text()
    assert "the system plain" in page
    assert "the system trained" in page
    assert "+80.0" in page


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_both_models_are_compared_once_both_are_measured(options: Options) -> None:
    options = replace(options, problems=1)
    assert await measure(FakeEngine("\\boxed{x}"), replace(options, model=PLAIN)) == []
    (table,) = await measure(FakeEngine("So be it."), options)
    assert len(table.rows) == 5 + 1
    assert (options.out / "paired" / "report.html").is_file()
