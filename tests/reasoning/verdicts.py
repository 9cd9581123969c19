"""What tests of scorers and of selecting reducers share: verdicts with probabilities, and answers with ids."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engines import Context, Engine, FakeEngine, Logprob, Scripted, TokenLogprobs, Usage, converse
from reasoning import Answer
from reasoning.scoring.scorer import Scores

END = 2**16
"""The id of an end of turn: no character that a text holds."""


def says(word: str, probabilities: Mapping[str, float]) -> Scripted:
    """A reply of one word, and how likely its first letter and those of others were."""
    top = [Logprob(other[0], math.log(p) if p else -math.inf) for other, p in probabilities.items()]
    first = TokenLogprobs(next(t for t in top if t.text == word[0]), tuple(top))
    rest = [TokenLogprobs(Logprob(letter, 0.0)) for letter in word[1:]]
    return Scripted(word, [first, *rest])


def yes_with(probability: float) -> Scripted:
    """A verifier's reply."""
    return says("Yes", {"Yes": probability, "No": 1 - probability})


def thread(text: str, value: str | None = None, *, ended: bool = False) -> Answer:
    """An answer with the ids that the fake engine would have generated, and its end of turn if it has one."""
    ids = (*map(ord, text), *([END] if ended else []))
    usage = Usage(prompt_tokens=1, generated_tokens=len(ids))
    return Answer(text=text, value=value, token_ids=ids, usage=usage, critical_path=len(ids))


async def question(engine: Engine, text: str = "What is 2 + 2?") -> Context:
    return await converse(engine, [("user", text)], name="root")


def prompt_text(engine: FakeEngine, number: int = 0) -> str:
    """The whole prompt of a call, as ids say it."""
    return "".join(map(chr, engine.calls[number].context.token_ids))


@dataclass(frozen=True, kw_only=True)
class Known:
    """A scorer that knows the scores of texts, and which batches it was asked for."""

    scores: Mapping[str, float]
    usage: Usage = Usage()
    critical_path: int = 0
    batches: list[list[str]] = field(default_factory=list)

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        self.batches.append([candidate.text for candidate in candidates])
        return Scores(
            values=tuple(self.scores[candidate.text] for candidate in candidates),
            usage=self.usage,
            critical_path=self.critical_path,
        )
