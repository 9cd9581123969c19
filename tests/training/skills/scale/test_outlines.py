"""Outlines and what is written at their steps: exact, allowed by the schema, and as hard as they are long."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planners.scaling.decomposition import decomposition_schema, read_decomposition
from planners.scaling.routing import is_hard
from training.skills.products.expression import Expression, Term
from training.skills.scale import PLANNER
from training.skills.scale.mistakes import spoilt
from training.skills.scale.outlines import Step, in_one, outlines
from training.skills.scale.problem import Crossed, Scaled, Told, drawn, drawn_told
from training.skills.word_problems.steps import steps_of

from . import reading

problems = st.integers(0, 10**9).map(lambda seed: drawn(Random(seed)))


@given(problems)
def test_each_step_does_what_its_task_says_and_the_last_answers(
    problem: Expression | Scaled | Crossed,
) -> None:
    for outlined in outlines(problem):
        text = outlined.to_json()
        *earlier, last = outlined.steps
        assert reading.is_right(text)
        assert reading.value(outlined.conditions) == reading.boxed(last.answer) == problem.value
        assert reading.results(json.loads(text)) == [reading.boxed(one.answer) for one in earlier]
        assert not [
            wrong for one in outlined.steps for wrong in reading.wrong_equations(one.answer)
        ]


@pytest.mark.parametrize(
    ("problem", "first", "last"),
    [
        (Scaled(Expression((Term((12, 3)), Term((4,)))), 2), "12*3", "40*2"),
        (Scaled(Expression((Term((12, 3)), Term((4,), taken=True))), 2), "12*3", "32*2"),
        (
            Crossed(Expression((Term((1,)), Term((2,)))), Expression((Term((3,)), Term((4,))))),
            "1+2=3",
            "3*7",
        ),
        (Expression((Term((12, 3)), Term((4,)))), "12*3", "36+4"),
    ],
)
def test_in_one_chain_the_innermost_comes_first(
    problem: Expression | Scaled | Crossed, first: str, last: str
) -> None:
    lines = in_one(problem).split("\n")
    assert lines[0] == first
    assert lines[-1] == f"{last}={problem.value}"


@given(problems)
def test_a_result_is_needed_once_and_is_known_by_then(
    problem: Expression | Scaled | Crossed,
) -> None:
    for outlined in outlines(problem):
        steps = read_decomposition(json.loads(outlined.to_json()), "How many?")
        # The planner has nothing to drop or to add.
        assert steps.structure == tuple(one.needs for one in outlined.steps)
        needs = [need for one in outlined.steps for need in one.needs]
        assert sorted(needs) == list(range(1, len(outlined.steps)))


def test_word_problems_are_outlined_by_the_steps_of_their_plans() -> None:
    tasks = ""
    for seed in range(150):
        problem = drawn_told(Random(seed))
        (outlined,) = outlines(problem)
        assert reading.value(outlined.conditions) == problem.value
        found: list[int] = []
        for step in outlined.steps:
            given = [found[need - 1] for need in step.needs]
            assert all(f"the result of step {need}" in step.task for need in step.needs)
            assert reading.wrong_equations(step.answer) == []
            found.append(reading.boxed(step.answer))
            # Its work begins with the numbers that it is told.
            told = re.findall(r"\d+", re.sub(r"result of step \d+", "", step.task))
            first = re.findall(r"\d+", step.answer.split("=")[0].split("\n")[0])
            assert int(first[0]) in [*map(int, told), *given]
            tasks += step.task
        assert found[-1] == problem.value
    assert all(word in tasks for word in ("Add ", "Take ", "Multiply ", "Divide ", "Find "))


def test_brackets_stand_where_they_have_to() -> None:
    letters = {
        letter: Fraction(number) for letter, number in zip("abcd", (96, 8, 4, 2), strict=True)
    }
    for formula in (
        "a-(b-c)",
        "a-b-c",
        "a/(b/c)",
        "a/b/c",
        "(a+b)*(c-d)",
        "a-b*c",
        "(a+b)/c",
        "a+b+c",
        "a*(b+c)",
    ):
        steps = steps_of(formula, letters, "abcd")
        expected = eval(formula, {name: int(value) for name, value in letters.items()})
        written = str(Told("?", steps))
        assert reading.value(written) == expected
        assert written.count("(") <= formula.count("(")


def test_the_first_outline_hands_on_the_fewest_results() -> None:
    for seed in range(300):
        first, *others = outlines(drawn(Random(seed)))
        assert all(one.needs > first.needs for one in others)


@given(problems, st.integers(0, 10**9))
def test_a_spoilt_outline_is_another_one_that_can_be_read(
    problem: Expression | Scaled | Crossed, seed: int
) -> None:
    for outlined in outlines(problem):
        bad = spoilt(outlined, Random(seed))
        before = read_decomposition(json.loads(outlined.to_json()), "How many?")
        after = read_decomposition(json.loads(bad.to_json()), "How many?")
        assert after != before
        wrong = not reading.is_right(bad.to_json()) or after.conditions != before.conditions
        assert wrong or bad.needs > outlined.needs


def test_outlines_are_what_the_constraint_allows() -> None:
    xgrammar = pytest.importorskip("xgrammar")
    letters = [chr(code) for code in range(32, 127)]
    information = xgrammar.TokenizerInfo([*letters, "</s>"], stop_token_ids=[len(letters)])
    # As vLLM compiles it.
    grammar = xgrammar.GrammarCompiler(information).compile_json_schema(
        json.dumps(decomposition_schema(PLANNER.max_steps)), any_whitespace=True
    )

    def accepts(text: str) -> bool:
        matcher = xgrammar.GrammarMatcher(grammar)
        return bool(matcher.accept_string(text) and matcher.accept_token(len(letters)))

    for seed in range(20):
        for outlined in outlines(drawn(Random(seed))):
            assert accepts(outlined.to_json())
            assert accepts(spoilt(outlined, Random(seed)).to_json())
    assert not accepts(outlines(drawn(Random(0)))[0].to_json().replace('"id"', '"number"'))


@pytest.mark.parametrize(
    ("product", "digit"),
    {
        "99*9": "0",
        "1234*5": "1",
        "12*34": "2",
        "123*45": "3",
        "1234*56": "4",
        "123*406": "4",
        "123*456": "5",
        "1234*567": "6",
        "12345*67891": "9",
    }.items(),
)
def test_difficulty_grows_with_the_digits_to_work_out(product: str, digit: str) -> None:
    step = _first_step(product)
    assert step.difficulty == digit
    assert is_hard(int(digit) / 9, PLANNER.threshold) == (int(digit) > 4)


def test_difficulty_is_told_by_the_length_of_numbers_alone() -> None:
    for product in ("999*999", "111*111", "100*123", "987*654"):
        assert _first_step(product).difficulty == "5"


def _first_step(product: str) -> Step:
    """Of a sum, so that the product is not the last step."""
    a, b = map(int, product.split("*"))
    return outlines(Expression((Term((a, b)), Term((5,)))))[0].steps[0]
