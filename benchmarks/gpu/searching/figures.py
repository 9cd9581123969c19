"""What is told of searches that were compared: blocks, tokens a second, searches a minute. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from ..errors import require
from ..figure import Figure
from ..timing import ratio
from .runs import Found

# From there on the engine may have made calls wait.
_FULL = 0.9

Rounds = Sequence[Found]
"""What came of the same searches, round by round."""


def fewer_blocks(
    name: str, own: Rounds, base: Rounds, beside: str, goal: float | None = None
) -> Figure:
    """How many times fewer blocks the searches of a rule take than those of another one.

    Raises:
        Mismeasured: There was no room for all that they wanted.
    """
    for found in (*own, *base):
        filled = found.use.peak / found.use.blocks
        require(filled < _FULL, f"{name}: {filled:.0%} of the KV cache were in use")
    return Figure(
        what=f"{name}: fewer KV blocks, mean",
        beside=beside,
        value=_ratio(base, own, _mean),
        goal=goal,
        detail=f"{_beside(own, base, _mean)} blocks for {own[0].problems} searches, "
        f"peak {_beside(own, base, _peak)} ({_ratio(base, own, _peak):.2f}x), "
        f"of the tree that is kept {_beside(own, base, _kept)} a search "
        f"({_ratio(base, own, _kept):.2f}x); {_speeds(own, base)}",
        data=_data(own, base),
    )


def without_barriers(name: str, own: Rounds, base: Rounds) -> Figure:
    """How many more tokens a second searches generate that wait for a part of each wave."""
    return Figure(
        what=f"{name}, waves wait for {own[0].fraction:.0%}: tokens/s",
        beside="with barriers",
        value=_ratio(own, base, _speed),
        detail=f"{_speeds(own, base)} in {_beside(own, base, _seconds, '.1f')} s; "
        f"blocks {_beside(own, base, _mean)}, peak {_beside(own, base, _peak)}",
        data=_data(own, base),
    )


def sooner(name: str, own: Rounds, base: Rounds, beside: str, goal: float) -> Figure:
    """How many times more searches a rule has done in a time than another one."""
    return Figure(
        what=f"{name}: searches a minute in {own[0].use.blocks + 1:,} blocks",
        beside=beside,
        value=_ratio(base, own, _seconds),
        goal=goal,
        detail=f"{_beside(own, base, _searches_a_minute, '.1f')} a minute, {_speeds(own, base)}; "
        f"{_beside(own, base, _running)} calls ran and {_beside(own, base, _waiting)} waited; "
        f"{_beside(own, base, _computed)} tokens of prompts were computed",
        data=_data(own, base),
    )


def _beside(own: Rounds, base: Rounds, of: Callable[[Found], float], form: str = ",.0f") -> str:
    numbers = (median(of(found) for found in rounds) for rounds in (own, base))
    return " beside ".join(format(number, form) for number in numbers)


def _ratio(over: Rounds, under: Rounds, of: Callable[[Found], float]) -> float:
    return ratio([of(found) for found in over], [of(found) for found in under])


def _speeds(own: Rounds, base: Rounds) -> str:
    return f"{_beside(own, base, _speed)} tokens/s"


def _data(own: Rounds, base: Rounds) -> dict[str, list[dict[str, float]]]:
    return {
        "own": [found.to_json() for found in own],
        "beside": [found.to_json() for found in base],
    }


def _mean(found: Found) -> float:
    return found.use.mean


def _peak(found: Found) -> float:
    return found.use.peak


def _running(found: Found) -> float:
    return found.use.running


def _waiting(found: Found) -> float:
    return found.use.waiting


def _kept(found: Found) -> float:
    return found.kept or 0.0


def _seconds(found: Found) -> float:
    return found.seconds


def _speed(found: Found) -> float:
    return found.tokens_per_second


def _searches_a_minute(found: Found) -> float:
    return 60 * found.problems / found.seconds


def _computed(found: Found) -> float:
    return found.computed
