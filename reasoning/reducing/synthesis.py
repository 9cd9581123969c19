"""An answer that the model writes after reading all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from engines import Context, Engine, Sampling, converse

from ..answer import Answer


@dataclass(frozen=True, kw_only=True)
class Synthesise:
    """The model reads the candidates and writes the answer.

    Attributes:
        sampling: How to sample; a seed is made the branch's own.
        answers_in_one_call: That its answer is the text of its only call, and can be read while it comes.
    """

    answers_in_one_call: ClassVar[bool] = True

    sampling: Sampling = Sampling()

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Asks once, on a fork of the question."""
        findings = "\n".join(f"{i}. {c.text.strip()}" for i, c in enumerate(candidates, start=1))
        request = (
            f"\n\nThese findings are at hand:\n{findings}\n\n"
            f"Use them to answer the question. End with the final answer in \\boxed{{}}."
        )
        prompt = await converse(
            engine, [("user", request), ("assistant", "")], after=context, name="synthesise"
        )
        completion = await engine.generate(prompt, self.sampling.for_branch(prompt.path))
        return Answer.from_completion(completion)
