"""The rewordings that there are, each in several variants, and which of them give so many different prompts. Pure.

question ─────────────────────────────> other order, persona ─> prompt
question ─> the model writes it anew ─> paraphrase, language ─> prompt
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Literal, NamedTuple

from .sentences import in_order, orders

RewordingName = Literal["plain", "paraphrase", "persona", "order", "language"]

_STYLES = (
    "in other words",
    "as briefly as possible",
    "as a list of what is given, followed by what is asked",
    "so that what is asked comes first, followed by what is given",
    "in the simplest words, one fact a sentence",
    "as an entry of a textbook",
)
_PERSONAS = (
    "You are a patient teacher who explains every step.",
    "You are an accountant who checks every figure twice.",
    "You are an engineer who writes down what is given and what is wanted first.",
    "You are a mathematician who trusts nothing that is not proven.",
    "You are a sceptic who looks for the trap in every question.",
    "You are a student who has practised many questions like this one.",
    "You are a detective who considers each fact before the conclusion.",
    "You are a chess player who thinks of several ways before taking one.",
)
_LANGUAGES = ("Spanish", "French", "German", "Portuguese", "Italian", "Chinese", "Russian")


@dataclass(frozen=True, kw_only=True)
class Rewording:
    """A way to say a question differently.

    Attributes:
        variants: In how many ways, of a question.
        prompt: The prompt, from the question, or from what the model made of it, and the number of the variant.
        request: What asks the model for a text of its own first, by the number of the variant; None where no model is
            needed.
    """

    variants: Callable[[str], int]
    prompt: Callable[[str, int], str]
    request: Callable[[int], str] | None = None


REWORDINGS: Mapping[RewordingName, Rewording] = {
    "plain": Rewording(
        variants=lambda question: 1,
        prompt=lambda question, variant: question,
    ),
    "paraphrase": Rewording(
        variants=lambda question: len(_STYLES),
        request=lambda variant: _asked(f"Rewrite the question above {_STYLES[variant]}"),
        prompt=lambda text, variant: text,
    ),
    "persona": Rewording(
        variants=lambda question: len(_PERSONAS),
        prompt=lambda question, variant: f"{_PERSONAS[variant]}\n\n{question}",
    ),
    "order": Rewording(variants=orders, prompt=in_order),
    "language": Rewording(
        variants=lambda question: len(_LANGUAGES),
        request=lambda variant: _asked(f"Translate the question above into {_LANGUAGES[variant]}"),
        prompt=lambda text, variant: (
            f"{text}\n\nThink in {_LANGUAGES[variant]}. Give the final answer in English."
        ),
    ),
}


class Chosen(NamedTuple):
    """One of the prompts: a rewording and the number of its variant."""

    name: RewordingName
    variant: int


def choose(names: Sequence[RewordingName], question: str, prompts: int) -> list[Chosen]:
    """So many rewordings of a question, each name in turn, all different as long as there are different ones.

    What can say a question in no further way is passed over: a question of one sentence has no other order.

    >>> choose(["plain", "persona", "order"], "What is 3 + 4?", 3)
    [Chosen(name='plain', variant=0), Chosen(name='persona', variant=0), Chosen(name='persona', variant=1)]
    """
    seen: set[str] = set()
    waiting = deque((name, iter(range(REWORDINGS[name].variants(question)))) for name in names)
    chosen: list[Chosen] = []
    while waiting and len(chosen) < prompts:
        name, variants = waiting.popleft()
        variant = next((v for v in variants if _is_new(name, v, question, seen)), None)
        if variant is not None:
            chosen.append(Chosen(name, variant))
            waiting.append((name, variants))
    again: Iterator[Chosen] = cycle(chosen or [Chosen("plain", 0)])
    return list(islice(again, prompts))


def _is_new(name: RewordingName, variant: int, question: str, seen: set[str]) -> bool:
    rewording = REWORDINGS[name]
    if rewording.request is not None:
        # What the model will make of it is not known.
        return True
    prompt = rewording.prompt(question, variant)
    if prompt in seen or (name == "order" and prompt == question):
        return False
    seen.add(prompt)
    return True


def _asked(request: str) -> str:
    return (
        f"\n\n{request}. Keep its meaning, and every number in digits as it is. Do not answer it. "
        f"Write the new question and nothing else."
    )
