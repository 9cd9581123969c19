"""A question and what may be its answer, lettered: GPQA.

The dataset has the right answer in one column and the wrong ones in three. In which order they are put is drawn from
the problem's id, so that it is the same in every run, and the right one is no more often A than D.
"""

from __future__ import annotations

import random
from string import ascii_uppercase

from ..grading.choice_grader import ChoiceGrader
from ..problem import Problem
from ..task import Dataset, Task
from .columns import Row, own_name, read_problem, text_of
from .prompts import CHOICE

_RIGHT = "Correct Answer"
_WRONG = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def _asked(problem: Problem) -> str:
    choices = zip(ascii_uppercase, problem.data["choices"], strict=False)
    lettered = "\n".join(f"{letter}. {choice}" for letter, choice in choices)
    return CHOICE.replace("{choices}", lettered).replace("{problem}", problem.problem)


def _read_gpqa(row: Row, number: int) -> Problem:
    """Of the dataset's form, or with `choices` in a list and the letter as `answer`."""
    return _read_lettered(row, number) if "choices" in row else _read_columns(row, number)


def _read_columns(row: Row, number: int) -> Problem:
    name = own_name(row) or str(row.get("Record ID") or f"gpqa-{number:03d}")
    right = text_of(row, [_RIGHT])
    choices = [right, *(text_of(row, [column]) for column in _WRONG)]
    random.Random(name).shuffle(choices)
    return Problem(
        id=name,
        problem=text_of(row, ["Question"]),
        answer=ascii_uppercase[choices.index(right)],
        data={"choices": choices, "subject": str(row.get("Subdomain") or "")},
    )


def _read_lettered(row: Row, number: int) -> Problem:
    problem = read_problem(row, number)
    choices = problem.data["choices"]
    if not isinstance(choices, list) or not 2 <= len(choices) <= len(ascii_uppercase):
        raise ValueError("choices: is no list of 2 to 26")
    letter = problem.answer.upper()
    if letter not in tuple(ascii_uppercase[: len(choices)]):
        raise ValueError(f"answer: {problem.answer[:60]!r} is the letter of none of the choices")
    return problem.model_copy(update={"answer": letter})


GPQA_DIAMOND = Task(
    name="gpqa_diamond",
    about="GPQA diamond, 198 questions of graduate science with four choices; ask for access first",
    grader=ChoiceGrader,
    prompt=_asked,
    dataset=Dataset(
        id="Idavidrein/gpqa",
        name="gpqa_diamond",
        revision="633f5ee89ab8ad4522a9f850766b73f62147ffdd",
    ),
    read=_read_gpqa,
)
"""GPQA diamond."""
