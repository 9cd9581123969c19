r"""How people ask for arithmetic: signs, words, templates, and what a task says behind the question. Pure.

12*34+5 ─> "12 x 34 + 5" ─> "What is 12 x 34 + 5?" ─> "What is 12 x 34 + 5?\n\nPut the final answer within \boxed{}."
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from evals.tasks.prompts import MATHEMATICS
from reasoning.chain_of_thought import INSTRUCTION

from .expression import Expression, Term

USUAL_INSTRUCTION = MATHEMATICS.removeprefix("{problem}")
"""What tasks of mathematics say of how to answer."""

TASK_INSTRUCTIONS = (
    INSTRUCTION,
    USUAL_INSTRUCTION,
    "\n\nPut the final answer within \\boxed{}.",
    "\n\nEnd with the final answer in \\boxed{}.",
    "\n\nGive the final answer in \\boxed{}.",
    "\n\nPlease reason step by step, and put your final answer within \\boxed{}.",
)
"""What a task may say of it."""


@dataclass(frozen=True, slots=True)
class _Signs:
    times: str
    plus: str = " + "
    minus: str = " - "
    around: str = "{}"


_USUAL = _Signs(" * ")
_SIGNS = (
    _USUAL,
    _Signs("*"),
    _Signs("*", "+", "-"),
    _Signs(" x "),
    _Signs(" \u00d7 "),
    _Signs("\u00d7", "+", "-"),
    _Signs(" · "),
    _Signs(r" \times ", around="${}$"),
    _Signs(r" \cdot ", around="${}$"),
    _Signs(" times ", " plus ", " minus "),
    _Signs(" multiplied by ", " plus ", " minus "),
)
_USUAL_TEMPLATE = "What is {}?"
_TEMPLATES = (
    _USUAL_TEMPLATE,
    "what is {}",
    "What's {}?",
    "What is the value of {}?",
    "What is the result of {}?",
    "What does {} equal?",
    "How much is {}?",
    "Compute {}.",
    "Calculate {}.",
    "Please calculate {}.",
    "Evaluate {}.",
    "Work out {}.",
    "Find {}.",
    "Solve {}.",
    "Tell me what {} is.",
    "I need the value of {}.",
    "Could you work out {} for me?",
    "Can you compute {}?",
    "{} = ?",
    "{} =",
    "{}",
)
_OF_A_PRODUCT = (
    "What is the product of {} and {}?",
    "Find the product of {} and {}.",
    "Multiply {} by {}.",
    "Please multiply {} and {}.",
    "Could you multiply {} by {} for me?",
    "I need the product of {} and {}, please.",
    "What is {} multiplied by {}?",
    "How much is {} times {}?",
    "What do you get when you multiply {} by {}?",
)
_BEFORE_SEVERAL = (
    "Answer these questions:",
    "Answer the following questions.",
    "Please answer all of these:",
    "Solve each of these:",
    "I have several questions.",
)
# What is before each of them, and what between them.
_LAYOUTS = (
    ("{}) ", " "),
    ("{}) ", "\n"),
    ("({}) ", " "),
    ("({}) ", "\n"),
    ("{}. ", "\n"),
    ("Question {}: ", "\n"),
    ("", "\n"),
)
_LISTS = ("Compute {}.", "Calculate each of these: {}.", "What are {}?", "Find {}.")
_USUALLY = 0.3
_IN_BRACKETS = 0.1
_WITH_COMMAS = 0.05
_AS_LIST = 0.2


def question(random: Random, expressions: Sequence[Expression]) -> str:
    """Asks for one expression, or for several in one question."""
    signs = _USUAL if random.random() < _USUALLY else random.choice(_SIGNS)
    number = _with_commas if random.random() < _WITH_COMMAS else str
    if len(expressions) == 1:
        return _asked(random, expressions[0], signs, number)
    if random.random() < _AS_LIST:
        *texts, last = (_written(random, each, signs, number) for each in expressions)
        return random.choice(_LISTS).format(f"{', '.join(texts)} and {last}")
    numbering, between = random.choice(_LAYOUTS)
    asked = [
        numbering.format(place) + _asked(random, each, signs, number)
        for place, each in enumerate(expressions, start=1)
    ]
    return between.join([random.choice(_BEFORE_SEVERAL), *asked])


def _asked(
    random: Random, expression: Expression, signs: _Signs, number: Callable[[int], str]
) -> str:
    if random.random() < _USUALLY:
        return _USUAL_TEMPLATE.format(_written(random, expression, signs, number))
    if len(expression.terms) == 1 and random.random() < _USUALLY:
        return random.choice(_OF_A_PRODUCT).format(*map(number, expression.terms[0].factors))
    return random.choice(_TEMPLATES).format(_written(random, expression, signs, number))


def _written(
    random: Random, expression: Expression, signs: _Signs, number: Callable[[int], str]
) -> str:
    def written(term: Term) -> str:
        text = signs.times.join(map(number, term.factors))
        return f"({text})" if bracketed and term.is_product else text

    first, *others = expression.terms
    bracketed = bool(others) and random.random() < _IN_BRACKETS
    rest = ((signs.minus if term.taken else signs.plus) + written(term) for term in others)
    return signs.around.format(written(first) + "".join(rest))


def _with_commas(number: int) -> str:
    return f"{number:,}"
