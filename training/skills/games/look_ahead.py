"""What can be made of one, two or three whole numbers, as it is written out: short, and every step a look-up. Pure.

    6 6: 12 0 36 1 with 5: 19 29          what can 6 and 6 be? what must they be for 24, with 5?
    5 6: 11 1 30 with 6: 18 30 yes        30 is both

With c, the others have to make 24 - c or c - 24, 24 + c, 24 * c, 24 / c or c / 24, of which only whole ones count:
where a fraction of whole numbers would do, another of these lines says so without one. A product is left out where it
is beyond all that could be needed, and 24 * c where it is beyond all that can be made: these are the hard ones to work
out, and nobody has to know more of them than how large they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

YES, NO = "yes", "none"
"""The last word: whether the target can be made."""


def look_ahead(numbers: Sequence[int], target: int) -> str:
    """What can be made of these, written out.

    Args:
        numbers: One to three, not below 0, in order.
        target: Above 0.

    >>> print(look_ahead([5, 6, 6], 24))
    6 6: 12 0 36 1 with 5: 19 29
    5 6: 11 1 30 with 6: 18 30 yes
    >>> print(look_ahead([6, 7], 24), look_ahead([24], 24), sep=chr(10))
    7: 7 with 6: 18 30 4 none
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
        not set(made).isdisjoint(_needed(number, target, max(made)))
        for number, others in _splits(numbers)
        for made in [_made(others, _most(number, target))]
    )


def _splits(numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    """Each number once, and what is with it; of two, the smaller one is enough."""
    for place, number in enumerate(numbers[:1] if len(numbers) == 2 else numbers):
        if number not in numbers[:place]:
            yield number, (*numbers[:place], *numbers[place + 1 :])


def _line(number: int, others: Sequence[int], target: int) -> tuple[str, bool]:
    made = _made(others, _most(number, target))
    line = f"{_listed(others)}: {_listed(made)} with {number}:"
    for value in _needed(number, target, max(made)):
        line += f" {value}"
        if value in made:
            return f"{line} {YES}", True
    return line, False


def _most(number: int, target: int) -> int:
    """The most that can be needed of what is with a number."""
    return max(target + number, target * number)


def _made(numbers: Sequence[int], most: int) -> list[int]:
    """The whole numbers that one number is, or two numbers can make, without a product that is more than the most."""
    if len(numbers) == 1:
        return [*numbers]
    low, high = numbers
    values = [low + high, high - low]
    if low * high <= most:
        values.append(low * high)
    if low and high % low == 0:
        values.append(high // low)
    return values


def _needed(number: int, target: int, most: int) -> list[int]:
    """What has to be made to go with a number, each once, without a product that is more than the most."""
    if number == 0:
        return [target]
    values = [abs(target - number), target + number]
    if target * number <= most:
        values.append(target * number)
    if target % number == 0:
        values.append(target // number)
    if number % target == 0:
        values.append(number // target)
    return [*dict.fromkeys(values)]


def _listed(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))
