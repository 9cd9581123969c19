"""Situations and templates: they hang together, and what is held out never comes into a lesson."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from math import prod
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from training.skills.word_problems import TASK
from training.skills.word_problems.drawing import drawn_problem
from training.skills.word_problems.nouns import Nouns
from training.skills.word_problems.situation import Question, Situation, WordProblem
from training.skills.word_problems.situations.catalogue import SITUATIONS
from training.skills.word_problems.steps import results_of

from .reading import numbers_in

_SHOWN = (
    "A crate holds 12 rows of 7 apples and a sack holds 38 more. How many apples are there in all?"
)
_EVERY = [
    pytest.param(situation, question, id=f"{situation.name}: {question.formula}")
    for situation in SITUATIONS
    for question in situation.questions
]


def letters(text: str) -> set[str]:
    return set(re.findall(r"\{(\w)\}", text))


def is_held_out(text: str) -> bool:
    return crc32(text.encode()) % 8 == 0


_HELD_OUT = {
    wording
    for situation in SITUATIONS
    for question in situation.questions
    for wordings in (*situation.facts, *question.facts, question.wordings)
    for wording in wordings
    if is_held_out(wording)
}


def problems(*, held_out: bool) -> Iterator[WordProblem]:
    random = Random(7)
    return iter(lambda: drawn_problem(random, held_out=held_out), None)


@pytest.mark.parametrize(("situation", "question"), _EVERY)
def test_every_wording_tells_the_numbers_that_the_formula_needs(
    situation: Situation, question: Question
) -> None:
    slots = [*situation.facts, *question.facts, question.wordings]
    told: set[str] = set()
    for wordings in slots:
        assert len({frozenset(letters(wording)) for wording in wordings}) == 1
        assert any(not is_held_out(wording) for wording in wordings)
        told |= letters(wordings[0])
    assert set(re.findall("[a-z]", question.formula)) <= told <= set(situation.numbers)


def test_there_are_many_situations_and_templates_to_learn_and_to_be_asked() -> None:
    assert len({situation.name for situation in SITUATIONS}) == len(SITUATIONS) >= 30
    learnt = [
        prod(
            sum(not is_held_out(wording) for wording in wordings)
            for wordings in (*situation.facts, *question.facts, question.wordings)
        )
        for situation in SITUATIONS
        for question in situation.questions
    ]
    assert min(learnt) > 0
    assert sum(learnt) > 5000


def test_lessons_have_no_wording_and_no_word_that_is_held_out() -> None:
    for problem in islice(problems(held_out=False), 300):
        assert not is_held_out(problem.template)
        assert _HELD_OUT.isdisjoint(problem.template.split("|"))
    trained = Nouns(Random(1), held_out=False)
    assert not any(
        is_held_out(trained[key]) for key in ("Name", "Other", "Third", "item", "item2", "box")
    )


def test_the_task_has_only_problems_of_held_out_templates() -> None:
    assert TASK.generate is not None
    made = TASK.generate(3, 60)
    assert made[:10] == TASK.generate(3, 10)
    assert len({problem.problem for problem in made}) == 60
    for problem in made:
        template = problem.data["template"]
        assert is_held_out(template) or _HELD_OUT.intersection(template.split("|"))
    asked = Nouns(Random(1), held_out=True)
    assert all(
        is_held_out(asked[key]) for key in ("Name", "Other", "Third", "item", "item2", "box")
    )


def test_numbers_are_those_of_the_text_and_every_step_gives_a_sensible_one() -> None:
    digits = 0
    for problem in islice(problems(held_out=False), 300):
        assert all(0 < value <= 100_000 for value in results_of(problem.steps))
        assert not re.search(r"[{}]", problem.text)
        told = numbers_in(problem.text)
        sides = [side for step in problem.steps for side in (step.left, step.right)]
        digits += sum(side in told for side in sides if isinstance(side, Fraction))
    assert digits > 500


def test_the_question_that_make_run_asks_has_its_kind_in_the_lessons_but_not_itself() -> None:
    kinds = [
        text
        for text in (p.text for p in islice(problems(held_out=False), 3000))
        if "rows of" in text
    ]
    assert len(kinds) > 5
    assert _SHOWN not in kinds
    assert f"\nQUESTION := {_SHOWN}\n" in (Path(__file__).parents[4] / "Makefile").read_text()
