"""Lessons in arithmetic: an exercise, its wording, and how it is solved, each drawn for itself.

exercise ─> question ─┬─> ForkJoin, in a dialect of its own or by invitation
                      └─> ChainOfThought; without an instruction, it sends what a plain request for a reply sends
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from reasoning import ChainOfThought, ForkJoin
from reasoning.forking.dialect import MULTIVERSE

from ...lesson import Lesson, asked_of
from ..drawing import weighted
from .exercise import Exercise, fitting, product, several, sum_of_numbers, sum_of_products
from .settings import BARE_CHAIN, CHAIN, INVITED_PATHS, INVITED_THREADS, PATHS, THREADS
from .teacher import Chained, Forked
from .wording import TASK_INSTRUCTIONS, question
from .work import answers

_SPLIT: dict[Callable[[Random], Exercise], float] = {product: 6, sum_of_products: 2, several: 1.5}
_EXERCISES = {**_SPLIT, sum_of_numbers: 0.9}
# In a chain where there is none.
_METHODS: dict[ForkJoin | None, float] = {
    THREADS: 3,
    PATHS: 2.5,
    INVITED_THREADS: 0.8,
    INVITED_PATHS: 0.8,
    None: 3,
}
# A trie has at most 1,400 tokens, with a question and what a task says behind it: room for all of 4x4 digits.
ROOM = 1225
"""Tokens for what is written."""
# The same beside an invitation.
_LESS_ROOM = 950
# What programs say before a question; without it the chat template has a sentence of its own.
_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful AI assistant. Answer the user's questions.",
    "You are an expert in mathematics.",
    "Be concise.",
)
_WITH_SYSTEM = 0.08
_WITH_INSTRUCTION = 0.35
_PLAIN = 0.2


class Arithmetic:
    """Products, sums of products, and several questions in one; forked, and in one chain."""

    def lesson(self, random: Random) -> Lesson:
        """See `Skill`."""
        method = weighted(random, _METHODS)
        # Who is held to a block has to have something for it.
        held = method is not None and method.invited
        draw = weighted(random, _SPLIT if held else _EXERCISES)
        exercise = fitting(draw, random, room=_LESS_ROOM if held else ROOM, nested=method == PATHS)
        asked = question(random, exercise.expressions)
        told = random.random() < _WITH_INSTRUCTION
        if told:
            asked += random.choice(TASK_INSTRUCTIONS)
        system = random.choice(_SYSTEMS) if random.random() < _WITH_SYSTEM else ""
        if method is not None:
            return forked(exercise, asked, method, system)
        chain = BARE_CHAIN if told or random.random() < _PLAIN else CHAIN
        return chained(exercise, asked, chain, system)


def forked(exercise: Exercise, asked: str, method: ForkJoin, system: str = "") -> Lesson:
    """An exercise, in blocks.

    Args:
        exercise: What is to be found out.
        asked: The question for it.
        method: What asks it.
        system: What is said before it.
    """
    teacher = Forked(
        answers(exercise.expressions, in_parts=method.invited),
        exercise.answer,
        method.dialect,
        # Multiverse has labels for blocks in threads, and the grammar has no such blocks.
        nested=method.dialect == MULTIVERSE and not method.invited,
    )
    return Lesson(solve=asked_of(method, asked, system), reply=teacher)


def chained(exercise: Exercise, asked: str, method: ChainOfThought, system: str = "") -> Lesson:
    """An exercise, in one chain; the arguments are as those of `forked`."""
    teacher = Chained(answers(exercise.expressions), exercise.answer)
    return Lesson(solve=asked_of(method, asked, system), reply=teacher)
