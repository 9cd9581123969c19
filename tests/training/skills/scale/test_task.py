"""Problems that are measured: held out, and right."""

from __future__ import annotations

from random import Random

from training.skills.products.held_out import held_out_product
from training.skills.scale import SCALE_PROBLEMS
from training.skills.scale.problem import drawn, held_out, split_in_digits

from . import reading


def test_problems_are_held_out_and_their_answers_right() -> None:
    assert SCALE_PROBLEMS.generate is not None
    problems = SCALE_PROBLEMS.generate(0, 200)
    for problem in problems:
        expression = problem.data["expression"]
        assert reading.value(expression) == int(problem.answer)
        assert any(held_out_product(a, b) for a, b in reading.multiplied(expression))
        # All its numbers are in the question, some with commas.
        digits = problem.problem.replace(",", "")
        assert all(str(number) in digits for number in _numbers(expression))
    assert problems == SCALE_PROBLEMS.generate(0, 200)
    assert problems[:10] == SCALE_PROBLEMS.generate(0, 10)
    assert problems[:10] != SCALE_PROBLEMS.generate(1, 10)


def test_what_is_held_out_depends_on_the_products_alone() -> None:
    for seed in range(300):
        problem = drawn(Random(seed))
        products = reading.multiplied(str(problem))
        assert held_out(problem) == any(held_out_product(a, b) for a, b in products)


def test_a_number_is_split_by_its_digits() -> None:
    for number in range(1, 2000):
        assert sum(split_in_digits(number)) == number
    assert split_in_digits(507) == (7, 500)


def _numbers(expression: str) -> list[int]:
    for sign in "+-*()":
        expression = expression.replace(sign, " ")
    return [int(number) for number in expression.split()]
