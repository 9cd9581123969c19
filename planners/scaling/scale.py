"""SCALE: hard steps get much thinking, easy ones little (DualThinking, Xiao et al. 2025).

problem ──┬─> outline ─┐                ┌─> difficulty of step 1 ─┐
          ├─> outline ─┼─> selection ───┼─> difficulty of step 2 ─┼─> System 1 or 2, a thread a step
          └─> outline ─┘                └─> ...                  ─┘

Three rounds, however many steps there are. Steps are a DAG: those that need nothing of each other run at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from engines import Context, Engine, Sampling, UsageError, converse, join

from ..asking import Asked, ask
from ..options import check_least
from ..plan import Think
from ..planner import PlanSink
from ..validation import PlanChecker, Vocabulary
from .decomposition import Decomposition, decomposition_schema, read_decomposition
from .difficulty import Difficulty, difficulty_of
from .routing import expected_tokens, is_hard, thinking_tokens, threshold_for
from .selection import select

_INSTRUCTIONS = """

Split this problem into steps that lead to its answer, at most {most}. Write JSON: "conditions" restates all that is \
given; "steps" is a list. A step has an "id" (1, 2, ...), a "task" that says all that is to be done, and "needs": the \
ids of the earlier steps whose results it uses, as few as can be, so that other steps can be done at the same time. \
The last step answers the problem. For example:
{{"conditions": "A train goes 120 km in 2 h, a car 180 km in 2 h.", "steps": [\
{{"id": 1, "task": "Find the speed of the train.", "needs": []}}, \
{{"id": 2, "task": "Find the speed of the car.", "needs": []}}, \
{{"id": 3, "task": "Say which is faster, and by how much.", "needs": [1, 2]}}]}}"""


@dataclass(frozen=True, kw_only=True)
class SCALE:
    """Splits the question into steps, and lets System 2 solve the hard ones and System 1 the others.

    Attributes:
        sampling: How to sample outlines and the selection; a seed is made each branch's own.
        outlines: So many versions are written at the same time, and the best is selected.
        max_steps: The most steps of an outline.
        attempts: How often the model is asked for all versions, where none fits.
        threshold: Steps of a difficulty above it, from 0 to 1, are for System 2. A budget of the run may raise it.
        tokens: What the steps should take together: the threshold becomes the smallest that keeps to it.
        easy_method: How System 1 thinks: a method's name; None is the run's.
        easy_tokens: The most that each of its calls generates.
        hard_method: How System 2 thinks: a method's name; None is the run's.
        hard_calls: So many calls it makes a step, for the expected tokens.
        least_hard_tokens: The most that each of its calls generates for a step that is hardly hard.
        most_hard_tokens: The same for the hardest.
        chain: Whether each step gets the results of all before it, one after another, as in the paper.

    Raises:
        UsageError: There is no version, step, attempt or token, easy steps get more tokens than hard ones, or the
            threshold is not in [0, 1].
    """

    sampling: Sampling = Sampling(max_tokens=1024)
    outlines: int = 8
    max_steps: int = 8
    attempts: int = 3
    threshold: float = 0.5
    tokens: int | None = None
    easy_method: str | None = "chain-of-thought"
    easy_tokens: int = 512
    hard_method: str | None = "self-consistency"
    hard_calls: int = 8
    least_hard_tokens: int = 1024
    most_hard_tokens: int = 8192
    chain: bool = False

    def __post_init__(self) -> None:
        """Refuses what could not plan anything."""
        check_least(self, outlines=1, max_steps=1, attempts=1, hard_calls=1, easy_tokens=1)
        if not self.easy_tokens <= self.least_hard_tokens <= self.most_hard_tokens:
            raise UsageError(
                f"SCALE with {self.easy_tokens} tokens for easy steps and {self.least_hard_tokens} to "
                f"{self.most_hard_tokens} for hard ones: they have to increase"
            )
        if not 0 <= self.threshold <= 1:
            raise UsageError(f"SCALE with a threshold of {self.threshold:g}: choose one in [0, 1]")

    def with_seed(self, seed: int | None) -> SCALE:
        """The same with a seed for sampling."""
        return replace(self, sampling=self.sampling.model_copy(update={"seed": seed}))

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        """Outlines, selects, scores, and sends a thread a step; without an outline, one thread for all.

        Returns:
            The tokens that it generated one after another.

        Raises:
            PlanError: A method that it uses does not exist.
        """
        for method in (self.easy_method, self.hard_method):
            # Before anything is spent.
            PlanChecker(vocabulary).check(Think(id="1", method=method))
        problem = await converse(engine, [("user", f"Problem: {question}")], name="scale")
        most = min(self.max_steps, vocabulary.max_nodes)
        versions, path, problem_told = await self._outline(question, most, problem, engine)
        if not versions:
            sink.remark(f"one thread answers, since no outline can be used: {problem_told}")
            sink.node(Think(id="1", method=self.hard_method, max_tokens=self.most_hard_tokens))
            return path
        selection = await select(versions, problem, engine, self.sampling, attempts=self.attempts)
        steps = selection.selected
        difficulty = await difficulty_of(steps, problem, engine, self.sampling)
        for remark in filter(None, (selection.remark, difficulty.remark)):
            sink.remark(remark)
        threshold = await self._threshold(difficulty, engine, sink)
        sink.text(_shown(steps, difficulty.scores, threshold))
        for number, score in enumerate(difficulty.scores, start=1):
            sink.node(self._thread(steps, number, score, threshold))
        return path + selection.critical_path + difficulty.critical_path

    async def _outline(
        self, question: str, most: int, problem: Context, engine: Engine
    ) -> tuple[Sequence[Decomposition], int, str]:
        """All versions, written at the same time; again only where none of them fits.

        Returns:
            Those that fit, each once; the tokens that were written one after another; why the first does not fit.
        """
        asking = await converse(
            engine, [("user", _INSTRUCTIONS.format(most=most))], after=problem, name="outline"
        )
        version = partial(
            ask,
            schema=decomposition_schema(most),
            sampling=self.sampling,
            check=partial(read_decomposition, question=question, chain=self.chain),
            attempts=1,
        )
        forks = [asking.fork(f"version-{number}") for number in range(1, self.outlines + 1)]
        asked = await _side_by_side(version, engine, forks)
        path = max(one.critical_path for one in asked)
        for attempt in range(2, self.attempts + 1):
            if any(one.value is not None for one in asked) or not any(one.unfit for one in asked):
                break
            forks = [
                await converse(
                    engine, [("user", _again(one))], after=fork, name=f"attempt-{attempt}"
                )
                for fork, one in zip(forks, asked, strict=True)
                if one.unfit
            ]
            asked = await _side_by_side(version, engine, forks)
            path += max(one.critical_path for one in asked)
        versions = list(dict.fromkeys(one.value for one in asked if one.value is not None))
        return versions, path, asked[0].problem

    async def _threshold(self, difficulty: Difficulty, engine: Engine, sink: PlanSink) -> float:
        """The threshold that is set, or what the budgets make of it."""

        async def left() -> int | None:
            return sink.tokens_left

        # In a run that is resumed another number is left, and the plan has to stay the same.
        limit = await engine.decide(f"{difficulty.context.path}#tokens-left", left)
        budget = min(math.inf if one is None else one for one in (limit, self.tokens))
        if budget == math.inf:
            return self.threshold
        scores = difficulty.scores
        # A thread is told about as much as a score was asked with, and budgets count that too.
        prompt = _length(difficulty.context)
        easy = prompt + self.easy_tokens
        hard = [self.hard_calls * (prompt + self._thinking(score)) for score in scores]
        threshold = threshold_for(scores, easy, hard, budget)
        if self.tokens is None:
            threshold = max(threshold, self.threshold)
        expected = expected_tokens(scores, easy, hard, threshold)
        if expected > budget:
            sink.remark(
                f"all steps count as easy, and may take {expected} tokens where {budget} are left"
            )
        return threshold

    def _thinking(self, score: float) -> int:
        return thinking_tokens(score, self.least_hard_tokens, self.most_hard_tokens)

    def _thread(self, steps: Decomposition, number: int, score: float, threshold: float) -> Think:
        hard = is_hard(score, threshold)
        return Think(
            id=str(number),
            prompt=steps.prompt(number),
            method=self.hard_method if hard else self.easy_method,
            max_tokens=self._thinking(score) if hard else self.easy_tokens,
            title=steps.steps[number - 1].task,
        )


async def _side_by_side(
    version: Callable[[Engine, Context], Awaitable[Asked[Decomposition]]],
    engine: Engine,
    forks: Sequence[Context],
) -> Sequence[Asked[Decomposition]]:
    outcomes = await join([partial(version, engine, fork) for fork in forks])
    return [outcome.value for outcome in outcomes if outcome.value is not None]


def _again(asked: Asked[Decomposition]) -> str:
    return f"\n\nAn earlier outline could not be used: {asked.problem}. Be brief."


def _length(context: Context) -> int:
    """In tokens; where there are none to count, four characters are one."""
    if context.has_token_ids:
        return len(context.token_ids)
    return sum(len(turn.text) for turn in context.turns) // 4


def _shown(steps: Decomposition, scores: Sequence[float], threshold: float) -> str:
    """The plan as people read it."""
    systems = (
        f"Step {number}: difficulty {score:.2f}, System {2 if is_hard(score, threshold) else 1}"
        for number, score in enumerate(scores, start=1)
    )
    return f"{steps}\n\n" + "\n".join(systems) + "\n"
