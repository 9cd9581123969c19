r"""Lessons in nested operations: right, short, asked as users ask, and nothing in them that is held out."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from engines import Context, Grammar, Sampling
from evals import Task
from evals.tasks.arithmetic import ARITHMETIC
from evals.tasks.nested_operations import Operation, joined
from reasoning import Method
from tests.training.skills.arithmetic.reading import check_lines, evaluated, read_chain
from tests.training.skills.solving import solved
from training.lesson import Lesson
from training.skills import arithmetic
from training.skills.arithmetic.drawing import USUAL, WIDER, drawn
from training.skills.arithmetic.held_out import held_out_expression
from training.skills.products import (
    BARE_CHAIN,
    CHAIN,
    INVITED_PATHS,
    INVITED_THREADS,
    PATHS,
    THREADS,
    held_out_product,
)
from training.trie import trie_of
from training.unit import Unit

FORKED = {
    "threads": THREADS,
    "paths": PATHS,
    "invited threads": INVITED_THREADS,
    "invited paths": INVITED_PATHS,
}
BRACKETS = joined("*", joined("-", 5, 12), joined("/", joined("*", 3, 12), 9))
ONE_INSIDE = joined("-", 16, joined("*", 3, 12))


def lesson_of(expression: Operation, method: Method = CHAIN) -> Lesson:
    return arithmetic.lesson_of(expression, f"What is {expression.written(' ')}?", method)


def question_of(unit: Unit, tokenizer: Any) -> str:
    prompt: str = tokenizer.decode(unit.context)
    return prompt.partition("<|im_start|>user\n")[2].partition("<|im_end|>")[0]


def expression_in(question: str) -> str:
    found = re.search(r"[\d(][\d()+*/ -]*[\d)]", question)
    assert found, question
    return found[0]


def products_in(text: str) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in re.findall(r"(?<!\d)(\d+)\*-?(\d+)(?!\d)", text)}


@pytest.mark.parametrize("seed", range(150))
def test_all_that_a_lesson_says_is_right(seed: int, tokenizer: Any) -> None:
    answer, units = solved(arithmetic.SKILL.lesson(Random(seed)), tokenizer)
    expression = expression_in(question_of(units[0], tokenizer))
    assert answer.value == str(evaluated(expression))
    assert not answer.remark
    assert not answer.truncated
    assert not held_out_expression(expression)
    assert not any(held_out_product(a, b) for a, b in products_in(answer.text))
    if not answer.branches:
        read_chain(answer.text, expression)
        # Of what a user gets who says nothing.
        assert sum(len(unit.completion) for unit in units) <= Sampling().max_tokens
    assert len(trie_of(units)) <= 1000


def test_a_lesson_is_what_was_drawn_and_nothing_else(tokenizer: Any) -> None:
    first, again, other = (
        solved(arithmetic.SKILL.lesson(Random(seed)), tokenizer)[1] for seed in (7, 7, 8)
    )
    assert first == again != other


def test_most_lessons_are_asked_as_evaluation_asks(tokenizer: Any) -> None:
    units = [solved(arithmetic.SKILL.lesson(Random(seed)), tokenizer)[1][0] for seed in range(200)]
    ending = asked(ARITHMETIC, "{}").removeprefix("What is {}?")
    questions = [question_of(unit, tokenizer) for unit in units]
    usual = [each for each in questions if re.fullmatch(r"What is .*\?" + re.escape(ending), each)]
    assert 70 <= len(usual) <= 160
    sizes = [len(unit.completion) for unit in units]
    assert 60 <= sum(sizes) / len(sizes) <= 200


def test_evaluation_sends_what_was_learnt(tokenizer: Any) -> None:
    problem = ARITHMETIC.generate(3, 1)[0]  # type: ignore[misc]  # it is generated
    lesson = arithmetic.lesson_of(ONE_INSIDE, ARITHMETIC.asked(problem), BARE_CHAIN)
    (unit,) = solved(lesson, tokenizer)[1]
    assert question_of(unit, tokenizer) == asked(ARITHMETIC, problem.problem[8:-1])


def asked(task: Task, expression: str) -> str:
    assert isinstance(task.prompt, str)
    return task.prompt.replace("{problem}", f"What is {expression}?")


@pytest.mark.parametrize("kind", [USUAL, WIDER], ids=["usual", "wider"])
def test_expressions_have_what_the_task_has(kind: Any) -> None:
    random = Random(1)
    texts = [str(drawn(random, kind)) for _ in range(400)]
    values = [evaluated(text) for text in texts]
    assert all(value.denominator == 1 and abs(value) <= 1000 for value in values)
    assert any(value < 0 for value in values)
    assert all(any(sign in text for text in texts) for sign in "+-*/")
    assert not any(map(held_out_expression, texts))
    assert {len(re.findall(r"\d+", text)) - 1 for text in texts} == set(kind.operations)
    assert {int(number) for text in texts for number in re.findall(r"\d+", text)} == set(
        kind.numbers
    )
    # Alone, another skill teaches it.
    assert not any(re.fullmatch(r"\d+\*\d+", text) for text in texts)


@pytest.mark.parametrize("method", FORKED.values(), ids=FORKED)
def test_two_brackets_are_solved_in_threads(method: Method, tokenizer: Any) -> None:
    answer, units = solved(lesson_of(BRACKETS, method), tokenizer)
    assert answer.value == "-28"
    assert not answer.remark
    assert len(answer.branches) == 2
    assert len(units) == 4
    left, right = (branch.answer.text for branch in answer.branches if branch.answer)
    assert "5-12=-7" in left
    assert "36/9=4" in right
    assert "-7*4=-28" in answer.text


@pytest.mark.parametrize("method", [THREADS, PATHS], ids=["threads", "paths"])
def test_what_depends_on_each_other_is_one_chain(method: Method, tokenizer: Any) -> None:
    answer, (unit,) = solved(lesson_of(ONE_INSIDE, method), tokenizer)
    assert not answer.branches
    assert read_chain(answer.text, str(ONE_INSIDE)) == -20
    assert unit.completion == solved(lesson_of(ONE_INSIDE), tokenizer)[1][0].completion


@pytest.mark.parametrize("method", [INVITED_THREADS, INVITED_PATHS], ids=["threads", "paths"])
def test_who_is_invited_keeps_to_the_grammar(method: Method, tokenizer: Any) -> None:
    grammars = pytest.importorskip("tests.planners.grammars")
    lesson = lesson_of(BRACKETS, method)
    checked = 0

    def reply(context: Context, sampling: Sampling) -> Any:
        nonlocal checked
        said = lesson.reply(context, sampling)
        assert isinstance(sampling.constraint, Grammar)
        assert grammars.accepts(grammars.compiled(sampling.constraint.rules), said)
        checked += 1
        return said

    solved(Lesson(solve=lesson.solve, reply=reply), tokenizer)
    assert checked == 4


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["5-12=-(12-4)"], -7),
        (["9*(2+4)"], 45),
        (["25/7 write 3 rest 5"], 25),
        (["4+1+0=5 write 5 carry 1"], 5),
        (["5+16"], 21),
    ],
    ids=str,
)
def test_whoever_reads_it_finds_mistakes(lines: list[str], value: int) -> None:
    with pytest.raises(AssertionError):
        check_lines(lines, evaluated(str(value)))
