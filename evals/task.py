"""What is measured: problems from somewhere, how they are put, and who grades."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .grading.grader import Grader
from .problem import Problem

Row = Mapping[str, Any]

READ_AS_IT_STANDS = "{problem}"
"""A prompt that adds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A public dataset on the Hugging Face Hub.

    Attributes:
        id: Such as `MathArena/aime_2025`.
        split: Such as `train`.
        name: Its configuration; None where it has only one.
        revision: The commit that problems are read from, as all 40 digits; None where none is known, so that the newest
            is taken, recorded, and marked as unverified.
    """

    id: str
    split: str
    name: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A set of problems and what is right.

    Attributes:
        name: As the command line has it.
        about: What it is, in a line.
        grader: Makes who grades it.
        prompt: What the model is asked, with `{problem}` in the place of the question; or a function of the problem.
        dataset: Where its problems are; None where they are generated, or come from `--data` only.
        generate: Makes problems from a seed and a number of them; None where they are read.
        read: Makes a problem of a row of the dataset and the row's number, from 0 on. What it raises of `KeyError`,
            `ValueError` and `TypeError` says that the row is malformed.
    """

    name: str
    about: str
    grader: Callable[[], Grader]
    prompt: str | Callable[[Problem], str] = READ_AS_IT_STANDS
    dataset: Dataset | None = None
    generate: Callable[[int, int], Sequence[Problem]] | None = None
    read: Callable[[Row, int], Problem]

    def asked(self, problem: Problem) -> str:
        """The text of the user's turn that puts a problem."""
        if callable(self.prompt):
            return self.prompt(problem)
        # Not `format`, which would read braces of LaTeX.
        return self.prompt.replace("{problem}", problem.problem)
