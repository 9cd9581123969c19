"""Reducers: many answers become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from engines import Context, Engine, Sampling, Usage, converse

from .answer import Answer
from .equality import Equality, cluster, equal


class Reducer(Protocol):
    """Makes one answer of many."""

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Reduces at least one candidate to one answer.

        Args:
            candidates: In a fixed order, whatever the order in which they came.
            context: The question that they answer.
            engine: For reducers that ask the model.

        Returns:
            An answer whose usage and critical path are the reducer's own calls only.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class First:
    """The first candidate."""

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Takes the first."""
        return _costless(candidates[0])


@dataclass(frozen=True, kw_only=True)
class Majority:
    """The answer that most candidates give; of equally many, the one given first.

    Answers are clustered by mathematical equality. Candidates without a final answer vote only if none has one.

    Attributes:
        equality: Tells whether two answers are the same.
    """

    # A function is shown by its address, which would make equal configurations differ.
    equality: Equality = field(default=equal, repr=False)

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Takes the first member of the largest cluster."""
        voters = [c for c in candidates if c.value is not None] or list(candidates)
        groups = await cluster([voter.final for voter in voters], self.equality)
        return _costless(voters[max(groups, key=len)[0]])


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


def _costless(answer: Answer) -> Answer:
    return replace(answer, usage=Usage(), critical_path=0, candidates=())
