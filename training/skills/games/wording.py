"""How puzzles are asked: most often as the tasks `game24` and `countdown` do, else as people may. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from reasoning.chain_of_thought import INSTRUCTION

from .puzzle import TARGET, Puzzle

_PLAINLY = (
    "Make {target} of the numbers {commas}.",
    "Use the numbers {commas} to make {target}. Each number must be used exactly once.",
    "How can I get {target} from {commas}? I may use +, -, *, / and brackets.",
    "Numbers: [{commas}]  Target: {target}",
    "Countdown: reach {target} with {commas}.",
)
_OF_24 = ("Game of 24: {spaces}", "Solve the 24 game for {commas}.")
_AS_A_TASK = 0.6


@dataclass(frozen=True, slots=True)
class Asked:
    """A puzzle as it is put to a search.

    Attributes:
        question: What the user says.
        instruction: What the search adds.
    """

    question: str
    instruction: str = ""


def asked(puzzle: Puzzle, random: Random) -> Asked:
    """One of many ways to ask."""
    if random.random() < _AS_A_TASK:
        return Asked(puzzle.asked)
    wordings = _PLAINLY + _OF_24 if puzzle.target == TARGET else _PLAINLY
    numbers = [*map(str, puzzle.numbers)]
    question = random.choice(wordings).format(
        target=puzzle.target, commas=", ".join(numbers), spaces=" ".join(numbers)
    )
    return Asked(question, INSTRUCTION)
