"""How problems are drawn: those for training, and those that are held out. Pure."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from .nouns import Nouns
from .situation import WordProblem
from .situations.catalogue import SITUATIONS
from .steps import Result, Step

# The question of `make run` is shown to people, and so held out with its numbers.
_SHOWN = (Step("*", Fraction(12), Fraction(7)), Step("+", Result(1), Fraction(38)))


def drawn_problem(random: Random, *, held_out: bool) -> WordProblem:
    """A problem of a template, with names and things, that are all held out, or none of which is."""
    while True:
        template = random.choice(SITUATIONS).template(random)
        if template.held_out != held_out:
            continue
        problem = template.problem(random, Nouns(random, held_out=held_out))
        if problem is not None and problem.steps != _SHOWN:
            return problem
