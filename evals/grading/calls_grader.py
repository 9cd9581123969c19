"""Grades calls of functions, as the parallel part of the Berkeley Function-Calling Leaderboard does."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..errors import UnreadableAnswer
from ..problem import Problem
from .call_matching import Expected, WrittenCall, matches
from .call_reading import calls_in, read_calls, written


class CallsGrader:
    """Compares calls with a problem's `calls`, which its `data` has, in any order; without them, with its answer.

    They are the leaderboard's possible answers, or calls as they are written.
    """

    name = "calls"
    version = "1"

    def extract(self, text: str) -> str | None:
        """See `Grader`. The calls as Python, whatever they were written as."""
        calls = calls_in(text.rpartition("</think>")[2])
        return written(calls) if calls else None

    async def correct(self, problem: Problem, answer: str) -> bool:
        """See `Grader`.

        Raises:
            UnreadableAnswer: It is no list of calls.
        """
        calls = read_calls(answer)
        if calls is None:
            raise UnreadableAnswer(answer)
        return matches(calls, _expected(problem))

    async def same(self, first: str, second: str) -> bool:
        """See `Grader`."""
        one, other = read_calls(first), read_calls(second)
        if one is None or other is None:
            return first == second
        return matches(one, list(map(_exactly, other)))

    async def aclose(self) -> None:
        """See `Grader`."""


def _expected(problem: Problem) -> Sequence[Expected]:
    given = problem.data.get("calls")
    if given is None:
        try:
            given = json.loads(problem.answer)
        except ValueError:
            given = [problem.answer]
    expected: list[Expected] = []
    for one in given:
        if isinstance(one, dict):
            expected.append(one)
        else:
            expected.extend(map(_exactly, read_calls(str(one)) or ()))
    return expected


def _exactly(call: WrittenCall) -> Expected:
    return {call.name: {key: [value] for key, value in call.arguments.items()}}
