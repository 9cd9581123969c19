"""Outlines with a mistake in them, for the model to pass over when it selects one. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from .outlines import Outlined, Step


def spoilt(outlined: Outlined, random: Random) -> Outlined:
    """A copy with a wrong digit, or where there are two steps before the last, one left out or a need too many."""
    ways: list[Callable[[Outlined, Random], Outlined]] = [_misread]
    if len(outlined.steps) > 2:
        ways.append(_in_a_row)
        if not any(step.needs for step in outlined.steps[:-1]):
            ways.append(_incomplete)
    return random.choice(ways)(outlined, random)


def _misread(outlined: Outlined, random: Random) -> Outlined:
    """One digit of what is given, or of what a step is to find, is another."""
    # The last step becomes the question, whatever is said of it.
    place = random.randrange(len(outlined.steps))
    if place == len(outlined.steps) - 1:
        return replace(outlined, conditions=_other_digit(outlined.conditions, random))
    step = outlined.steps[place]
    return _with(outlined, place, replace(step, task=_other_digit(step.task, random)))


def _incomplete(outlined: Outlined, random: Random) -> Outlined:
    """A step is missing, whose result the last one does not ask for then."""
    place = random.randrange(len(outlined.steps) - 1)
    *first, last = (step for at, step in enumerate(outlined.steps) if at != place)
    needs = tuple(range(1, len(first) + 1))
    return replace(outlined, steps=(*first, replace(last, needs=needs)))


def _in_a_row(outlined: Outlined, random: Random) -> Outlined:
    """A step waits for one before it of which it uses nothing."""
    last = len(outlined.steps) - 1
    free = [at for at in range(1, last) if at not in outlined.steps[at].needs]
    if not free:
        # Each needs the one before already; the last needs too much.
        return _with(outlined, last, replace(outlined.steps[last], needs=tuple(range(1, last + 1))))
    place = random.choice(free)
    step = outlined.steps[place]
    return _with(outlined, place, replace(step, needs=tuple(sorted({*step.needs, place}))))


def _with(outlined: Outlined, place: int, step: Step) -> Outlined:
    steps = outlined.steps
    return replace(outlined, steps=(*steps[:place], step, *steps[place + 1 :]))


def _other_digit(text: str, random: Random) -> str:
    # A first digit becomes no 0.
    found = random.choice(list(re.finditer(r"\d", text)))
    digits = [digit for digit in "123456789" if digit != found[0]]
    return text[: found.start()] + random.choice(digits) + text[found.end() :]
