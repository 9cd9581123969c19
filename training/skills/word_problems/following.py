"""Questions that go on from an answer: what they refer to stands in the conversation before them. Pure.

"... How many apples are there?"  "122"  ─> "And if 12 of those are sold, how many remain?"  122 - 12
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from random import Random

from engines import Role

from .situation import WordProblem
from .steps import results_of, steps_of
from .written_numbers import shortest

_LARGEST = 100_000
_FOLLOWING: Mapping[str, Sequence[str]] = {
    "r+n": (
        "And how many is that with {n} more?",
        "Now {n} are added. How many is that?",
        "What if it were {n} more?",
        "Add {n} to that.",
    ),
    "r-n": (
        "And if {n} of those are taken away, how many remain?",
        "Then {n} of them are lost. How many are left?",
        "What if it were {n} fewer?",
        "Subtract {n} from that.",
    ),
    "r*n": (
        "And {n} times as many?",
        "What is {n} times that number?",
        "How many is that if it happens {n} times?",
        "Multiply that by {n}.",
    ),
    "r/n": (
        "And if that is shared equally by {n} people, how much does each get?",
        "How many is that for each of {n} groups?",
        "Divide it by {n}.",
    ),
    "r*2": ("What is twice that?", "And double that number?", "How many would two of these be?"),
    "r/2": ("And what is half of that?", "How many is one half of them?"),
    "r-r/4": ("A quarter of that is lost. How many remain?", "And without a fourth of it?"),
    "(r+n)*2": ("Add {n} to that. What is twice the result?", "Take {n} more than that, and double it."),
}  # fmt: skip


def following(problem: WordProblem, random: Random) -> WordProblem | None:
    """A question about the answer of a problem; None if the numbers do not suit the one that was drawn."""
    formula, wordings = random.choice(list(_FOLLOWING.items()))
    values = {"r": problem.answer, "n": Fraction(random.randint(2, 30))}
    steps = steps_of(formula, values, ("r", "n"))
    if not all(0 < one <= _LARGEST and one.denominator == 1 for one in results_of(steps)):
        return None
    text = random.choice(wordings).format(n=values["n"])
    before: tuple[tuple[Role, str], ...] = (
        ("user", problem.text),
        ("assistant", shortest(problem.answer)),
    )
    return WordProblem(text, steps, f"following|{formula}", before=before)
