"""The generative verifier of steps: how likely the model says that a thought is right so far, and leads on.

question ─┬─> steps so far, by their ids ─> "is this right so far?" ─> probability of Yes
          └─> steps so far, by their ids ─> "is this right so far?" ─> probability of Yes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verifier import Verifier


@dataclass(frozen=True, kw_only=True)
class StepVerifier(Verifier):
    """The probability that all steps so far are right and lead to the answer, by the model's own word.

    What is verified may go on or have come to its end. All else is as of a `Verifier`: one call of a token for each
    candidate, side by side, on what was thought already.
    """

    _request: ClassVar[str] = (
        "Check the solution above, which may not be finished: whether each step so far is correct, and whether they "
        "lead to the answer."
    )
    _demand: ClassVar[str] = (
        "Are all steps so far correct, and do they lead to the answer? Say Yes or No, and nothing else."
    )
