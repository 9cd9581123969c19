"""How likely tokens were: what an engine reports for each token that it samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Logprob:
    """How likely one token was at one place, before any constraint, temperature or cut.

    Attributes:
        text: The token as text.
        value: The natural logarithm of its probability.
        token_id: Its id; None on a text-only engine.
    """

    text: str
    value: float
    token_id: int | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """What is known of one place.

    Attributes:
        chosen: The token that was sampled.
        top: The most likely ones, the likeliest first; as many as were asked for.
    """

    chosen: Logprob
    top: tuple[Logprob, ...] = ()


def choice_probabilities(place: TokenLogprobs, options: Sequence[str]) -> Mapping[str, float]:
    """How likely each of some one-token texts was, as if no other had been possible. They add up to 1.

    An option that is not among the most likely tokens counts as the least likely of these at most, so 0 here. Where
    none is among them, the one that was chosen under the constraint has all.

    >>> place = TokenLogprobs(Logprob("7", -0.7), (Logprob("7", -0.7), Logprob(" the", -0.9), Logprob("3", -2.0)))
    >>> {option: round(p, 2) for option, p in choice_probabilities(place, ["3", "5", "7"]).items()}
    {'3': 0.21, '5': 0.0, '7': 0.79}
    """
    weights = dict.fromkeys(options, 0.0)
    for token in (*place.top, *(() if place.chosen in place.top else (place.chosen,))):
        option = token.text.strip()
        # A model that is broken reports NaN, which would spread to every option.
        if option in weights and not math.isnan(token.value):
            weights[option] += math.exp(min(token.value, 0.0))
    total = math.fsum(weights.values())
    if total <= 0:
        chosen = place.chosen.text.strip()
        return {option: float(option == chosen) for option in options}
    return {option: weight / total for option, weight in weights.items()}
