"""What a method's configuration tells of its work: how many threads, and how long each may get. Pure.

self-consistency   ─┬─ call                      tree search   ─┬─ step ── step ── ... max_depth
         samples    └─ call                           width     └─ step ── step ── ... max_tokens

Workers that write side by side are threads too, also where all of them are one call of the engine, which takes as long
as the longest of them. What a method does after its threads or beside them, such as to sum them up or to score steps,
and how often a model forks by itself, only earlier runs tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from reasoning import GuidedSteps, Method, ModelSteps, TreeSearch

COUNTS = ("samples", "threads", "prompts", "workers")
"""What methods call the number of their threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a method does at most.

    Attributes:
        threads: How many run side by side.
        calls: How many calls of the engine a thread makes, one after another.
        tokens: What these generate together; None where the limit of a call says it.
    """

    threads: int = 1
    calls: int = 1
    tokens: int | None = None


def shape_of(method: Method) -> Shape:
    """The shape of a method, threads of a method inside of it counted too.

    A search is one thread for each step that it takes at once, though steps of one thread may go on with another's:
    it does no more than that, and less where thoughts end early.

    >>> from reasoning import ParaThinker, SelfConsistency
    >>> shape_of(SelfConsistency(samples=8, method=ParaThinker(threads=4))).threads
    32
    >>> shape_of(TreeSearch(width=64, max_depth=3, stepper=ModelSteps(step_tokens=32)))
    Shape(threads=64, calls=3, tokens=96)
    """
    if isinstance(method, TreeSearch):
        return _shape_of_search(method)
    own = next((getattr(method, name) for name in COUNTS if hasattr(method, name)), 1)
    inner: Method | None = getattr(method, "method", None)
    if inner is None:
        return Shape(threads=own)
    inside = shape_of(inner)
    return replace(inside, threads=own * inside.threads)


def _shape_of_search(search: TreeSearch) -> Shape:
    stepper = search.stepper
    if isinstance(stepper, GuidedSteps):
        stepper = stepper.steps
    if not isinstance(stepper, ModelSteps):
        return Shape(threads=search.width, calls=search.max_depth, tokens=search.max_tokens)
    tokens = min(search.max_tokens, search.max_depth * stepper.step_tokens)
    calls = math.ceil(tokens / stepper.step_tokens)
    return Shape(threads=search.width, calls=calls, tokens=tokens)
