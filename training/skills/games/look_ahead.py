"""What can be made of one, two or three whole numbers, as it is written out: short, and every step a look-up. Pure.

    5: 19 29 of 6 6: 12 0 36 1            with 5, what must the others be for 24? what can 6 and 6 be?
    6: 18 30 4 of 5 6: 11 1 30 yes        30 is both

With c left, the others have to make 24 - c or c - 24, 24 + c, 24 * c, 24 / c or c / 24, of which only whole ones count:
where a fraction of whole numbers would do, another of these lines says so without one. A product beyond what the
others can be at all is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

YES, NO = "yes", "none"
"""The last word: whether the target can be made."""


def look_ahead(numbers: Sequence[int], target: int) -> str:
    """What can be made of these, written out.

    Args:
        numbers: One to three, not below 0, in order.
        target: Above 0.

    >>> print(look_ahead([5, 6, 6], 24))
    5: 19 29 of 6 6: 12 0 36 1
    6: 18 30 4 of 5 6: 11 1 30 yes
    >>> print(look_ahead([6, 7], 24), look_ahead([24], 24), sep=chr(10))
    6: 18 30 4 of 7: 7 none
    24 yes
    """
    if len(numbers) == 1:
        return f"{numbers[0]} {YES if numbers[0] == target else NO}"
    lines = []
    for number, others in _splits(numbers):
        line, found = _line(number, others, target)
        lines.append(line)
        if found:
            return "\n".join(lines)
    return "\n".join(lines) + f" {NO}"


def can_make(numbers: Sequence[int], target: int) -> bool:
    """Whether the target can be made of one to three whole numbers, not below 0 and in order."""
    if len(numbers) == 1:
        return numbers[0] == target
    return any(
        not _needed(number, others, target).isdisjoint(_made(others))
        for number, others in _splits(numbers)
    )


def _splits(numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    """Each number once, and what is with it; of two, the smaller one is enough."""
    for place, number in enumerate(numbers[:1] if len(numbers) == 2 else numbers):
        if number not in numbers[:place]:
            yield number, (*numbers[:place], *numbers[place + 1 :])


def _line(number: int, others: Sequence[int], target: int) -> tuple[str, bool]:
    needed = _needed(number, others, target)
    line = f"{number}: {_listed(needed)} of {_listed(others)}:"
    for value in _made(others):
        line += f" {value}"
        if value in needed:
            return f"{line} {YES}", True
    return line, False


def _needed(number: int, others: Sequence[int], target: int) -> Set[int]:
    """What the others have to make, in the order in which it is written."""
    if number == 0:
        return {target: None}.keys()
    values = [abs(target - number), target + number]
    if target * number <= max(_made(others)):
        values.append(target * number)
    if target % number == 0:
        values.append(target // number)
    if number % target == 0:
        values.append(number // target)
    return dict.fromkeys(values).keys()


def _made(numbers: Sequence[int]) -> list[int]:
    """The whole numbers that one number is, or two numbers can make, in the order in which they are written."""
    if len(numbers) == 1:
        return [*numbers]
    low, high = numbers
    values = [low + high, high - low, low * high]
    return [*values, high // low] if low and high % low == 0 else values


def _listed(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))
