"""Asking a model for one of several texts, and how likely it found each: one call of a token or few.

It does not know what the options mean.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .completion import Completion
from .context import Context
from .engine import Engine
from .logprobs import Logprob, TokenLogprobs, choice_probabilities, tells_choice
from .sampling import Choice, Sampling

# As many as every server gives: vLLM's own limit, and OpenAI's.
_MOST_LOGPROBS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """What came of it.

    Attributes:
        probabilities: How likely each option was; they add up to 1.
        completion: The call, with its usage. Where it has no logprobs, the engine gives none, and the option that was
            generated counts as certain.
        told: Whether the model said anything of the options. Where it did not, as it may without constraints, they are
            all alike.
    """

    probabilities: Mapping[str, float]
    completion: Completion
    told: bool = True


async def score_choice(
    engine: Engine, context: Context, options: Sequence[str], sampling: Sampling
) -> Choosing:
    """Lets the model choose one of the options, and tells how likely each was.

    Options are told apart by the first token, and surest by the first character, as digits or `yes` and `no` are.
    Without constraints the engine is trusted to answer with an option; where it says anything else, its tokens still
    tell what it would have chosen, if they tell anything.

    Args:
        engine: Chooses.
        context: Ends where the choice belongs.
        options: What may be chosen; none may begin another.
        sampling: How; its limit, constraint and logprobs are set here.

    Raises:
        ValueError: There are no options, or one begins another, as `1` does `10`: many tokenizers begin both with the
            same token, so that one would get what the other is worth.
        EngineError: As the engine does.
    """
    _check(options)
    can_constrain = "choice" in engine.capabilities.constraints
    asked = sampling.model_copy(
        update={
            # No token is shorter than a byte; a digit ends here without a second step for the end of the turn.
            "max_tokens": max(len(option.encode()) for option in options),
            "constraint": Choice(options=tuple(options)) if can_constrain else None,
            "logprobs": _MOST_LOGPROBS,
        }
    )
    completion = await engine.generate(context, asked)
    place = _first_said(completion, options)
    return Choosing(
        probabilities=choice_probabilities(place, options),
        completion=completion,
        told=tells_choice(place, options),
    )


def _check(options: Sequence[str]) -> None:
    if not options:
        raise ValueError("there is nothing to choose from: give at least one option")
    for one, other in itertools.permutations(dict.fromkeys(options), 2):
        if other.startswith(one):
            raise ValueError(
                f"the option {one!r} begins {other!r}, so that tokens cannot tell them apart: name one differently"
            )


def _first_said(completion: Completion, options: Sequence[str]) -> TokenLogprobs:
    """The place of the first token that is not blank; without logprobs the text, or the option that it begins with."""
    for place in completion.logprobs:
        if place.chosen.text.strip():
            return place
    said = completion.text.strip()
    begun = next((option for option in options if re.match(rf"{re.escape(option)}\b", said)), said)
    return TokenLogprobs(Logprob(begun, 0.0))
