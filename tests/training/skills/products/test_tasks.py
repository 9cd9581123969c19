r"""What is measured is never taught, and what questions say is what they mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from evals import Task
from evals.grading.math_grader import MathGrader
from tests.training.skills.products.reading import evaluated
from training.skills import products
from training.skills.products import PRODUCTS, SEVERAL, SUMS, held_out_product
from training.skills.products.exercise import (
    Exercise,
    product,
    several,
    sum_of_numbers,
    sum_of_products,
)
from training.skills.products.wording import question

TASKS = pytest.mark.parametrize("task", [PRODUCTS, SUMS, SEVERAL], ids=lambda task: task.name)
DRAWS = [product, sum_of_products, several, sum_of_numbers]
_WORDS = {
    "multiplied by": "*",
    "\\times": "*",
    "times": "*",
    "\\cdot": "*",
    "\u00d7": "*",
    "\u00b7": "*",
    "plus": "+",
    "minus": "-",
}


def read(text: str) -> list[str]:
    """The calculations in a question, read as a person reads them."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"(?:[Mm]ultiply|product of) (\d+) (?:by|and) (\d+)", r"\1*\2", text)
    for word, sign in _WORDS.items():
        text = text.replace(word, sign)
    text = re.sub(r"(?<=\d) x (?=\d)", "*", text)
    text = re.sub(r"\((\d+ ?\* ?\d+)\)", r"\1", text)
    text = re.sub(r"(?m)(?:\(\d\)|\b\d\)|^\d\. |Question \d:)", "|", text)
    text = re.sub(r" ?([-+*]) ?", r"\1", text)
    return re.findall(r"\d+(?:[-+*]\d+)+", text)


@pytest.mark.parametrize("draw", DRAWS)
def test_questions_say_what_is_asked(draw: object) -> None:
    assert callable(draw)
    random = Random(1)
    for _ in range(400):
        exercise = draw(random)
        asked = question(random, exercise.expressions)
        assert read(asked) == list(map(str, exercise.expressions)), asked


@TASKS
def test_tasks_ask_for_what_is_held_out(task: Task) -> None:
    assert task.generate is not None
    for problem in task.generate(3, 60):
        asked = read(problem.problem)
        assert ", ".join(str(evaluated(each)) for each in asked) == problem.answer
        factors = [tuple(map(int, term)) for term in re.findall(r"(\d+)\*(\d+)", "|".join(asked))]
        assert factors
        assert all(held_out_product(*pair) for pair in factors)
        assert problem.problem in task.asked(problem)


def test_lessons_hold_nothing_that_is_held_out() -> None:
    random = Random(0)
    drawn = [draw(random) for draw in DRAWS for _ in range(400)]
    for a, b in _factors(drawn):
        assert not held_out_product(a, b)
        # What is longer, both numbers, is for `paths.LONGER`.
        assert a < 10_000 or b < 1000
    for seed in range(300):
        lesson = products.SKILL.lesson(Random(seed))
        asked = read(lesson.solve.args[1])  # type: ignore[attr-defined]  # a partial
        pairs = re.findall(r"(\d+)\*(\d+)", "|".join(asked))
        assert not any(held_out_product(int(a), int(b)) for a, b in pairs)


def test_one_in_ten_is_held_out_in_either_order() -> None:
    random = Random(0)
    pairs = [(random.randrange(10, 10_000), random.randrange(10, 1000)) for _ in range(5000)]
    held = [pair for pair in pairs if held_out_product(*pair)]
    assert 0.08 <= len(held) / len(pairs) <= 0.12
    assert all(held_out_product(b, a) for a, b in held)
    assert not any(held_out_product(a, digit) for a in range(2000) for digit in range(10))


def test_what_is_measured_most_is_practised_most() -> None:
    random = Random(0)
    shapes = Counter(
        tuple(len(str(factor)) for factor in pair)
        for pair in _factors(product(random) for _ in range(1000))
    )
    assert {shape for shape, _ in shapes.most_common(2)} == {(3, 3), (4, 3)}
    assert shapes[3, 3] + shapes[4, 3] > 400


def test_numbers_of_every_kind_are_drawn() -> None:
    random = Random(0)
    pairs = list(_factors(product(random) for _ in range(3000)))
    assert any(a < 10 and b < 10 for a, b in pairs)
    assert any(a < b and len(str(a)) < len(str(b)) for a, b in pairs)
    assert any(str(b).endswith("00") for _, b in pairs)
    assert any("0" in str(b)[1:-1] for _, b in pairs)
    assert any(len(set(str(a))) == 1 and a > 100 for a, _ in pairs)
    assert any(a == 0 or b == 0 for a, b in pairs)
    assert any(b % 100_000 == 0 for _, b in pairs if b)


def test_sums_have_longer_numbers_and_more_of_them_than_products_come_to() -> None:
    random = Random(0)
    sums = [sum_of_numbers(random).expressions[0].terms for _ in range(300)]
    assert {len(terms) for terms in sums} == {2, 3, 4, 5}
    assert any(len(terms) > 3 and max(t.value for t in terms) > 10**8 for terms in sums)


@TASKS
def test_a_task_is_the_same_whenever_it_is_made(task: Task) -> None:
    assert task.generate is not None
    made = task.generate(0, 5)
    assert made == task.generate(0, 10)[:5]
    assert len({problem.id for problem in made}) == 5
    assert [p.problem for p in made] != [p.problem for p in task.generate(1, 5)]


async def test_the_grader_reads_all_answers(anyio_backend: object) -> None:
    assert SEVERAL.generate is not None
    grader = MathGrader()
    for problem in SEVERAL.generate(0, 5):
        said = f"1) 2\n\n\\boxed{{{problem.answer}}}"
        assert grader.extract(said) == problem.answer
        assert await grader.correct(problem, problem.answer)
        wrong = ", ".join(str(int(each) + 1) for each in problem.answer.split(", "))
        assert not await grader.correct(problem, wrong)


def _factors(exercises: object) -> Iterator[tuple[int, int]]:
    assert isinstance(exercises, list) or hasattr(exercises, "__iter__")
    for exercise in exercises:
        assert isinstance(exercise, Exercise)
        for each in exercise.expressions:
            for term in each.products:
                a, b = term.factors
                yield a, b
