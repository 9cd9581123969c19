"""What is measured: problems from somewhere, how they are put, and who grades."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .grading.grader import Grader
from .problem import Problem
from .tasks.columns import Row, read_problem

READ_AS_IT_STANDS = "{problem}"
"""A prompt that adds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A public dataset on the Hugging Face Hub.

    Attributes:
        id: Such as `MathArena/aime_2025`.
        split: Such as `train`, or `train[:100]`.
        name: Its configuration; None where it has only one.
        revision: The commit that problems are read from. Its first digits are enough: they are completed to all 40 by
            the list of the repository's commits. None where no commit is known, so that the newest is taken, recorded,
            and marked as unverified.
        files: Files of JSON lines to read as they stand, for repositories that `datasets` cannot make a table of; rows
            of the same `id` are one. `split` and `name` say nothing then.
    """

    id: str
    split: str = "train"
    name: str | None = None
    revision: str | None = None
    files: tuple[str, ...] = ()


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
        read: Makes a problem of a row, of the dataset or of a file, and the row's number, from 0 on; None where the row
            is no problem of this task. What it raises of `KeyError`, `ValueError` and `TypeError` says that the row is
            malformed. Left out, columns go by the names that they usually have.
    """

    name: str
    about: str
    grader: Callable[[], Grader]
    prompt: str | Callable[[Problem], str] = READ_AS_IT_STANDS
    dataset: Dataset | None = None
    generate: Callable[[int, int], Sequence[Problem]] | None = None
    read: Callable[[Row, int], Problem | None] = read_problem

    def asked(self, problem: Problem) -> str:
        """The text of the user's turn that puts a problem."""
        if callable(self.prompt):
            return self.prompt(problem)
        # Not `format`, which would read braces of LaTeX.
        return self.prompt.replace("{problem}", problem.problem)
