"""Rows become problems; those that are none are told by their place, and the rest is used. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from ..problem import Problem
from .columns import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRow:
    """A row, and where it stands.

    Attributes:
        place: For a person, such as `FILE line 7`.
        row: What stands there; as text, why it is no row.
    """

    place: str
    row: Row | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What became of rows.

    Attributes:
        problems: In the rows' order.
        skipped: The rows that are no problems, with their places and reasons.
    """

    problems: tuple[Problem, ...]
    skipped: tuple[str, ...]


def gathered(
    rows: Iterable[PlacedRow], read: Callable[[Row, int], Problem | None], limit: int | None
) -> Gathered:
    """The problems of rows.

    Args:
        rows: From the first to the last.
        read: Makes a problem of a row and its number, as `Task.read` does.
        limit: How many problems are enough; no row behind them is read.
    """
    problems: dict[str, Problem] = {}
    skipped: list[str] = []
    for number, placed in enumerate(rows):
        if len(problems) == limit:
            break
        try:
            problem = _problem(placed.row, number, read)
            if problem is not None and problem.id in problems:
                raise ValueError(f"the id {problem.id!r} is there already")
        except (KeyError, ValueError, TypeError) as error:
            skipped.append(f"{placed.place}: {_reason(error)}")
        else:
            if problem is not None:
                problems[problem.id] = problem
    return Gathered(problems=tuple(problems.values()), skipped=tuple(skipped))


def _problem(
    row: Row | str, number: int, read: Callable[[Row, int], Problem | None]
) -> Problem | None:
    if isinstance(row, str):
        raise ValueError(row)
    problem = read(row, number)
    if problem is not None and not problem.answer:
        raise ValueError("answer: is empty")
    return problem


def _reason(error: KeyError | ValueError | TypeError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"{error.args[0]}: is missing"
    return str(error)
