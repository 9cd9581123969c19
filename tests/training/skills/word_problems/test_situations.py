"""Situations and templates: they hang together, and what is held out never comes into a lesson."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from math import prod
from random import Random
from zlib import crc32

from training.skills.word_problems import TASK
from training.skills.word_problems.drawing import drawn_problem
from training.skills.word_problems.nouns import Nouns
from training.skills.word_problems.situation import Question, Situation, WordProblem
from training.skills.word_problems.situations.catalogue import SITUATIONS
from training.skills.word_problems.steps import results_of

from .reading import numbers_in


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


def test_every_question_has_problems() -> None:
    for situation in SITUATIONS:
        for question in situation.questions:
            alone = replace(situation, questions=(question,))
            made = [
                alone.template(random := Random(seed)).problem(
                    random, Nouns(random, held_out=False)
                )
                for seed in range(5)
            ]
            assert None not in made, f"{situation.name}: {question.formula}"


def test_a_person_has_a_name_before_a_pronoun() -> None:
    situation = Situation(
        name="gift",
        numbers={"a": (2, 9), "b": (2, 9)},
        facts=(("a {box} holds {a} {items}",), ("{his} aunt brings {b}",), ("{he} smiles",)),
        questions=(Question(formula="a+b", wordings=("how many {items} does {he} have?",)),),
    )
    for seed in range(40):
        random = Random(seed)
        nouns = Nouns(random, held_out=False)
        problem = situation.template(random).problem(random, nouns)
        assert problem is not None
        pronoun = re.search(r"\b(s?he|his|her)\b", problem.text, re.IGNORECASE)
        assert pronoun is None or nouns["Name"] in problem.text[: pronoun.start()]


def test_numbers_of_a_ratio_are_in_digits() -> None:
    situation = Situation(
        name="dance",
        numbers={"a": (2, 9), "b": (2, 9)},
        facts=(("boys and girls dance in the ratio {a}:{b}",),),
        questions=(Question(formula="a+b", wordings=("what is the sum of the two?",)),),
    )
    for seed in range(40):
        random = Random(seed)
        problem = situation.template(random).problem(random, Nouns(random, held_out=False))
        assert problem is not None
        assert re.search(r"ratio \d:\d\. ", problem.text)


def test_every_wording_tells_the_numbers_that_the_formula_needs() -> None:
    for situation in SITUATIONS:
        for question in situation.questions:
            name = f"{situation.name}: {question.formula}"
            told: set[str] = set()
            for wordings in (*situation.facts, *question.facts, question.wordings):
                assert len({frozenset(letters(wording)) for wording in wordings}) == 1, name
                assert any(not is_held_out(wording) for wording in wordings), name
                told |= letters(wordings[0])
            needed = set(re.findall("[a-z]", question.formula))
            assert needed <= told <= set(situation.numbers), name


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
