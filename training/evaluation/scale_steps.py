"""Whether SCALE's parts are good: outlines, their selection, what is found difficult, what either System makes of it.

held-out problem ─┬─> one outline, the selected of eight ─> one of those that are right?
                  └─> the right outline ─┬─> a score a step
                                         ├─> all steps by System 1 ─> right?
                                         └─> all steps by System 2 ─> right?

It does not know what becomes of the figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from engines import CallLimiter, Engine, Sampling, converse
from evals import Problem
from orchestrator import Agent, RunFailed
from planners import Plan
from planners.scaling.decomposition import read_decomposition
from planners.scaling.difficulty import difficulty_of
from planners.scaling.routing import is_hard
from planners.scaling.scale import SCALE
from reasoning import Answer

from ..skills.scale import PLANNER, SCALE_PROBLEMS
from ..skills.scale.outlines import Outlined, outlines
from ..skills.scale.skill import plan_of
from ..skills.scale.task import problem_of

SYSTEMS = {
    "System 1": (PLANNER.easy_method, PLANNER.easy_tokens),
    "System 2": (PLANNER.hard_method, PLANNER.most_hard_tokens),
}
"""How steps are thought about: a method, and the most tokens of each of its calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a planner made of a problem.

    Attributes:
        usable: Whether there was an outline.
        right: Whether it is one of those that are right.
        tokens: Generated for all of planning.
    """

    usable: bool
    right: bool
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What a System made of a step.

    Attributes:
        right: Whether its result is right.
        tokens: Generated in all its calls.
        critical_path: Of these, one after another.
    """

    right: bool
    tokens: int
    critical_path: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A step of a right outline; none of the last ones, which are hard by decree.

    Attributes:
        long: Whether so many digits have to be worked out that it was taught as hard.
        score: How difficult the model finds it, 0 to 1.
        solved: By the names of the Systems.
    """

    long: bool
    score: float
    solved: Mapping[str, Solved]

    @property
    def hard(self) -> bool:
        """Whether SCALE has it done by System 2."""
        return is_hard(self.score, PLANNER.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A problem.

    Attributes:
        one: What came of one outline.
        selected: What came of as many as SCALE asks for.
        steps: Of the right outline.
    """

    one: Planned
    selected: Planned
    steps: Sequence[Judged]


async def probed(problem: Problem, engine: Engine, limiter: CallLimiter, seed: int) -> Probed:
    """Has a model plan a problem and carry out the right plan.

    Raises:
        ForkjoinError: See `Agent.run`.
    """
    agent = partial(Agent, engine, limiter=limiter, sampling=Sampling(seed=seed))
    asked = SCALE_PROBLEMS.asked(problem)
    right = outlines(problem_of(problem))
    scale = PLANNER.with_seed(seed)
    first, *_ = right
    answers = {
        name: await _answers(agent(planner=plan_of(first, asked, *how)), asked)
        for name, how in SYSTEMS.items()
    }
    scores = await _scores(first, asked, engine, scale)
    return Probed(
        one=await _planned(agent(planner=replace(scale, outlines=1, attempts=1)), asked, right),
        selected=await _planned(agent(planner=scale), asked, right),
        steps=[
            Judged(
                long=is_hard(int(step.difficulty) / 9, PLANNER.threshold),
                score=score,
                solved={
                    name: _solved(several.get(str(number)), step.worked.value)
                    for name, several in answers.items()
                },
            )
            for number, (step, score) in enumerate(
                zip(first.steps[:-1], scores[:-1], strict=True), start=1
            )
        ],
    )


async def _planned(agent: Agent, asked: str, right: Sequence[Outlined]) -> Planned:
    preview = await agent.plan(asked)
    expected = [_prompts(plan_of(one, asked)) for one in right]
    return Planned(
        usable=not any("no outline can be used" in remark for remark in preview.remarks),
        right=_prompts(preview.plan) in expected,
        tokens=preview.usage.generated_tokens,
    )


def _prompts(plan: Plan) -> list[str]:
    """What its threads are told, results aside."""
    return [node.model_dump_json(include={"id", "prompt"}) for node in plan.nodes]


async def _scores(
    outlined: Outlined, asked: str, engine: Engine, planner: SCALE
) -> Sequence[float]:
    steps = read_decomposition(json.loads(outlined.to_json()), asked)
    # As the planner opens its own conversation.
    problem = await converse(engine, [("user", f"Problem: {asked}")], name="scale")
    return (await difficulty_of(steps, problem, engine, planner.sampling)).scores


async def _answers(agent: Agent, asked: str) -> Mapping[str, Answer]:
    """Of the steps that came to one."""
    try:
        outcomes = (await agent.run(asked)).outcomes
    except RunFailed as failed:
        outcomes = failed.outcomes
    return {node: outcome.value.answer for node, outcome in outcomes.items() if outcome.value}


def _solved(answer: Answer | None, value: int) -> Solved:
    if answer is None:
        return Solved(right=False, tokens=0, critical_path=0)
    return Solved(
        right=answer.value == str(value),
        tokens=answer.usage.generated_tokens,
        critical_path=answer.critical_path,
    )
