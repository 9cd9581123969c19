"""Lessons on word problems: planned by an agent with calculators, or thought in one chain, once they are said again.

problem ─┬─> Agent, LLMCompiler ─> Thought, plan ─> results ─┬─> finish: the answer
         │                                                   └─> replan: what failed, or was missing ─> the answer
         └─> ChainOfThought ─> the problem again, its steps as on paper ─> the answer, in a box
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from engines import Context, Engine, Sampling
from orchestrator import Agent, History
from planners import LLMCompiler
from planners.notation import THOUGHT
from reasoning import ChainOfThought, ForkJoin

from ...lesson import Lesson, Said, asked_of, together
from ..products.settings import BARE_CHAIN, CHAIN
from ..products.wording import USUAL_INSTRUCTION
from .chain import chain_of, is_computable, is_held_out
from .drawing import drawn_problem
from .expressions import drawn_expression, in_digits
from .following import following
from .situation import WordProblem
from .steps import NumberStep, Step, lost_with, renumbered, with_numbers
from .thoughts import Thought, drawn_method
from .tool_sets import ToolSet, drawn_tools, failing_once
from .written_numbers import shortest

PLANNED = LLMCompiler()
"""As users have it who say nothing."""

_UNJUDGED = LLMCompiler(max_replans=0)
_LONGEST_CHAIN = 420
_SHARE_OF_CHAINS = 0.5
# Of the problems for one agent: some six, with tools for all that they want.
_MOST_CHARACTERS = 2900
_AROUND = 250
_SHARE_OF_EXPRESSIONS = 0.15
_SHARE_OF_UNJUDGED = 0.1
_SHARE_OF_FOLLOWING = 0.08

# What tasks say behind their questions; the chain's own instruction is another.
_ASKED = (
    USUAL_INSTRUCTION,
    "\n\nPut the final answer within \\boxed{}.",
    "\n\nThink step by step. Put your final answer in \\boxed{}.",
    "\n\nPlease reason step by step, and put your final answer within \\boxed{}.",
    "\nGive the answer in \\boxed{}.",
    "",
)
_FAILURES = (
    "the service is busy",
    "no connection",
    "it is down for a moment",
    "HTTP 503",
    "out of memory",
    "too many requests",
)


class WordProblems:
    """Word problems and bare arithmetic, most of them planned."""

    def lesson(self, random: Random) -> Lesson:
        """A lesson on problems of no template that is held out."""
        return chained(random) if random.random() < _SHARE_OF_CHAINS else planned(random)


def planned(random: Random, room: int = _MOST_CHARACTERS) -> Lesson:
    """Problems for one agent, whose tools are most of every prompt: together they are computed once.

    Args:
        random: What they are drawn from.
        room: Characters of all calls, about; one problem more is begun where any are left.
    """
    tools = drawn_tools(random)
    planner = _UNJUDGED if random.random() < _SHARE_OF_UNJUDGED else PLANNED
    lessons = []
    while room > 0:
        problem = _drawn(tools, random)
        lessons.append(_planned(problem, tools, planner, random))
        room -= _size(problem, tools)
    return together(lessons)


def chained(random: Random) -> Lesson:
    """A problem in one chain; other skills teach what is nothing but arithmetic so."""
    while True:
        problem = drawn_problem(random, held_out=False)
        if _can_be_thought(steps := with_numbers(problem.steps)):
            break
    text = f"{problem.restated}\n{chain_of(steps)}"
    method, question = CHAIN, problem.text
    if random.random() < 0.5:
        method, question = BARE_CHAIN, question + random.choice(_ASKED)

    return Lesson(solve=asked_of(method, question), reply=lambda context, sampling: text)


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """What is said at each call of an agent.

    Attributes:
        problem: What is planned; it is said again before the first plan, where it has to be understood.
        tools: How steps are written.
        method: How those are thought for which there is no tool.
        first: The steps of the first plan, as they stand there.
        again: Those of the next round, whose numbers go on.
        lost: Numbers of steps of the first plan that have no result.
        learned: Whether the first plan is as it should be.
    """

    problem: WordProblem
    tools: ToolSet
    method: ChainOfThought | ForkJoin
    first: Sequence[Step]
    again: Sequence[Step] = ()
    lost: Sequence[int] = ()
    learned: bool = True

    def reply(self, context: Context, sampling: Sampling) -> Said | str:
        """By the last names of the path: a plan, a verdict, a further round, the merged answer, a thought."""
        match context.path.split("/"):
            case [*_, "plan"]:
                restated = self.problem.restated
                thought = f"{THOUGHT} {restated}\n" if restated else ""
                return Said(thought + self._plan(self.first, 1), self.learned)
            case [*_, "joiner-1"]:
                return self._verdict()
            case [*_, "replan-1"]:
                return self._plan(self.again, len(self.first) + 1)
            case [*_, "synthesise"]:
                return f"\\boxed{{{self._answer}}}"
            case names:
                number = next(int(name) for name in names if name.isdigit())
        step = with_numbers([*self.first, *self.again])[number - 1]
        return Thought(step, self.method)(context, sampling)

    @property
    def _answer(self) -> str:
        return shortest(self.problem.answer)

    def _plan(self, steps: Sequence[Step], number: int) -> str:
        lines = (self.tools.line(place, step) for place, step in enumerate(steps, number))
        return "".join(lines) + "join()"

    def _verdict(self) -> str:
        last = len(self.first)
        if not self.again:
            return _json(f"${last} answers the question.", "finish", "answer", self._answer)
        if self.lost:
            missing = f"${self.lost[0]}"
            return _json(f"{missing} has no result.", "replan", "feedback", f"{missing} again")
        return _json(f"${last} is not the end.", "replan", "feedback", "the next step")


def _planned(problem: WordProblem, tools: ToolSet, planner: LLMCompiler, random: Random) -> Lesson:
    kind = random.random()
    if planner.max_replans and kind < 0.05 and (lesson := _failing(problem, tools, random)):
        return lesson
    if planner.max_replans and kind < 0.1 and len(problem.steps) > 1:
        return _incomplete(problem, tools, random)
    said = _Planned(
        problem=problem,
        tools=tools,
        method=drawn_method(random, len(problem.steps)),
        first=problem.steps,
    )
    return _agent_lesson(said, planner, lambda: tools, random)


def _failing(problem: WordProblem, tools: ToolSet, random: Random) -> Lesson | None:
    """The call of a step that needs no other fails, and is made again; no other step makes the same call."""
    steps = problem.steps
    calls = with_numbers(steps)
    free = [
        number
        for number, step in enumerate(steps, start=1)
        if not step.needs and step.operation in tools.names and calls.count(calls[number - 1]) == 1
    ]
    if not free:
        return None
    chosen = random.choice(free)
    lost = lost_with(chosen, steps)
    numbers = {number: len(steps) + place for place, number in enumerate(lost, start=1)}
    again = [renumbered(steps[number - 1], lambda n: numbers.get(n, n)) for number in lost]
    said = _Planned(
        problem=problem,
        tools=tools,
        method=drawn_method(random, len(problem.steps)),
        first=steps,
        again=again,
        lost=lost,
    )
    failing = partial(failing_once, tools, steps[chosen - 1], random.choice(_FAILURES))
    return _agent_lesson(said, PLANNED, failing, random)


def _incomplete(problem: WordProblem, tools: ToolSet, random: Random) -> Lesson:
    """A plan without its last steps, which are made up for."""
    made = random.randrange(1, len(problem.steps))
    first, again = problem.steps[:made], problem.steps[made:]
    said = _Planned(
        problem=problem,
        tools=tools,
        method=drawn_method(random, len(problem.steps)),
        first=first,
        again=again,
        learned=False,
    )
    return _agent_lesson(said, PLANNED, lambda: tools, random)


def _agent_lesson(
    said: _Planned, planner: LLMCompiler, make_tools: Callable[[], ToolSet], random: Random
) -> Lesson:
    """Tools are made anew each time that the lesson is gone through: one that fails once does so again."""
    question = said.problem.text
    if random.random() < 0.12:
        question += random.choice(_ASKED)

    async def solve(engine: Engine) -> object:
        agent = Agent(engine, planner=planner, tools=make_tools().tools, method=said.method)
        history = History.of_turns(said.problem.before, engine.fingerprint)
        return await agent.run(question, history=history)

    return Lesson(solve=solve, reply=said.reply)


def _drawn(tools: ToolSet, random: Random) -> WordProblem:
    """A problem whose numbers these tools take, and of which what they cannot do can be thought."""
    while True:
        problem = _told(random)
        if random.random() < _SHARE_OF_FOLLOWING:
            problem = following(problem, random) or problem
        if not tools.names and not tools.expressions:
            problem = replace(problem, steps=in_digits(problem.steps))
        whole = all(step.is_whole for step in with_numbers(problem.steps))
        thoughts = _thoughts(problem, tools)
        if (whole or not tools.integers) and all(_can_be_thought([step]) for step in thoughts):
            return problem


def _thoughts(problem: WordProblem, tools: ToolSet) -> list[NumberStep]:
    """The steps for which there is no tool."""
    alone = with_numbers(problem.steps)
    return [step for step, named in zip(alone, problem.steps, strict=True) if tools.thinks(named)]


def _size(problem: WordProblem, tools: ToolSet) -> int:
    """About how many characters its calls have, beside what all problems have in common."""
    thoughts = _thoughts(problem, tools)
    told = len(problem.text) + len(problem.restated)
    return told + _AROUND + sum(_AROUND + len(chain_of([s])) for s in thoughts)


def _told(random: Random) -> WordProblem:
    if random.random() < _SHARE_OF_EXPRESSIONS:
        return drawn_expression(random)
    return drawn_problem(random, held_out=False)


def _can_be_thought(steps: Sequence[NumberStep]) -> bool:
    return (
        all(is_computable(step) and not is_held_out(step) for step in steps)
        and len(chain_of(steps)) <= _LONGEST_CHAIN
    )


def _json(thought: str, action: str, name: str, text: str) -> str:
    return json.dumps({"thought": thought, "action": action, name: text})
