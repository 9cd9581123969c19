"""How likely tokens were: what an engine reports for each token that it samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload


@dataclass(frozen=True, slots=True)
class Logprob:
    """How likely one token was at one place: among those that a constraint allows, before temperature and cuts.

    vLLM masks what a constraint forbids before it takes the probabilities, so that what it allows adds up to 1, and the
    digits that a choice is between are the likeliest whatever the model would rather have said. Other servers may
    report what came before their constraint.

    Attributes:
        text: The token as text.
        value: The natural logarithm of its probability.
        token_id: Its id; None where the engine does not tell it: a vLLM server does of the chosen token only.
    """

    text: str
    value: float
    token_id: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LogprobColumns(Sequence[Logprob]):
    """Logprobs that are made when they are read. Equal to any sequence of the same ones.

    With 20 a place, those of a long thread are millions of objects, which the garbage collector visits again and again.

    Attributes:
        texts: The tokens as text.
        values: Their values.
        token_ids: Their ids.
    """

    texts: tuple[str, ...]
    values: tuple[float, ...]
    token_ids: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> Logprob: ...
    @overload
    def __getitem__(self, index: slice) -> LogprobColumns: ...
    def __getitem__(self, index: int | slice) -> Logprob | LogprobColumns:
        kind = LogprobColumns if isinstance(index, slice) else Logprob
        return kind(self.texts[index], self.values[index], self.token_ids[index])  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """What is known of one place.

    Attributes:
        chosen: The token that was sampled.
        top: The most likely ones, the likeliest first: as many as were asked for, or fewer where a constraint forbids
            all others.
    """

    chosen: Logprob
    top: Sequence[Logprob] = ()

    @property
    def top_values(self) -> Sequence[float]:
        """The values of the most likely ones."""
        top = self.top
        return top.values if isinstance(top, LogprobColumns) else [token.value for token in top]


def choice_probabilities(place: TokenLogprobs, options: Sequence[str]) -> Mapping[str, float]:
    """How likely each of some texts was, as if no other had been possible. They add up to 1.

    A token counts for the option that it is, or else for those that it begins, in equal parts: options are best told
    apart by their first character, as the digits are. An option that no token stands for has 0. Where there is none
    for any, the one that was chosen has all; where that is no option either, nothing is known, and all are alike.

    >>> place = TokenLogprobs(Logprob("7", -0.7), (Logprob("7", -0.7), Logprob(" the", -0.9), Logprob("3", -2.0)))
    >>> {option: round(p, 2) for option, p in choice_probabilities(place, ["3", "5", "7"]).items()}
    {'3': 0.21, '5': 0.0, '7': 0.79}
    """
    weights = _weights(place, options)
    if not any(weights.values()):
        weights = dict.fromkeys(options, 1.0)
    total = math.fsum(weights.values())
    return {option: weight / total for option, weight in weights.items()}


def tells_choice(place: TokenLogprobs, options: Sequence[str]) -> bool:
    """Whether a place says anything of some texts; where it does not, `choice_probabilities` are all alike.

    >>> tells_choice(TokenLogprobs(Logprob("banana", 0.0)), ["yes", "no"])
    False
    """
    return any(_weights(place, options).values())


def _weights(place: TokenLogprobs, options: Sequence[str]) -> dict[str, float]:
    weights = dict.fromkeys(options, 0.0)
    for token in _distinct(place):
        # A model that is broken reports NaN, which would spread to every option.
        if not math.isnan(token.value):
            _add(weights, token, math.exp(min(token.value, 0.0)))
    if not any(weights.values()):
        _add(weights, place.chosen, 1.0)
    return weights


def _distinct(place: TokenLogprobs) -> Sequence[Logprob]:
    """Every token that is known of a place, once."""
    if any(token.text == place.chosen.text for token in place.top):
        return place.top
    return (*place.top, place.chosen)


def _add(weights: dict[str, float], token: Logprob, weight: float) -> None:
    text = token.text.strip()
    begun = [option for option in weights if text and option.strip().startswith(text)]
    fitting = [option for option in begun if option.strip() == text] or begun
    for option in fitting:
        weights[option] += weight / len(fitting)
