"""Chain of thought: one thread that thinks step by step (Wei et al. 2022).

context ─> "step by step" ─> one completion ─> its final answer
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engines import Context, Engine, Sampling, converse

from .answer import Answer

INSTRUCTION = "\n\nThink step by step. End with the final answer in \\boxed{}."


@dataclass(frozen=True, kw_only=True)
class ChainOfThought:
    """One completion after an instruction to think step by step.

    Attributes:
        sampling: How to sample; a seed is made the branch's own.
        instruction: What is added to the user's turn.
        answers_in_one_call: That its answer is the text of its only call, and can be read while it comes.
    """

    answers_in_one_call: ClassVar[bool] = True

    sampling: Sampling = Sampling()
    instruction: str = INSTRUCTION

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks once."""
        prompt = await converse(
            engine, [("user", self.instruction), ("assistant", "")], after=context
        )
        completion = await engine.generate(prompt, self.sampling.for_branch(prompt.path))
        return Answer.from_completion(completion)
