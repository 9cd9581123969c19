"""The skill, the methods that it is for, and problems to measure it by."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from evals import Problem, Task
from evals.grading.math_grader import MathGrader
from reasoning import ParaThinker, Synthesise
from reasoning.chain_of_thought import INSTRUCTION

from ...lesson import Lesson
from ..drawing import weighted
from ..products.settings import CHAIN
from .lessons import TAIL_TOKENS, judging, summarising, thinking

SUMMARY = Synthesise(sampling=CHAIN.sampling, tail_tokens=TAIL_TOKENS)
"""Reads the ends of threads, and picks."""

DIVERSE = ParaThinker(method=CHAIN, hints="strategies", reducer=SUMMARY, tuned="no")
"""Four threads, each in a way of its own, and a summary."""

_LEVELS = ((5, 4), (5, 5), (6, 5), (6, 6))
_LESSONS = {thinking: 0.5, summarising: 0.4, judging: 0.1}


class Paths:
    """Threads, summaries of threads, and verdicts on them."""

    def lesson(self, random: Random) -> Lesson:
        """See `Skill`."""
        return weighted(random, _LESSONS)(random)


SKILL = Paths()


def longer_products(
    seed: int, count: int, levels: Sequence[tuple[int, int]] = _LEVELS
) -> list[Problem]:
    """Products of numbers that are longer than in any lesson: one of each level in turn.

    Args:
        seed: Other seeds give other problems.
        count: How many.
        levels: How many digits the two numbers have.
    """
    problems = []
    for number in range(count):
        digits = levels[number % len(levels)]
        chance = Random(f"longer/{seed}/{number}")
        a, b = (chance.randrange(10 ** (n - 1), 10**n) for n in digits)
        problems.append(
            Problem(
                id=f"longer-{seed}-{number:04d}",
                problem=f"What is {a} * {b}?",
                answer=str(a * b),
                data={"digits": list(digits)},
            )
        )
    return problems


LONGER = Task(
    name="longer-products",
    about="products of numbers with more digits than were trained on, 5x4 to 6x6",
    grader=MathGrader,
    prompt="{problem}" + INSTRUCTION,
    generate=longer_products,
)
"""Problems at which a single chain often fails."""
