from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from evals.game24 import value_of
from evals.tasks.arithmetic import arithmetic_problems


@given(st.integers(), st.integers(0, 5), st.integers(0, 3))
def test_answers_are_exact_and_the_difficulty_is_the_one_asked_for(
    seed: int, least: int, more: int
) -> None:
    for problem in arithmetic_problems(seed, 5, least=least, most=least + more):
        expression = problem.problem.removeprefix("What is ").removesuffix("?")
        assert least <= problem.data["operations"] <= least + more
        assert len(re.findall(r" [-+*/] ", expression)) == problem.data["operations"]
        value = value_of(expression)
        assert value is not None
        assert value == int(problem.answer)
        assert abs(value) <= 1000
        assert all(2 <= int(number) <= 20 for number in re.findall(r"\d+", expression))


def test_a_seed_says_the_problems_and_a_larger_count_only_adds_some() -> None:
    assert arithmetic_problems(1, 50)[:10] == arithmetic_problems(1, 10)
    texts = {problem.problem for problem in arithmetic_problems(1, 50)}
    assert len(texts) > 45
    assert not {p.id for p in arithmetic_problems(1, 50)} & {
        p.id for p in arithmetic_problems(2, 9)
    }


def test_every_operation_and_nesting_is_among_fifty() -> None:
    text = " ".join(problem.problem for problem in arithmetic_problems(0, 50))
    assert all(text.count(f" {operator} ") >= 5 for operator in "+-*/"), text
    assert "((" in text
    assert "))" in text


def test_the_problems_are_the_same_on_every_machine() -> None:
    first, second = arithmetic_problems(0, 2)
    assert (first.id, first.problem, first.answer) == (
        "arithmetic-0-0000",
        "What is (2 + 18) + 2?",
        "22",
    )
    assert (second.problem, second.answer) == ("What is 12 - ((8 * 20) - 17)?", "-131")
