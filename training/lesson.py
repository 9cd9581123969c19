"""What is to be learnt: a question put to a method, and what a model that masters it would say at each call.

It does not know how prompts look: the method makes them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Protocol

from engines import Context, Engine, Role, Sampling, converse
from reasoning import Answer, Method


@dataclass(frozen=True, slots=True)
class Said:
    """What the teacher says at a call.

    Attributes:
        text: The whole of it; what ends a call, such as a tag, stands in it where the model has to write it.
        learned: Whether the model is to say it too. What is only there to be read, such as a thread with a mistake in
            it for a summary to pass over, is not.
    """

    text: str
    learned: bool = True


Reply = Callable[[Context, Sampling], Said | str]
"""Says what belongs after a context; its path tells which call it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A question, and how it is solved.

    Attributes:
        solve: Puts the question to a method, a planner or an agent, as a user of forkjoin would.
        reply: What is said at each of its calls.
    """

    solve: Callable[[Engine], Awaitable[object]]
    reply: Reply


def asked_of(
    method: Method, question: str, system: str = ""
) -> Callable[[Engine], Awaitable[Answer]]:
    """Puts a question to a method, as a user's only turn, after what the system says, if anything."""
    return partial(_solve, method, question, system)


async def _solve(method: Method, question: str, system: str, engine: Engine) -> Answer:
    before: list[tuple[Role, str]] = [("system", system)] if system else []
    context = await converse(engine, [*before, ("user", question)], name="question")
    return await method.solve(context, engine)


def together(lessons: Sequence[Lesson]) -> Lesson:
    """Several as one, gone through one after another: what their prompts have in common is computed once."""
    series = _Series(lessons)
    return Lesson(solve=series.solve, reply=series.reply)


class _Series:
    """Lessons of which one is at hand; what is said is said by that one."""

    def __init__(self, lessons: Sequence[Lesson]) -> None:
        self._lessons = lessons
        self._at_hand = lessons[0]

    async def solve(self, engine: Engine) -> list[object]:
        results = []
        for lesson in self._lessons:
            self._at_hand = lesson
            results.append(await lesson.solve(engine))
        return results

    def reply(self, context: Context, sampling: Sampling) -> Said | str:
        return self._at_hand.reply(context, sampling)


class Skill(Protocol):
    """Makes lessons of one kind."""

    def lesson(self, random: Random) -> Lesson:
        """A lesson that depends on what is drawn from `random` only; never one of those that are held out."""
        ...
