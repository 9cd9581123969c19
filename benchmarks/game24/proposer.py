"""A model of a model that plays the Game of 24: what it says follows from the seed and from what is left.

It proposes legal moves by a softmax of preferences that have little to do with what is right: a bit of skill, a taste
for whole numbers, and habits. So it does the same again and again, as real models do, but says it in several wordings,
60 to 110 tokens (characters) long. It is a script for `FakeEngine`.
"""

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from engines import Context, Sampling
from evals.game24 import Move, Numbers, can_reach, expression_of, legal_moves, next_line, remaining

STEP_END = "\n\n"

# Around a move, which they all keep in the same format.
_WORDINGS = (
    "Let me try this: {move}, which leaves something to work with.",
    "One way to go on from here is {move}. That looks promising enough.",
    "Looking at the numbers again, I would do {move} as the next step.",
    "Next, combine two of what we have: {move}. Now let us see the rest.",
    "What if {move}? I think that this brings us nearer to the goal.",
    "We could use these two together, so {move}, and go on with that.",
    "Since we need 24 in the end, take {move} and look at what is there.",
    "Another idea would be {move}. Let us keep it and check the others.",
)
_ANSWERS = (
    "That uses all four numbers. The final answer is \\boxed{{{expression}}}.",
    "Putting all of the steps together gives us \\boxed{{{expression}}}.",
    "No number is left but one, so my answer is \\boxed{{{expression}}}.",
)


@dataclass(frozen=True)
class Proposer:
    """The script of an engine for one puzzle.

    Attributes:
        numbers: The puzzle.
        skill: By how much the logit of a move is higher that keeps 24 within reach; 0 is blind.
        taste: By how much it is higher for a move that makes a whole number not below zero, as people prefer them.
        habit: How much it differs from move to move for no reason, always in the same way: a standard deviation.
    """

    numbers: Numbers
    skill: float
    taste: float
    habit: float

    def __call__(self, context: Context, sampling: Sampling) -> str:
        """The next step; the same for the same seed and thought."""
        thought = context.turns[-1].text
        left = remaining(self.numbers, thought)
        assert left is not None, thought
        draw = random.Random(sampling.seed)
        if len(left) == 1:
            return draw.choice(_ANSWERS).format(expression=expression_of(self.numbers, thought))
        moves = legal_moves(left)
        [move] = draw.choices(moves, cum_weights=_cumulative(self, left))
        return draw.choice(_WORDINGS).format(move=next_line(left, move)) + STEP_END

    def logit(self, left: Numbers, move: Move) -> float:
        """How much it likes a move."""
        after = move.after(left)
        whole = move.value.denominator == 1 and move.value >= 0
        said = f"{left} {after}".encode()
        habit = random.Random(hashlib.sha256(said).digest()).gauss(0, self.habit)
        return self.skill * can_reach(after) + self.taste * whole + habit


@lru_cache(maxsize=100_000)
def _cumulative(proposer: Proposer, left: Numbers) -> Sequence[float]:
    weights = (math.exp(proposer.logit(left, move)) for move in legal_moves(left))
    return list(accumulate(weights))
