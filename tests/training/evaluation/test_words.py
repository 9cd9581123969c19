from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engines import Context, FakeEngine, Grammar, Sampling, UsageError
from training.evaluation.part import PLAIN, Options
from training.evaluation.words import measure

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

ROWS = '{"id": "gsm8k-test-0000", "problem": "Two and three?", "answer": "5"}\n'
PLAN = "1. add(2, 3)\n2. join()\n"
FINISH = '{"thought": "2 and 3 are 5.", "action": "finish", "answer": "5"}'


def student(context: Context, sampling: Sampling) -> str:
    """Thinks, plans or finishes, as it is held to."""
    if sampling.constraint is None:
        return "2+3=5\n\n\\boxed{5}"
    return PLAN if isinstance(sampling.constraint, Grammar) else FINISH


@pytest.fixture
def two(options: Options, tmp_path: Path) -> Options:
    (tmp_path / "gsm8k_test.jsonl").write_text(ROWS)
    return replace(options, problems=2, data=tmp_path)


async def test_both_systems_are_measured_on_both_tasks_and_models(two: Options) -> None:
    await measure(FakeEngine("I do not know."), replace(two, model=PLAIN))
    held_out, real = await measure(FakeEngine(student), two)
    systems = ["plain chain", "plain agent with tools", "trained chain", "trained agent with tools"]
    assert [row[0] for row in held_out.rows] == systems
    assert [row[0] for row in real.rows] == systems
    rights = [system["right"]["value"] for system in real.data["systems"]]
    assert rights == [0, 0, 1, 1]
    assert [system["problems"] for system in held_out.data["systems"]] == [2] * 4
    assert held_out.data["systems"][2]["fewer"] is None


async def test_without_the_data_it_says_what_is_needed(options: Options) -> None:
    with pytest.raises(UsageError, match=r"gsm8k_test\.jsonl is needed"):
        await measure(FakeEngine(student), replace(options, problems=1))
