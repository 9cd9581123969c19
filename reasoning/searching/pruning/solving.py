"""Solves a problem: what can be decided at sight, HiGHS for the rest, and greedily where HiGHS fails.

It blocks, and belongs into a worker thread. Importing SciPy, on first use, takes most of a second more.
"""

from __future__ import annotations

import time

from .greedy import greedily
from .highs import load_solver, optimum
from .problem import Choice, Problem
from .reducing import Reduction


def solved(problem: Problem, seconds: float) -> Choice:
    """The best leaves to keep, at least one. Of equally good choices always the same.

    Args:
        problem: With at least one leaf.
        seconds: How long HiGHS may take in all; what it has not solved by then is chosen greedily.
    """
    reduction = Reduction(problem)
    rest = reduction.rest
    if seconds > 0 and (rest.leaves or not reduction.kept):
        load_solver()
    end = time.monotonic() + seconds
    choice = _solved(rest, seconds, least=0) if rest.leaves else Choice(())
    kept = [*reduction.kept, *(reduction.open[number] for number in choice.kept)]
    if not kept:
        # No leaf pays for itself, and what was left at sight may be the least bad.
        return _solved(problem, end - time.monotonic(), least=1)
    return Choice(tuple(sorted(kept)), choice.reason)


def _solved(problem: Problem, seconds: float, least: int) -> Choice:
    choice = optimum(problem, seconds, least=least)
    if not choice.reason:
        return choice
    return Choice(tuple(greedily(problem, least=least)), choice.reason)
