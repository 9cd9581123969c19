r"""Lessons in nested operations: an expression, how it is asked for, and its steps, in one chain or in threads.

(13-4)*(2+3) ─> question ─┬─> ChainOfThought ─> 13-4, 2+3, 9*5 ─> \boxed{45}
                          └─> ForkJoin ─┬─> 13-4 ─┐
                                        └─> 2+3  ─┴─> 9*5 ─> \boxed{45}

A sample of SelfConsistency is such a chain.
"""

from __future__ import annotations

from random import Random

from evals.tasks.nested_operations import Operation
from reasoning import ForkJoin, Method

from ...lesson import Lesson, asked_of
from ..drawing import weighted
from ..products.room import in_trie
from ..products.settings import (
    BARE_CHAIN,
    CHAIN,
    INVITED_PATHS,
    INVITED_THREADS,
    PATHS,
    THREADS,
)
from ..products.teacher import Chained, Forked
from ..products.wording import TASK_INSTRUCTIONS, USUAL_INSTRUCTION
from ..products.work import Work
from .drawing import USUAL, WIDER, Kind, drawn
from .steps import solution, step

# Tokens of all steps: so many that the answer has room where nobody says how much may be generated.
_ROOM = 480
# What evaluation sends is most of it.
_METHODS: dict[Method, float] = {
    BARE_CHAIN: 8,
    CHAIN: 2,
    THREADS: 0.5,
    PATHS: 0.5,
    INVITED_THREADS: 0.3,
    INVITED_PATHS: 0.3,
}
_KINDS: dict[Kind, float] = {USUAL: 4, WIDER: 1}
_WORDINGS = {
    "What is {}?": 10.0,
    "Calculate {}.": 1.0,
    "Compute {}.": 1.0,
    "Evaluate {}.": 0.5,
    "{} = ?": 0.3,
    "{}": 0.2,
}
_SPACES = {" ": 5.0, "": 1.0}
_OTHER_INSTRUCTION = 0.15
_INSTRUCTION_BEFORE_THREADS = 0.5


class Arithmetic:
    """Nested operations, most of them in one chain."""

    def lesson(self, random: Random) -> Lesson:
        """See `Skill`."""
        method = weighted(random, _METHODS)
        expression = _drawn(random, method)
        asked = weighted(random, _WORDINGS).format(expression.written(weighted(random, _SPACES)))
        told = method is BARE_CHAIN or (
            isinstance(method, ForkJoin) and random.random() < _INSTRUCTION_BEFORE_THREADS
        )
        if told:
            other = random.random() < _OTHER_INSTRUCTION
            asked += random.choice(TASK_INSTRUCTIONS) if other else USUAL_INSTRUCTION
        return lesson_of(expression, asked, method)


def lesson_of(expression: Operation, asked: str, method: Method) -> Lesson:
    """An expression, solved as a method asks for it.

    Args:
        expression: What is to be found out.
        asked: The question for it.
        method: A chain, or threads: one for each bracket where two can be solved at once.
    """
    answer = str(expression.value)
    if isinstance(method, ForkJoin):
        teacher = Forked(_in_threads(expression), answer, method.dialect, nested=False)
        return Lesson(solve=asked_of(method, asked), reply=teacher)
    chain = Chained(_in_turn(expression), answer)
    return Lesson(solve=asked_of(method, asked), reply=chain)


def _drawn(random: Random, method: Method) -> Operation:
    kind = weighted(random, _KINDS)
    while True:
        expression = drawn(random, kind)
        # Who is held to a block has to have something for it.
        held = isinstance(method, ForkJoin) and method.invited
        if (_brackets(expression) or not held) and in_trie(
            _in_turn(expression), nested=False
        ) <= _ROOM:
            return expression


def _in_turn(expression: Operation) -> Work:
    return Work(str(expression), solution(expression))


def _in_threads(expression: Operation) -> Work:
    brackets = _brackets(expression)
    if not brackets:
        return _in_turn(expression)
    left, right = brackets
    lines = step(expression.sign, left.value, right.value)
    return Work(str(expression), lines, tuple(map(_in_turn, brackets)))


def _brackets(expression: Operation) -> tuple[Operation, ...]:
    """Both sides of it, where both are operations."""
    sides = tuple(
        each for each in (expression.left, expression.right) if isinstance(each, Operation)
    )
    return sides if len(sides) > 1 else ()
