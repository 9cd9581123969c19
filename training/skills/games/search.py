"""How puzzles are searched, in lessons and in evaluation alike.

    free      the model writes a step up to a blank line, and at last the expression
    guided    the model chooses one of the legal moves; the expression is put together by a program

The texts are the same, so that a model that has learnt one can do the other.
"""

from __future__ import annotations

from functools import partial

from engines import Choice, Sampling
from evals.game24 import expression_of, move_lines, remaining, same_value
from reasoning import GuidedSteps, ModelSteps, Scorer, StepVerifier, TreeSearch
from reasoning.searching.rules.rule import SelectionRule
from reasoning.searching.stepping import Stepper

from .puzzle import Puzzle
from .written import BETWEEN

JUDGED = StepVerifier(sampling=Sampling(temperature=0))
"""Judges a thought at once, in a token."""

LOOKED_AHEAD = StepVerifier(thinking_tokens=192, sampling=Sampling(temperature=0))
"""Writes out what can still be made before it judges."""

# Three moves, and the expression.
_MOST_STEPS = 4


def free_steps(seed: int | None = None) -> ModelSteps:
    """The model's own steps: what is no legal move is for the scorer to see."""
    return ModelSteps(sampling=Sampling(temperature=1.0, seed=seed), ends=(BETWEEN,))


def guided_steps(puzzle: Puzzle, seed: int | None = None) -> GuidedSteps:
    """The model's steps under the constraint of the legal moves."""

    def constraint(thought: str) -> Choice | None:
        left = remaining(puzzle.left, thought)
        return move_lines(left, BETWEEN) if left is not None and len(left) > 1 else None

    return GuidedSteps(
        constraint=constraint,
        steps=ModelSteps(sampling=Sampling(temperature=1.0, seed=seed), ends=()),
        answer=partial(expression_of, puzzle.left),
    )


def search(
    stepper: Stepper, scorer: Scorer, rule: SelectionRule, width: int, instruction: str = ""
) -> TreeSearch:
    """A search to the end of the puzzle.

    Args:
        stepper: Free or guided.
        scorer: Says which thoughts lead on.
        rule: Chooses among them.
        width: Steps at once.
        instruction: What is added to the question; the tasks `game24` and `countdown` say all in theirs.
    """
    return TreeSearch(
        rule=rule,
        scorer=scorer,
        stepper=stepper,
        width=width,
        max_depth=_MOST_STEPS,
        instruction=instruction,
        equality=same_value,
    )
