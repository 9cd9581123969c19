"""Numbers to make a number of: the Game of 24, and Countdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..grading.expression_grader import ExpressionGrader
from ..problem import Problem
from ..task import Dataset, Task
from .columns import ANSWER, Row, first_of, own_name, text_of
from .prompts import EXPRESSION

_NUMBERS = ("numbers", "nums", "Puzzles", "problem")


def _asked(problem: Problem) -> str:
    numbers = ", ".join(map(str, problem.data["numbers"]))
    return EXPRESSION.replace("{numbers}", numbers).replace("{target}", str(problem.data["target"]))


def _read_game24(row: Row, number: int) -> Problem:
    """A file of the Tree of Thoughts has a rank, counted from 1, and the four numbers as text."""
    numbers = _numbers_of(row)
    name = (
        own_name(row) or f"game24-{_whole('rank', first_of(row, ['rank', 'Rank'], number + 1)):04d}"
    )
    return _puzzle(row, name, " ".join(map(str, numbers)), numbers, 24)


def _read_countdown(row: Row, number: int) -> Problem:
    numbers = _numbers_of(row)
    target = _whole("target", text_of(row, ["target"]))
    name = own_name(row) or f"countdown-{number:06d}"
    return _puzzle(row, name, f"Numbers: {numbers}  Target: {target}", numbers, target)


def _puzzle(row: Row, name: str, text: str, numbers: Sequence[int], target: int) -> Problem:
    rest = {
        key: row[key]
        for key in ("source", "rank", "human_solved_rate", "tot_test_split")
        if key in row
    }
    return Problem(
        id=name,
        problem=text,
        # Any expression that makes it is right; a file may have one.
        answer=str(first_of(row, ANSWER, target)),
        data={"numbers": list(numbers), "target": target, **rest},
    )


def _numbers_of(row: Row) -> list[int]:
    """The numbers of a list, or in a text.

    Raises:
        KeyError: There are none.
        ValueError: There are fewer than two, or others than whole ones.
    """
    found = first_of(row, _NUMBERS)
    if found is None:
        raise KeyError("numbers")
    words = re.split(r"[\s,]+", found.strip()) if isinstance(found, str) else found
    numbers = [_whole("numbers", word) for word in words]
    if len(numbers) < 2:
        raise ValueError(f"numbers: {found!r} are fewer than two")
    return numbers


def _whole(field: str, value: object) -> int:
    try:
        # By its text, since the integer of 4.5 is 4.
        return int(str(value))
    except ValueError:
        raise ValueError(f"{field}: {value!r} is no whole number") from None


PUZZLES = (
    Task(
        name="game24",
        about="Game of 24, 1,362 puzzles by how many people solve them",
        grader=ExpressionGrader,
        prompt=_asked,
        # No commit of it is known that has the table.
        dataset=Dataset(id="test-time-compute/game-of-24"),
        read=_read_game24,
    ),
    Task(
        name="countdown",
        about="Countdown of three or four numbers, the 1,024 puzzles that TinyZero left for tests",
        grader=ExpressionGrader,
        prompt=_asked,
        dataset=Dataset(
            id="Jiayi-Pan/Countdown-Tasks-3to4",
            split="train[327680:328704]",
            revision="408f70d177020686d34a56bba5952feb45aaaee4",
        ),
        read=_read_countdown,
    ),
)
"""Puzzles whose answer is an expression."""
