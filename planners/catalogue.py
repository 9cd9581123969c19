"""The planners that can be named on a command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engines import UsageError

from .compiler.llm_compiler import LLMCompiler
from .planner import Planner, SinglePlanner


def _outline(seed: int | None) -> Planner:
    # Imported where it is wanted: most runs plan with another.
    from .outline import Outline

    return Outline().with_seed(seed)


def _scale(seed: int | None) -> Planner:
    from .scaling.scale import SCALE

    return SCALE().with_seed(seed)


PLANNERS: Mapping[str, Callable[[int | None], Planner]] = {
    "llm-compiler": lambda seed: LLMCompiler().with_seed(seed),
    "outline": _outline,
    "scale": _scale,
    "single": lambda seed: SinglePlanner(),
}


def planner_named(name: str, seed: int | None = None) -> Planner:
    """The planner called `name`, repeatable where there is a seed.

    Raises:
        UsageError: No planner is called so.
    """
    if name not in PLANNERS:
        raise UsageError(f"there is no planner {name!r}: choose from {', '.join(sorted(PLANNERS))}")
    return PLANNERS[name](seed)
