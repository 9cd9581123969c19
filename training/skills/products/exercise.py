"""Draws what is asked: products, sums of products, several questions in one; held-out ones or none of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from ..drawing import weighted
from .expression import Expression, Term
from .room import in_trie
from .work import answers

# Digits of the two factors, and how often: those that are measured most, and a digit with longer numbers, too.
_PRODUCTS = {
    (3, 3): 8, (4, 3): 8, (4, 4): 2, (4, 2): 2, (3, 2): 3, (2, 2): 2, (2, 3): 1.5, (2, 4): 1, (3, 4): 1,
    (2, 1): 1, (3, 1): 1, (4, 1): 1, (5, 1): 0.5, (6, 1): 0.5, (8, 1): 0.5, (5, 2): 0.5, (5, 3): 0.5,
    (1, 1): 0.7, (1, 2): 0.5, (1, 3): 0.5, (1, 4): 0.5,
}  # fmt: skip
_MEASURED = {(3, 3): 1, (4, 3): 1}
_IN_SUMS = {(2, 1): 2, (3, 1): 2, (2, 2): 3, (3, 2): 3, (4, 1): 1, (4, 2): 1, (3, 3): 1, (1, 2): 1}
_MEASURED_IN_SUMS = {(2, 2): 1, (3, 2): 1}
_TERMS = {2: 5, 3: 3, 4: 2}
_QUESTIONS = {2: 5, 3: 4, 4: 2}
_ODD_NUMBERS = 0.15
_TAKEN = 0.25
_PLAIN_TERMS = 0.1
_PLAIN_QUESTIONS = 0.35
_ADDED = {2: 4, 3: 2, 4: 2, 5: 1}
_LONGEST_ADDED = 10
_ROUND_NUMBERS = 0.04
_MOST_ZEROS = 6
# What is longer, `paths.LONGER` has.
_ROUNDED = 10_000


@dataclass(frozen=True, slots=True)
class Exercise:
    """What is asked.

    Attributes:
        expressions: One for each question.
    """

    expressions: tuple[Expression, ...]

    @property
    def answer(self) -> str:
        """The values, with commas between them."""
        return ", ".join(str(each.value) for each in self.expressions)


def product(random: Random, *, held_out: bool = False) -> Exercise:
    """One product; of those that are held out, one of those that are measured."""
    return Exercise((_product(random, _MEASURED if held_out else _PRODUCTS, held_out),))


def sum_of_products(random: Random, *, held_out: bool = False) -> Exercise:
    """Two to four terms, most of them products, some taken away; of those that are held out, products only."""
    return Exercise((_sum(random, held_out),))


def sum_of_numbers(random: Random) -> Exercise:
    """Two to five numbers that may be long, added, or the smaller of two taken from the larger."""
    count = weighted(random, _ADDED)
    if count == 2:
        return Exercise((_plain(random, _LONGEST_ADDED),))
    numbers = (_number(random, random.randint(1, _LONGEST_ADDED)) for _ in range(count))
    return Exercise((Expression(tuple(Term((number,)) for number in numbers)),))


def several(random: Random, *, held_out: bool = False) -> Exercise:
    """Two to four questions: products, at least one, and sums or differences of two numbers."""
    sizes = _MEASURED_IN_SUMS if held_out else _IN_SUMS
    questions = [_product(random, sizes, held_out)]
    for _ in range(weighted(random, _QUESTIONS) - 1):
        plain = random.random() < _PLAIN_QUESTIONS
        questions.append(_plain(random) if plain else _product(random, sizes, held_out))
    random.shuffle(questions)
    return Exercise(tuple(questions))


def fitting(
    draw: Callable[[Random], Exercise], random: Random, *, room: int, nested: bool = False
) -> Exercise:
    """Draws until there is room for all that has to be written, in threads.

    Args:
        draw: Draws one.
        random: For it.
        room: Tokens in a trie.
        nested: Whether threads have threads.
    """
    while True:
        exercise = draw(random)
        if in_trie(answers(exercise.expressions), nested=nested) <= room:
            return exercise


def _sum(random: Random, held_out: bool) -> Expression:
    sizes = _MEASURED_IN_SUMS if held_out else _IN_SUMS
    plain = 0.0 if held_out else _PLAIN_TERMS
    while True:
        terms = list(_product(random, sizes, held_out).terms)
        for _ in range(weighted(random, _TERMS) - 1):
            terms.append(
                Term((_number(random, random.randint(1, 4)),))
                if random.random() < plain
                else _product(random, sizes, held_out).terms[0]
            )
        random.shuffle(terms)
        first, *others = terms
        signed = (Term(term.factors, random.random() < _TAKEN) for term in others)
        drawn = Expression((first, *signed))
        if drawn.value > 0:
            return drawn


def _product(random: Random, sizes: Mapping[tuple[int, int], float], held_out: bool) -> Expression:
    number = _uniform if held_out else _number
    while True:
        a, b = (number(random, digits) for digits in weighted(random, sizes))
        if not held_out and a < _ROUNDED and random.random() < _ROUND_NUMBERS:
            b = _round(random)
        term = Term((a, b))
        if term.is_held_out == held_out:
            return Expression((term,))


def _plain(random: Random, longest: int = 5) -> Expression:
    numbers = [_number(random, random.randint(1, longest)) for _ in range(2)]
    taken = random.random() < 0.5
    if taken:
        numbers.sort(reverse=True)
    first, second = numbers
    return Expression((Term((first,)), Term((second,), taken)))


def _round(random: Random) -> int:
    """A digit with zeros behind it."""
    return int(str(random.randrange(1, 10)) + "0" * random.randint(1, _MOST_ZEROS))


def _uniform(random: Random, digits: int) -> int:
    """A number of so many digits."""
    least = 10 ** (digits - 1) if digits > 1 else 0
    return random.randrange(least, 10**digits)


def _number(random: Random, digits: int) -> int:
    """A number of so many digits, now and then one of the odd kind: with zeros, with the same digit again."""
    number = _uniform(random, digits)
    if digits == 1 or random.random() >= _ODD_NUMBERS:
        return number
    written = list(str(number))
    place = random.randrange(1, digits)
    digit = random.choice(["0", written[0]])
    # At one place, or from there to the end.
    end = random.choice([place + 1, digits])
    written[place:end] = digit * (end - place)
    return int("".join(written))
