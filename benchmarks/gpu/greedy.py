"""Greedy texts: how fast an engine writes them, and whether another engine of the same model writes the same.

Two engines of one model may part where two tokens are as likely: other kernels, or other batches, round otherwise. So
where texts part, the model is asked for its likeliest tokens there; it is a tie if it can hardly tell the two apart.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from engines import Context, Engine, Sampling, Segment

from .errors import require
from .timing import together
from .vllm_says import drafts_of

TIE = 0.25
"""Nats between two tokens that are a tie: two steps of bfloat16 for logits between 16 and 32."""

_LIKELIEST = 5
_OBJECTS = ("apples", "bolts", "candles", "drums", "eggs", "flutes", "gloves", "hats")


@dataclass(frozen=True, slots=True)
class Load:
    """Requests that come together.

    Attributes:
        name: What they are called in a table.
        texts: How many there are.
        repeats: Whether their prompts hold a passage several times, so that what comes next can be guessed.
    """

    name: str
    texts: int
    repeats: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What an engine made of a load once.

    Attributes:
        seconds: That it took.
        prompts: In their order.
        texts: The tokens that were generated for each.
        guessed: Tokens that speculation guessed meanwhile.
        accepted: Of these, the ones that were right.
    """

    seconds: float
    prompts: Sequence[Context]
    texts: Sequence[tuple[int, ...]]
    guessed: int = 0
    accepted: int = 0


async def answers_to(engine: Engine, load: Load, tokens: int, name: str) -> Answers:
    """Writes the texts of a load, each of so many tokens.

    Args:
        engine: Writes.
        load: What it writes.
        tokens: Of each text.
        name: The same name makes the same prompts, on every engine.

    Raises:
        Mismeasured: A text has another length.
    """
    prompts = [
        await _prompt(engine, f"{name}-{number}", load.repeats) for number in range(load.texts)
    ]
    sampling = Sampling(max_tokens=tokens, temperature=0, ignore_eos=True)
    texts: list[tuple[int, ...]] = [()] * len(prompts)

    async def one(number: int) -> None:
        texts[number] = (await engine.generate(prompts[number], sampling)).token_ids

    guessed, accepted = drafts_of(engine)
    seconds = await together([partial(one, number) for number in range(len(prompts))])
    guessed_then, accepted_then = drafts_of(engine)
    lengths = {len(text) for text in texts}
    require(lengths == {tokens}, f"texts of {sorted(lengths)} tokens, not {tokens}")
    return Answers(seconds, prompts, texts, guessed_then - guessed, accepted_then - accepted)


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two texts part.

    Attributes:
        place: The number of tokens that they begin with alike.
        gap: Nats between the two tokens there; None where one of them is not among the likeliest.
    """

    place: int
    gap: float | None

    @property
    def tie(self) -> bool:
        """Whether the model can hardly tell them apart."""
        return self.gap is not None and self.gap <= TIE


@dataclass(frozen=True, slots=True)
class Sameness:
    """How many of some texts two engines wrote alike.

    Attributes:
        texts: How many there are.
        partings: Of those that differ.
    """

    texts: int
    partings: Sequence[Parting]

    @property
    def share(self) -> float:
        """Of the texts that are the same, or part at a tie."""
        return 1 - sum(not parting.tie for parting in self.partings) / self.texts

    def __str__(self) -> str:
        """In a few words."""
        gaps = [parting.gap for parting in self.partings if parting.tie and parting.gap is not None]
        told = f"{self.texts - len(self.partings)} of {self.texts} token by token"
        if gaps:
            told += f"; {len(gaps)} part where two tokens are within {max(gaps):.2f} nats"
        if len(self.partings) > len(gaps):
            told += f"; {len(self.partings) - len(gaps)} are other texts"
        return told


async def sameness(engine: Engine, pairs: Iterable[tuple[Answers, Answers]]) -> Sameness:
    """Compares answers to the same prompts; the engine, of the same model, is asked where they part."""
    texts, partings = 0, []
    for one, other in pairs:
        for prompt, left, right in zip(one.prompts, one.texts, other.texts, strict=True):
            texts += 1
            if left != right:
                partings.append(await _parting(engine, prompt, left, right))
    return Sameness(texts, partings)


async def _parting(
    engine: Engine, prompt: Context, left: Sequence[int], right: Sequence[int]
) -> Parting:
    place = next(i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b)
    context = prompt.extend(Segment("assistant", "", tuple(left[:place])))
    sampling = Sampling(max_tokens=1, temperature=0, ignore_eos=True, logprobs=_LIKELIEST)
    told = (await engine.generate(context, sampling)).logprobs[0]
    values = {token.token_id: token.value for token in told.top}
    pair = [values[token] for token in (left[place], right[place]) if token in values]
    return Parting(place, abs(pair[0] - pair[1]) if len(pair) == 2 else None)


async def _prompt(engine: Engine, name: str, repeats: bool) -> Context:
    """Unlike all others from its first token on. No chat: its text is gone on with."""
    draw = random.Random(name)
    crates = [f"crate {draw.randrange(1000)} holds {draw.choice(_OBJECTS)}" for _ in range(6)]
    passage = f"{', '.join(crates)}."
    text = f"{draw.randrange(10**9)}: {passage}" + (f"\n{passage}\n{passage}\n" if repeats else "")
    root = Context(Segment("assistant", "", ()))
    return root.extend(await engine.encode(text, role="assistant", after=root))
