from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from engines import Context, FakeEngine, Sampling
from reasoning.forking.invitation import invitation
from training.evaluation import latency
from training.evaluation.part import Options
from training.evaluation.products import measure
from training.skills.products import (
    INVITED_PATHS,
    INVITED_THREADS,
    PATHS,
    PRODUCTS,
    SEVERAL,
    SUMS,
    THREADS,
)
from training.skills.products.exercise import Exercise, product, several, sum_of_products
from training.skills.products.lessons import chained, forked
from training.skills.products.settings import CHAIN

pytestmark = [
    pytest.mark.anyio,
    # Each of the many evaluations has its journal; how these run on every loop is shown elsewhere.
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]

DRAWN = {"products": product, "sums-of-products": sum_of_products, "several-questions": several}
TASKS = {task.name: task for task in (PRODUCTS, SUMS, SEVERAL)}
ID = re.compile(rf"({'|'.join(DRAWN)})-(\d+)-(\d+)")
TOLD = {
    method: invitation(method.dialect, method.max_paths) if method.invited else method.instruction
    for method in (THREADS, PATHS, INVITED_THREADS, INVITED_PATHS)
}


@cache
def exercise_of(task: str, seed: str, number: str) -> Exercise:
    """What is asked of a problem: the first that is drawn for it and that has its answer."""
    generate = TASKS[task].generate
    assert generate is not None
    problem = generate(int(seed), int(number) + 1)[-1]
    random = Random(problem.id)
    while (exercise := DRAWN[task](random, held_out=True)).answer != problem.answer:
        pass
    return exercise


def student(context: Context, sampling: Sampling) -> str:
    """Says what a model would that has learnt all of it."""
    name = ID.search(context.path)
    assert name is not None
    exercise = exercise_of(*name.groups())
    asked = "".join(node.segment.text for node in context.lineage)
    method = next((method for method, told in TOLD.items() if told in asked), None)
    lesson = chained(exercise, "", CHAIN) if method is None else forked(exercise, "", method)
    said = lesson.reply(context, sampling)
    return said if isinstance(said, str) else said.text


async def test_a_perfect_student_is_right_and_forks(options: Options) -> None:
    tables = await measure(FakeEngine(student), replace(options, problems=2))
    assert [table.data["task"] for table in tables] == list(DRAWN)
    for table in tables:
        sequential, *forks = table.data["systems"]
        assert (sequential["threads"]["value"], sequential["fewer"]) == (0, None)
        # Single products also by invitation.
        assert len(forks) == (4 if table is tables[0] else 2)
        for system in (sequential, *forks):
            assert (system["right"]["value"], system["valid"]["value"]) == (1, 1)
            assert system["problems"] == 2
        for system in forks:
            assert system["threads"]["value"] > 1
            assert system["path"]["value"] < system["tokens"]["value"]
            assert system["fewer"] is not None


async def test_a_student_who_knows_nothing_is_wrong(options: Options) -> None:
    tables = await measure(FakeEngine("I do not know."), replace(options, problems=1))
    for table in tables:
        assert {system["right"]["value"] for system in table.data["systems"]} == {0}


async def test_the_time_of_single_products_is_measured_in_all_ways(options: Options) -> None:
    engine = FakeEngine(student)
    (table,) = await latency.measure(engine, replace(options, problems=2))
    assert [row[0] for row in table.rows] == ["sequential", "ThreadWeaver", "Multiverse"]
    assert table.data["problems"] == 2
    assert {call.context.path.split("/")[0] for call in engine.calls} == {
        f"products-0-000{number}" for number in range(3)
    }
