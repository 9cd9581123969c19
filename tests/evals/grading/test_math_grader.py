from __future__ import annotations

from importlib.metadata import version

import pytest

from evals.errors import UnreadableAnswer
from evals.grading.calls_grader import CallsGrader
from evals.grading.choice_grader import ChoiceGrader
from evals.grading.expression_grader import ExpressionGrader
from evals.grading.math_grader import MathGrader
from evals.grading.text_grader import TextGrader
from evals.problem import Problem
from evals.tasks.arithmetic import ARITHMETIC

pytestmark = pytest.mark.anyio

HALF = Problem(id="1", problem="1/2 + 1/2 - 1/2?", answer=r"\frac{1}{2}")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("value", "correct"), [("0.5", True), ("1/2", True), (r"\frac12", True), ("0.6", False)]
)
async def test_an_answer_is_graded_by_mathematics(value: str, correct: bool) -> None:
    assert await MathGrader().correct(HALF, value) is correct


async def test_other_answers_that_are_right_count() -> None:
    problem = HALF.model_copy(update={"answer": "80", "also": ("81",)})
    assert await MathGrader().correct(problem, "81")
    assert not await MathGrader().correct(problem, "82")


@pytest.mark.parametrize("answer", [r"\frac{1}{", "9^9^9"])
async def test_what_cannot_be_read_or_computed_is_unreadable(answer: str) -> None:
    problem = HALF.model_copy(update={"answer": "x + 1"})
    with pytest.raises(UnreadableAnswer, match="cannot be read"):
        await MathGrader().correct(problem, answer)
    assert not await MathGrader().same("x + 1", answer)


async def test_a_problem_may_tolerate_what_is_near() -> None:
    problem = HALF.model_copy(update={"answer": "4.2", "data": {"tolerance": 0.1}})
    assert await MathGrader().correct(problem, "4.15")
    assert await MathGrader().correct(problem, r"\frac{4150}{1000}")
    assert not await MathGrader().correct(problem, "4.4")
    assert not await MathGrader().correct(HALF.model_copy(update={"answer": "4.2"}), "4.15")


@pytest.mark.parametrize(
    ("known", "answer", "correct"),
    [
        ("(6,3),(9,3)", r"\{(9,3), (6,3)\}", True),
        (r"f(x)=x$,$f(x)=2-x", r"f(x)=2-x \text{ and } f(x)=x", True),
        ("1,2", "2,1,3", False),
        ("1,2", "1,3", False),
        ("(1,2),(3,4)", "(2,1),(3,4)", False),
    ],
)
async def test_a_list_may_be_in_any_order(known: str, answer: str, correct: bool) -> None:
    problem = HALF.model_copy(update={"answer": known, "data": {"unordered": True}})
    assert await MathGrader().correct(problem, answer) is correct


@pytest.mark.parametrize(
    ("text", "extracted"),
    [
        (r"so \boxed{1} and \boxed{2}.", "1, 2"),
        (r"\boxed{7}, hence, after a long way that proves nothing, \boxed{7}", "7"),
        (r"\boxed{200} more. The final answer is $10,455$. I hope it is correct.", "10,455"),
        ("Final Answer: She began 3 hours ago.", "3"),
        ("the answer is 42 because geometry proves it", "42"),
        ("As $x = 1$, this is all.", "x = 1"),
        ("There are 3 of 10, so 4 cats.", "4"),
        (r"It is \(5\), as above 3 is not.", "3"),
        ("x^2+2x+1", "x^2+2x+1"),
        ("", None),
        ("I do not know.", None),
        ("<think>5 or 6</think>", None),
    ],
)
def test_what_the_answer_is(text: str, extracted: str | None) -> None:
    assert MathGrader().extract(text) == extracted


def test_what_is_not_marked_may_count_for_nothing() -> None:
    text = "As $x = 1$, there are 4 cats."
    assert MathGrader(unmarked="number").extract(text) == "4"
    assert MathGrader(unmarked="formula").extract(text) == "x = 1"
    assert MathGrader(unmarked="nothing").extract(text) is None
    assert MathGrader(unmarked="nothing").extract(r"\boxed{2}") == "2"


def test_it_tells_its_version() -> None:
    assert version("math-verify") in MathGrader().version


async def test_votes_are_equal_both_ways() -> None:
    grader = MathGrader()
    assert await grader.same(r"x \in [-2,7]", r"-2 \le x \le 7")
    assert await grader.same(r"-2 \le x \le 7", r"x \in [-2,7]")
    assert not await grader.same("1", "2")


def test_tasks_make_it_without_arguments() -> None:
    assert ARITHMETIC.grader().name == "math"


@pytest.mark.parametrize(
    "piece", [r"\[", "$ ", r"\boxed{", r"\boxed{1} and ", "1,", "word ", "(+", "[f(a=1), ", "```\n"]
)
def test_a_model_that_repeats_itself_is_read_to_the_end(piece: str) -> None:
    text = piece * 100_000
    for grader in (MathGrader(), ChoiceGrader(), TextGrader(), ExpressionGrader(), CallsGrader()):
        found = grader.extract(text)
        assert found is None or len(found) <= len(text)
