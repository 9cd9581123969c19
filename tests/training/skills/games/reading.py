"""Reads what lessons on puzzles say without the code that writes it: by brute force, and by regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from random import Random

import anyio

from engines import Context, FakeEngine, Sampling
from training.lesson import Lesson, Said
from training.skills.games.drawing import practised
from training.skills.games.puzzle import Puzzle
from training.skills.games.skill import KINDS, lesson_of

_LINE = re.compile(r"(\S+) ([-+*/]) (\S+) = (\S+) \(left: ([^()]+)\)")


@dataclass(frozen=True)
class Call:
    """A call of a lesson.

    Attributes:
        turns: What was said before it: of the user, the model, the user, ... without the system's.
        said: What is replied.
    """

    turns: Sequence[str]
    said: Said

    @property
    def verifies(self) -> bool:
        """Whether it is about a thought, and no step."""
        return len(self.turns) > 2

    @property
    def thought(self) -> str:
        """The steps so far."""
        return self.turns[1]


def calls_of(lesson: Lesson) -> list[Call]:
    """All calls of a lesson, on an engine that needs no tokenizer."""
    calls: list[Call] = []

    def script(context: Context, sampling: Sampling) -> str:
        said = lesson.reply(context, sampling)
        said = Said(said) if isinstance(said, str) else said
        calls.append(Call([turn.text for turn in context.turns if turn.role != "system"], said))
        return said.text

    async def run() -> None:
        await lesson.solve(FakeEngine(script, chunk_tokens=1000))

    anyio.run(run)
    return calls


def practised_lessons(kinds: Sequence[int], count: int) -> list[tuple[Puzzle, list[Call]]]:
    """So many puzzles of each of these kinds, with the calls of a lesson."""
    lessons = []
    for seed in range(count):
        random = Random(seed)
        for kind in kinds:
            puzzle = practised(random, KINDS[kind].fits)
            lessons.append((puzzle, calls_of(lesson_of(puzzle, KINDS[kind], random))))
    return lessons


@lru_cache(maxsize=100_000)
def reaches(numbers: tuple[Fraction, ...], target: int) -> bool:
    """Whether the target can be made, by trying everything."""
    if len(numbers) == 1:
        return numbers[0] == target
    for i, j in combinations(range(len(numbers)), 2):
        rest = [number for k, number in enumerate(numbers) if k not in (i, j)]
        a, b = numbers[i], numbers[j]
        made = {a + b, a - b, b - a, a * b} | ({a / b} if b else set()) | ({b / a} if a else set())
        if any(reaches(tuple(sorted([*rest, value])), target) for value in made):
            return True
    return False


def left_after(puzzle: Puzzle, thought: str) -> tuple[Fraction, ...] | None:
    """What is left after the moves of a thought; None where one of them is wrong."""
    left = sorted(map(Fraction, puzzle.numbers))
    for line in thought.split("\n"):
        if "left" not in line:
            continue
        match = _LINE.fullmatch(line)
        assert match is not None, line
        first, operator, second, value, after = match.groups()
        a, b = Fraction(first), Fraction(second)
        results = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else None}
        left.remove(a)
        left.remove(b)
        left = sorted([*left, Fraction(value)])
        if results[operator] != Fraction(value) or left != [Fraction(n) for n in after.split()]:
            return None
    return tuple(left)
