"""Steps that no tool does: each thread answers its own, in one chain and in blocks, and shows nothing held out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from random import Random

import pytest

from engines import Engine, converse
from reasoning import Answer, ChainOfThought, ForkJoin
from training.lesson import Lesson
from training.skills.products.held_out import held_out_product
from training.skills.products.settings import INVITED_PATHS, INVITED_THREADS, PATHS, THREADS
from training.skills.word_problems.expressions import drawn_expression, in_digits
from training.skills.word_problems.following import following
from training.skills.word_problems.lessons import chained
from training.skills.word_problems.steps import NumberStep, Step, results_of
from training.skills.word_problems.thoughts import Thought

from .reading import Solved, carried_out, solved

_METHODS = [ChainOfThought(), THREADS, PATHS, INVITED_THREADS, INVITED_PATHS]
_OWN = re.compile(r"Your part of the work: What is (\S+) ([-+*/]) (\S+)\?")


@pytest.mark.parametrize("method", _METHODS)
@pytest.mark.parametrize(
    ("left", "operation", "right", "result"),
    [(347, "*", 80, "27760"), (7, "*", 12, "84"), (84, "+", 38, "122"), (91, "/", 7, "13")],
)
def test_a_thought_is_answered_by_any_method(
    method: ChainOfThought | ForkJoin, left: int, operation: str, right: int, result: str
) -> None:
    thought = Thought(NumberStep(operation, Fraction(left), Fraction(right)), method)

    async def solve(engine: Engine) -> Answer:
        return await method.solve(await converse(engine, [("user", "?")], name="1"), engine)

    answer = solved(Lesson(solve=solve, reply=thought)).result
    assert isinstance(answer, Answer)
    assert answer.final == result
    # Who is held to a block by a grammar writes one.
    invited = isinstance(method, ForkJoin) and method.invited
    assert not invited or "<Thread" in answer.text or "<Path" in answer.text


def test_threads_of_lessons_answer_their_own_step_only(lessons: list[Solved]) -> None:
    thoughts = without_tools = 0
    for lesson in lessons:
        first = lesson.calls[0].prompt
        without_tools += "Tools:\n(none)" in first
        for call in lesson.calls:
            own = _OWN.findall(call.prompt)
            boxed = re.findall(r"\\boxed\{(\S+)\}$", call.said.text)
            if own and boxed:
                thoughts += 1
                assert Fraction(boxed[0]) == result(*own[-1])
                assert not any(held_out_product(a, b) for a, b in products(call.said.text))
    assert without_tools > 5
    assert thoughts > 15


def result(left: str, sign: str, right: str) -> Fraction:
    found: dict[int, Fraction] = {}
    assert list(carried_out(f'1. think("What is {left} {sign} {right}?")\njoin()', found))
    return found[1]


def products(text: str) -> Iterator[tuple[int, int]]:
    """Of more than one digit each, zeros behind aside."""
    for a, b in re.findall(r"^(\d+)\*(\d+)=", text, re.MULTILINE):
        if len(b.rstrip("0")) > 1 and len(a) > 1:
            yield int(a), int(b)


def test_expressions_ask_for_what_their_steps_come_to() -> None:
    for seed in range(200):
        problem = drawn_expression(Random(seed))
        text = problem.text.replace("\u00d7", "*").replace(" x ", "*").replace("times", "*")
        expression = re.sub(r"[^-+*/()\d]", "", text)
        assert Fraction(eval(expression)).limit_denominator(100) == problem.answer
        assert all(value > 0 and value.denominator == 1 for value in results_of(problem.steps))


def test_a_single_product_is_thought_digit_by_digit() -> None:
    product = (Step("*", Fraction(347), Fraction(286)),)
    steps = in_digits(product)
    assert [step.right for step in steps if step.operation == "*"] == [6, 80, 200]
    assert results_of(steps)[-1] == 347 * 286
    assert len(steps) == 5
    for others in ((Step("*", Fraction(347), Fraction(80)),), (*product, *product)):
        assert in_digits(others) == others


def test_questions_that_follow_go_on_from_the_answer_before_them() -> None:
    drawn = (following(drawn_expression(Random(seed)), Random(seed)) for seed in range(150))
    found = [one for one in drawn if one]
    assert len(found) > 50
    for problem in found:
        (asked, question), (answered, answer) = problem.before
        assert (asked, answered) == ("user", "assistant")
        assert question not in problem.text
        assert Fraction(answer) in (problem.steps[0].left, problem.steps[0].right)


def test_some_lessons_go_on_from_an_answer(lessons: list[Solved]) -> None:
    prompts = [lesson.calls[0].prompt for lesson in lessons]
    assert sum("It was asked after this conversation:" in prompt for prompt in prompts) >= 2


def test_chains_show_no_product_that_is_held_out() -> None:
    shown = 0
    for seed in range(600):
        (call,) = solved(chained(Random(seed))).calls
        for a, b in products(call.said.text):
            shown += 1
            assert not held_out_product(a, b)
    assert shown > 30
