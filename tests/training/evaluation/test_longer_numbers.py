from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from engines import Choice, Context, FakeEngine, JsonSchema, Sampling
from training.evaluation.longer_numbers import contenders, measure
from training.evaluation.part import Options, Table
from training.skills.paths.summary import summary_of
from training.skills.products import CHAIN, THREADS, chained, forked
from training.skills.products.exercise import Exercise
from training.skills.products.expression import Expression, Term

pytestmark = [
    pytest.mark.anyio,
    # Each of the many evaluations has its journal; how these run on every loop is shown elsewhere.
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]

BOX = re.compile(r"\\boxed\{(\d+)\}")


class Student:
    """Forks without a mistake; of its chains, the second sample of each problem is wrong."""

    def __call__(self, context: Context, sampling: Sampling) -> str:
        """Says what belongs to the call."""
        asked = "".join(node.segment.text for node in context.lineage)
        found = re.search(r"What is (\d+) \* (\d+)\?", asked)
        assert found
        if isinstance(sampling.constraint, JsonSchema):
            step = {"id": 1, "task": found[0], "needs": []}
            return json.dumps({"conditions": found[0], "steps": [step]})
        if isinstance(sampling.constraint, Choice):
            return sampling.constraint.options[0]
        expression = Expression((Term((int(found[1]), int(found[2]))),))
        exercise = Exercise((expression,))
        if "synthesise" in context.path:
            return summary_of(expression, [int(box) for box in BOX.findall(asked)])
        if THREADS.instruction in asked:
            return str(forked(exercise, "", THREADS).reply(context, sampling))
        text = str(chained(exercise, "", CHAIN).reply(context, sampling))
        wrong = re.search(r"/1(/|$)", context.path) and "thread" not in context.path
        return BOX.sub(r"\\boxed{7}", text) if wrong else text


def cells(table: Table, digits: str, system: str) -> list[dict[str, Any]]:
    found = [
        one for one in table.data["cells"] if (one["digits"], one["system"]) == (digits, system)
    ]
    return [cell for one in found for cell in one["cells"]]


async def test_all_systems_are_told_on_equal_terms(options: Options) -> None:
    own, paths, totals = await measure(
        FakeEngine(Student()), replace(options, problems=2, samples=3)
    )
    names = list(contenders(0))
    assert [row[0] for row in own.rows] == [f"trained {name}" for name in names]
    levels = list(totals.data["chain"])
    assert levels == ["5x4", "5x5"]
    assert [row[0] for row in totals.rows] == [f"{one} {name}" for one in levels for name in names]
    for level in levels:
        half, most, whole, more, unlimited = (
            cell["right"]["value"] for cell in cells(paths, level, "chain")[:5]
        )
        # Chains are equally long, and one of three is wrong.
        assert (half, most) == (0, 0)
        assert whole == more == unlimited == pytest.approx(2 / 3)
        voted = cells(paths, level, "chain")[5:]
        assert voted[-1]["right"]["value"] == 1
        forked = [cell["right"]["value"] for cell in cells(paths, level, "ForkJoin")]
        # Its path is shorter than a chain.
        assert forked[1] == 1
        one, two, *_ = cells(totals, level, "chain")
        assert (one["samples"], two["samples"]) == (1, 2)
        assert one["right"]["value"] == pytest.approx(2 / 3)
        four = cells(totals, level, "ParaThinker of 4")
        assert four[0] is None
        assert four[-1]["right"]["value"] == 1


async def test_what_was_measured_is_not_measured_again(options: Options) -> None:
    few = replace(options, problems=1, samples=1)
    first = await measure(FakeEngine(Student()), few)
    again = await measure(FakeEngine("I do not know."), few)
    assert [table.rows for table in again] == [table.rows for table in first]
