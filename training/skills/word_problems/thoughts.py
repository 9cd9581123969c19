"""Steps that no tool does: how they are thought, each thread about its own step only, whatever the question was. Pure.

"What is 347 * 80?" ─┬─> ChainOfThought            347*80 ... 347*80=27760
                     └─> ForkJoin, in a dialect    the same, in a block where there is more than one line to write

Nobody is invited to a block without having to write one. A sum has no parts: there both of its numbers are looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from engines import Context, Sampling
from reasoning import ChainOfThought, ForkJoin
from reasoning.forking.dialect import MULTIVERSE

from ..drawing import weighted
from ..products.expression import Expression, Term
from ..products.settings import CHAIN, INVITED_PATHS, INVITED_THREADS, PATHS, THREADS
from ..products.teacher import Forked
from ..products.work import Work, answers
from .chain import chain_of, computed
from .steps import NumberStep
from .written_numbers import shortest

_METHODS: dict[ChainOfThought | ForkJoin, float] = {
    CHAIN: 6,
    THREADS: 1.5,
    PATHS: 1,
    INVITED_THREADS: 1,
    INVITED_PATHS: 0.5,
}
_UNINVITED: dict[ChainOfThought | ForkJoin, float] = {CHAIN: 6, THREADS: 1.5, PATHS: 1}
_MOST_INVITED = 2


def drawn_method(random: Random, steps: int) -> ChainOfThought | ForkJoin:
    """How the thoughts of an agent think, whose plan has so many steps; few invitations fit into a row."""
    if steps > _MOST_INVITED:
        return weighted(random, _UNINVITED)
    return weighted(random, _METHODS)


@dataclass(frozen=True, slots=True)
class Thought:
    """What is said by the thread of a step.

    Attributes:
        step: What it has to find.
        method: What it is thought with.
    """

    step: NumberStep
    method: ChainOfThought | ForkJoin

    def __call__(self, context: Context, sampling: Sampling) -> str:
        """What belongs at this place of it."""
        if isinstance(self.method, ChainOfThought):
            return chain_of([self.step])
        work = _work(self.step, in_parts=self.method.invited)
        dialect, answer = self.method.dialect, shortest(self.step.result)
        # Multiverse has blocks in threads, and the grammar for those who are invited has none.
        nested = dialect == MULTIVERSE and not self.method.invited
        return Forked(work, answer, dialect, nested)(context, sampling)


def _work(step: NumberStep, *, in_parts: bool) -> Work:
    left, right = int(step.left), int(step.right)
    if step.operation == "*":
        # As it is written in one chain, the longer number first.
        factors = max(left, right), min(left, right)
        return answers([Expression((Term(factors),))], in_parts=in_parts)
    parts = tuple(Work(f"{number}", f"{number}") for number in (left, right))
    return Work(f"{left}{step.operation}{right}", computed(step), parts if in_parts else ())
