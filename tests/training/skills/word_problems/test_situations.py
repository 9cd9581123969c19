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

import pytest

from training.skills.word_problems import TASK
from training.skills.word_problems.drawing import drawn_problem
from training.skills.word_problems.nouns import _CHOICES, Nouns
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


def test_what_is_said_again_is_what_is_told_in_wordings_that_lessons_may_show() -> None:
    for situation in SITUATIONS:
        for seed in range(4):
            template = situation.template(Random(seed))
            told = (*template.facts, template.asked)
            assert list(map(letters, template.usual)) == list(map(letters, told))
            assert not _HELD_OUT.intersection(template.usual)


def test_no_way_to_put_usual_wordings_together_is_held_out() -> None:
    """Lessons say all problems of a kind again so."""
    for situation in SITUATIONS:
        for question in situation.questions:
            template = replace(situation, questions=(question,)).template(Random(0))
            joins = tuple(". " for _ in template.facts[1:])
            again = replace(
                template,
                facts=template.usual[:-1],
                asked=template.usual[-1],
                joins=joins,
                ending="{told}. {asked}",
            )
            assert not again.held_out


def test_what_is_said_again_has_digits_and_names_nobody_new() -> None:
    """Twelve percent of numbers are told in words."""
    question = Question(formula="a+b", wordings=("how many are in a {box}?", "what now?"))
    situation = Situation(
        name="gift",
        numbers={"a": (2, 9), "b": (2, 9)},
        facts=(("{Name} has {a} zebras", "{Name} has {a}"), ("{Other} has {b}", "{b} come")),
        questions=(question,),
    )
    random = Random(3)
    nouns = Nouns(random, held_out=False)
    template = replace(
        situation.template(random),
        facts=("{Name} has {a}", "{b} come"),
        asked="what now?",
        joins=(". ",),
        ending="{told}. {asked}",
    )
    for _ in range(40):
        problem = template.problem(random, nouns)
        assert problem is not None
        known = rf"{nouns['Name']} has \d zebras\. Someone else has \d\. How many are in a box\?"
        assert re.fullmatch(known, problem.restated)


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


def of_kind(name: str, count: int) -> list[WordProblem]:
    """Problems of a situation, as they are drawn for lessons."""
    drawn = (p for p in problems(held_out=False) if p.template.startswith(f"{name}|"))
    return list(islice(drawn, count))


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("bus", "vehicle", "bus streetcar train tram trolleybus"),
        ("load", "vehicle", "flatbed lorry pickup truck"),
        ("fuel", "vehicle", "bus car coach lorry minibus scooter taxi truck van"),
        ("one speed", "vehicle", "bus car coach lorry minibus train truck van"),
    ],
)
def test_vehicles_are_such_as_take_passengers_loads_or_fuel(
    name: str, kind: str, words: str
) -> None:
    (situation,) = (each for each in SITUATIONS if each.name == name)
    drawn = {
        Nouns(Random(seed), held_out=False, pools=situation.pools)[kind] for seed in range(200)
    }
    assert drawn == set(words.split())


def test_problems_have_the_nouns_of_their_situation() -> None:
    for problem in of_kind("bus", 40):
        assert not re.search(r"\b(car|coach|lorry|minibus|scooter|truck|van)\b", problem.text)
    for problem in of_kind("work rate", 40):
        assert not re.search(r"apple|cherr|grape|acorn|tomato|seashell", problem.text)


def test_nobody_is_older_than_people_become() -> None:
    for problem in of_kind("ages", 80):
        assert max(results_of(problem.steps)) <= 125


def test_a_pronoun_means_the_only_one_of_that_sex() -> None:
    situation = Situation(
        name="gift",
        numbers={"a": (2, 9), "b": (2, 9)},
        facts=(("{Other} and {Third} like {Name}",), ("{he} has {a} {items} and {b} more",)),
        questions=(Question(formula="a+b", wordings=("how many does {Name} have?",)),),
    )
    women = {name for held_out in (False, True) for name in _CHOICES[held_out]["woman"]}
    for seed in range(60):
        random = Random(seed)
        nouns = Nouns(random, held_out=False)
        assert situation.template(random).problem(random, nouns) is not None
        is_woman = [nouns[person] in women for person in ("Name", "Other", "Third")]
        assert is_woman in ([True, False, False], [False, True, True])


@pytest.mark.parametrize(
    ("asked", "between"),
    [
        ("how many zebras does {Name} have?", True),
        ("how many zebras does {he} have?", False),
        ("how many of them are there?", False),
        ("how many zebras is that?", False),
    ],
)
def test_what_does_not_matter_does_not_stand_before_what_refers_to_facts(
    asked: str, between: bool
) -> None:
    situation = Situation(
        name="gift",
        numbers={"a": (2, 9), "b": (2, 9)},
        facts=(("{Name} has {a} zebras",), ("{Other} brings {b} zebras",)),
        questions=(Question(formula="a+b", wordings=(asked,)),),
    )
    found = False
    for seed in range(300):
        random = Random(seed)
        problem = situation.template(random).problem(random, Nouns(random, held_out=False))
        assert problem is not None
        *before, last = problem.text.split(". ")
        asks = last.startswith("How many") and " if " not in last
        found |= asks and "zebras" not in before[-1]
    assert found == between


def test_numbers_have_the_article_that_they_are_said_with() -> None:
    situation = Situation(
        name="tax",
        numbers={"a": (2, 20)},
        facts=(("a {a}% tax and a {a} percent tax",),),
        questions=(Question(formula="a+a", wordings=("how much is twice that?",)),),
    )
    said = set()
    for seed in range(300):
        random = Random(seed)
        problem = situation.template(random).problem(random, Nouns(random, held_out=False))
        assert problem is not None
        said.update(re.findall(r"\b(an?) (\w+)(?:%| percent) tax", problem.text, re.I))
    with_n = {number for article, number in said if article.lower() == "an"}
    without = {number for article, number in said if article.lower() == "a"}
    assert (
        {"8", "11", "18", "eight", "eleven"}
        <= with_n
        <= {"8", "11", "18", "eight", "eleven", "eighteen"}
    )
    assert {"9", "10", "12", "17", "ten"} <= without
    assert not with_n & without


def test_numbers_of_a_ratio_are_in_digits() -> None:
    situation = Situation(
        name="dance",
        numbers={"a": (2, 9), "b": (2, 9)},
        facts=(("boys and girls dance in the ratio {a}:{b}",),),
        questions=(Question(formula="a+b", wordings=("what is the sum of both?",)),),
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
