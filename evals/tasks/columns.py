"""A problem out of a row, whatever its columns are called. It knows no task, file or hub.

{"id": "a1", "problem": "2 + 2?", "answer": 4, "level": 1}     a row of a file of one's own
{"problem_idx": 1, "question": "2 + 2?", "gold": "4"}          as public datasets have them
                            │
Problem(id="a1", problem="2 + 2?", answer="4", data={"level": 1})
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..problem import Problem

Row = Mapping[str, Any]

ID = ("id", "problem_id")
PROBLEM = ("problem", "question", "Problem", "Question")
ANSWER = ("answer", "gold", "final_answer", "Answer")
ALSO = ("also", "answer_alt")


def read_problem(
    row: Row,
    number: int,
    *,
    named: Callable[[Row, int], str | None] | None = None,
    answer: Callable[[Row], str] | None = None,
    without: Iterable[str] = (),
) -> Problem:
    """The problem of a row; columns that are none of its own parts become its `data`.

    Args:
        row: A row.
        number: Its number, from 0 on.
        named: Makes the id where the row has no name of its own: a number says too little; None leaves that number, or
            the row's.
        answer: Reads the answer, where it takes more than reading a column.
        without: Columns to leave out of `data`.

    Raises:
        KeyError: A column is missing.
        ValueError: A column holds what cannot be meant.
    """
    used = {*ID, *PROBLEM, *ANSWER, *ALSO, *without}
    # Graders count with it, which must not fail when all is generated.
    if not isinstance(row.get("tolerance") or 0, int | float):
        raise ValueError(f"tolerance: {str(row['tolerance'])[:60]!r} is no number")
    return Problem(
        id=own_name(row) or (named and named(row, number)) or _numbered(row, number),
        problem=text_of(row, PROBLEM),
        answer=answer(row) if answer else text_of(row, ANSWER),
        also=_texts(first_of(row, ALSO, ())),
        data={name: value for name, value in row.items() if name not in used and _is_data(value)},
    )


def first_of(row: Row, names: Sequence[str], default: Any = None) -> Any:
    """What the first of these columns holds that is there, and not null."""
    return next((row[name] for name in names if row.get(name) is not None), default)


def text_of(row: Row, names: Sequence[str]) -> str:
    """What the first of these columns holds, as text; `27.0` is 27, and lists of one are what they hold.

    Raises:
        KeyError: There is none of them.
        ValueError: It holds no text.
    """
    value = first_of(row, names)
    if value is None:
        raise KeyError(names[0])
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{names[0]}: {json.dumps(value, default=str)[:60]} is no text or number")
    text = str(value).strip()
    if not text:
        raise ValueError(f"{names[0]}: is empty")
    return text


def own_name(row: Row) -> str | None:
    """The name that a row gives itself; None where it gives none, or a bare number."""
    name = first_of(row, ID)
    return name if isinstance(name, str) and name.strip() and not name.isdigit() else None


def _numbered(row: Row, number: int) -> str:
    return f"row-{number + 1}" if first_of(row, ID) is None else text_of(row, ID)


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(text_of({"also": value}, ALSO) for value in values)


def _is_data(value: Any) -> bool:
    """Whether it is worth keeping, and can be: pictures and the like cannot."""
    return isinstance(value, str | int | float | list | dict)
