"""Lessons of SCALE: an agent outlines a problem, selects, judges how hard the steps are, and solves them.

    planned   outlines, good and bad ─> selection ─> a digit a step
    carried out   the threads of a plan, with the results that they need
    at once   the same problems in one chain, which SCALE is compared with

Either of the first two is half of a run, so that lessons are short. A step of System 2 is told the very same as one of
System 1: self-consistency asks for eight chains of thought, of which a lesson needs one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from engines import Context, Engine, Sampling
from orchestrator import Agent
from planners import Plan, Think
from planners.scaling.decomposition import read_decomposition
from planners.scaling.scale import SCALE

from ...lesson import Lesson, Said, asked_of
from ..arithmetic.held_out import held_out_expression
from ..drawing import weighted
from ..products.expression import Expression
from ..products.settings import BARE_CHAIN, CHAIN
from ..products.wording import TASK_INSTRUCTIONS, USUAL_INSTRUCTION
from . import wording
from .mistakes import spoilt
from .outlines import Outlined, in_one, outlines
from .problem import Crossed, Scaled, StepProblem, drawn, drawn_told, held_out

PLANNER = SCALE()
"""As users have it, and as it is measured."""

_SHARE_OF_PLANNED = 0.5
_SHARE_AT_ONCE = 0.2
# Else a lesson does not fit into a row.
_MOST_LINES = 30
# How many outlines, and how often.
_VERSIONS = {1: 35, 2: 35, 3: 20, 4: 7, 5: 3}
# So many characters of outlines, in each of which the question stands too, fit into a lesson.
_MOST_CHARACTERS = 1200
# Else versions would be all alike; the best is still the likeliest.
_SHARE_OF_OTHERS = 0.25
_SHARE_OF_TOLD = 0.3
# Of chains: after a question that says itself how to answer, as the task of these problems does.
_SHARE_OF_BARE = 0.8
_SHARE_OF_USUAL = 0.8


class ScaleSkill:
    """Plans with SCALE, solves what was planned, and solves all of it in one chain."""

    def lesson(self, random: Random) -> Lesson:
        """A lesson on a problem that is not held out."""
        kind = random.random()
        if kind < _SHARE_OF_PLANNED:
            return planned(_trained(random), random)
        if kind < _SHARE_OF_PLANNED + _SHARE_AT_ONCE:
            return at_once(_trained_number(random), random)
        problem = _trained(random)
        while _lines(problem) > _MOST_LINES:
            problem = _trained(random)
        return carried_out(problem, random)


def planned(problem: StepProblem, random: Random) -> Lesson:
    """Outlines, the selection of the best one, and how hard its steps are."""
    asked = wording.question(problem, random)
    room = _MOST_CHARACTERS // (len(outlines(problem)[-1].to_json()) + len(asked))
    learned = _versions(problem, random, min(weighted(random, _VERSIONS), max(1, room)))
    versions = list(learned)
    best = min((one for one in versions if learned[one]), key=lambda one: one.needs)
    said = [Said(one.to_json(), learned=learned[one]) for one in versions]
    planner = replace(PLANNER, outlines=len(versions))

    def reply(context: Context, sampling: Sampling) -> Said | str:
        _, kind, *rest = context.path.split("/")
        if kind == "select":
            return str(versions.index(best) + 1)
        number = int(rest[0].rpartition("-")[2])
        return said[number - 1] if kind == "outline" else best.steps[number - 1].difficulty

    async def solve(engine: Engine) -> object:
        return await Agent(engine, planner=planner).plan(asked)

    return Lesson(solve=solve, reply=reply)


def carried_out(problem: StepProblem, random: Random) -> Lesson:
    """The threads that the steps of the best outline become."""
    asked = wording.question(problem, random)
    right = outlines(problem)
    outlined = right[0] if random.random() >= _SHARE_OF_OTHERS else right[-1]

    def reply(context: Context, sampling: Sampling) -> str:
        return outlined.steps[int(context.path.rpartition("/")[2]) - 1].answer

    async def solve(engine: Engine) -> object:
        return await Agent(engine, planner=plan_of(outlined, asked)).run(asked)

    return Lesson(solve=solve, reply=reply)


def at_once(problem: Expression | Scaled | Crossed, random: Random) -> Lesson:
    """One chain of thought; of word problems, another skill has lessons of it."""
    method, told = CHAIN, ""
    if random.random() < _SHARE_OF_BARE:
        usual = random.random() < _SHARE_OF_USUAL
        method, told = BARE_CHAIN, USUAL_INSTRUCTION if usual else random.choice(TASK_INSTRUCTIONS)
    asked = wording.asked(problem, random) + told
    text = f"{in_one(problem)}\n\n\\boxed{{{problem.value}}}"
    return Lesson(solve=asked_of(method, asked), reply=lambda context, sampling: text)


def plan_of(
    outlined: Outlined,
    asked: str,
    method: str | None = PLANNER.easy_method,
    max_tokens: int = PLANNER.most_hard_tokens,
) -> Plan:
    """The plan that SCALE makes of an outline, with one method and one limit for all steps."""
    steps = read_decomposition(json.loads(outlined.to_json()), asked)
    threads = (
        Think(
            id=str(number),
            prompt=steps.prompt(number),
            method=method,
            max_tokens=max_tokens,
        )
        for number in range(1, len(steps.steps) + 1)
    )
    return Plan(question=asked, nodes=tuple(threads))


def _versions(problem: StepProblem, random: Random, count: int) -> dict[Outlined, bool]:
    """So many or fewer, all different, in any order, each with whether it is right."""
    right = outlines(problem)
    if random.random() >= _SHARE_OF_OTHERS:
        right = right[:1]
    elif count == 1:
        right = right[-1:]
    learned = dict.fromkeys(right, True)
    for _ in range(count - len(right)):
        learned.setdefault(spoilt(random.choice(right), random), False)
    return {one: learned[one] for one in random.sample(list(learned), len(learned))}


def _trained(random: Random) -> StepProblem:
    return drawn_told(random) if random.random() < _SHARE_OF_TOLD else _trained_number(random)


def _trained_number(random: Random) -> Expression | Scaled | Crossed:
    while held_out(problem := drawn(random)) or held_out_expression(str(problem)):
        pass
    return problem


def _lines(problem: StepProblem) -> int:
    return sum(step.worked.lines for step in outlines(problem)[0].steps)
