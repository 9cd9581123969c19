"""How difficult the steps of a decomposition are: one digit a step, all asked for in one round.

problem, steps ──┬─> "how difficult is step 1?" ─> P(0) ... P(9) ─> expected digit / 9
                 └─> "how difficult is step 2?" ─> ...
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from engines import Choosing, Context, Engine, Sampling, converse, join, score_choice

from .decomposition import Decomposition

LAST_STEP = 0.9
"""The last step is the question itself, and hard by decree."""

_DIGITS = tuple("0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difficulty:
    """How difficult steps are.

    Attributes:
        scores: Of each step, 0 to 1.
        context: What all were asked with: the problem and its steps.
        critical_path: Tokens generated one after another.
        remark: What could not be told, and why; empty if nothing.
    """

    scores: tuple[float, ...]
    context: Context
    critical_path: int
    remark: str = ""


async def difficulty_of(
    decomposition: Decomposition, problem: Context, engine: Engine, sampling: Sampling
) -> Difficulty:
    """Scores every step but the last at the same time.

    A score is the mean of the digits, weighted by how likely the model found each; it is the digit that was generated
    where the engine does not tell. A step whose score the engine fails to give counts as hard.

    Args:
        decomposition: Has the steps.
        problem: In the user's turn.
        engine: Is asked.
        sampling: How; a seed is made each branch's own.
    """
    # Which step is meant comes last, so that all the rest is computed once.
    told = f"\n\nIt is solved in these steps:\n{decomposition}"
    context = await converse(engine, [("user", told)], after=problem, name="score")
    numbers = range(1, len(decomposition.steps))
    outcomes = await join([partial(_choose, n, context, engine, sampling) for n in numbers])
    chosen = [outcome.value for outcome in outcomes]
    scores = [LAST_STEP if one is None else expected_digit(one.probabilities) for one in chosen]
    lost = [n for n, outcome in zip(numbers, outcomes, strict=True) if not outcome.usable]
    remark = ""
    if lost:
        remark = f"steps {lost} count as hard, since their difficulty was not told: {outcomes[lost[0] - 1].reason}"
    return Difficulty(
        scores=(*scores, LAST_STEP),
        context=context,
        critical_path=max((_tokens(one) for one in chosen), default=0),
        remark=remark,
    )


def expected_digit(probabilities: Mapping[str, float]) -> float:
    """The mean of digits by their probabilities, from 0 (surely 0) to 1 (surely 9).

    >>> expected_digit(dict.fromkeys("0123456789", 0.1))
    0.5
    """
    # Exact, since a threshold is not to be passed by an error of rounding.
    return math.fsum(int(digit) * share for digit, share in probabilities.items()) / 9


async def _choose(number: int, context: Context, engine: Engine, sampling: Sampling) -> Choosing:
    question = f"\n\nHow difficult is step {number}, from 0 (known at sight) to 9 (very hard)? Answer with one digit."
    prompt = await converse(
        engine, [("user", question), ("assistant", "")], after=context, name=f"step-{number}"
    )
    return await score_choice(engine, prompt, _DIGITS, sampling.for_branch(prompt.path))


def _tokens(choosing: Choosing | None) -> int:
    return 0 if choosing is None else choosing.completion.usage.generated_tokens
