"""How problems are drawn: those for training, and those that are held out. Pure."""

from __future__ import annotations

from random import Random

from .nouns import Nouns
from .situation import WordProblem
from .situations.catalogue import SITUATIONS


def drawn_problem(random: Random, *, held_out: bool) -> WordProblem:
    """A problem of a template, with names and things, that are all held out, or none of which is."""
    while True:
        template = random.choice(SITUATIONS).template(random)
        if template.held_out != held_out:
            continue
        problem = template.problem(
            random, Nouns(random, held_out=held_out, pools=template.situation.pools)
        )
        if problem is not None:
            return problem
