"""The Game of 24 and Countdown, as a tree search plays them: a step is a move, and a judge says which ones lead on."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from evals import Problem
from evals.tasks.puzzles import PUZZLES

from .drawing import game24, is_makeable
from .held_out import is_held_out
from .puzzle import Puzzle
from .skill import Games

SKILL = Games()


def held_out(seed: int, count: int) -> list[Problem]:
    """Games of 24 that no lesson has, each once; fewer than asked for where there are no more."""
    random = Random(seed)
    drawn: dict[Puzzle, None] = {}
    for _ in range(100 * count):
        if len(drawn) == count:
            break
        puzzle = game24(random)
        if is_held_out(puzzle) and is_makeable(puzzle):
            drawn[puzzle] = None
    return [puzzle.problem for puzzle in drawn]


TASK = replace(
    PUZZLES[0],
    name="games",
    about="Games of 24 that the embedded model has not practised on",
    dataset=None,
    generate=held_out,
)
