"""What is measured: a method that thinks about a question, or an agent that plans, calls tools and reduces.

    Thinks    question's context ─ fork ─> method.solve ─> Answer
    Plans     question ─> an agent's run inside of the evaluation ─> Answer
              question with functions ─> a plan, whose calls nobody makes ─> their text

It does not know how many samples there are, nor what becomes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from engines import CallLimiter, Engine
from orchestrator import Agent, CallPolicy, RunResult, Tool
from orchestrator.nesting import Outer
from reasoning import Answer, Branch, Method

from .jobs import Job
from .planned_calls import calls_text, tools_of
from .workload import SampleCalls

FUNCTIONS = "functions"
"""Where a problem's data has functions that are to be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sample is made.

    Attributes:
        engine: The engine as the sample has it.
        calls: What its calls have come to so far.
        outer: What a run inside of the sample shares with the evaluation.
        base: The engine of the evaluation, which such a run puts its own wrappers around.
        limiter: Of all calls on it.
        policy: What is done about calls that go wrong.
    """

    engine: Engine
    calls: SampleCalls
    outer: Outer
    base: Engine
    limiter: CallLimiter
    policy: CallPolicy


class System(Protocol):
    """Answers questions, in a way that is to be measured."""

    @property
    def described(self) -> Mapping[str, Any]:
        """What decides its answers beside the engine, as JSON data: an evaluation goes on with the same only."""
        ...

    async def answer(self, job: Job, place: Place) -> Answer:
        """Makes a sample.

        Raises:
            ForkjoinError: None came out.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Thinks:
    """A method.

    Attributes:
        method: Solves a fork of the question's context, whose path gives each sample its seeds.
        described: See `System`.
    """

    method: Method
    described: Mapping[str, Any]

    async def answer(self, job: Job, place: Place) -> Answer:
        """Makes a sample."""
        context = await job.question.context(place.engine)
        return await self.method.solve(context.fork(str(job.sample)), place.engine)


@dataclass(frozen=True, kw_only=True)
class Plans:
    """A planner with tools.

    Each sample has an agent of its own, so that with `--hedge` a call is late beside other calls of its sample only.

    Attributes:
        agent: Makes the agent of one sample, of its place, its path (which gives it seeds of its own: a run inside does
            not see where it is), and the tools that the question brings; None has the system's tools.
        described: See `System`.
    """

    agent: Callable[[Place, str, Sequence[Tool] | None], Agent]
    described: Mapping[str, Any]

    async def answer(self, job: Job, place: Place) -> Answer:
        """Makes a sample."""
        functions = job.question.problem.data.get(FUNCTIONS)
        if functions is not None:
            return await self._plan(job, place, tools_of(functions))
        agent = self.agent(place, job.node, None)
        result = await agent.run_inside(place.outer, job.question.asked)
        return replace(_answer_of(result), usage=place.calls.usage)

    async def _plan(self, job: Job, place: Place, tools: Sequence[Tool]) -> Answer:
        """The calls that a plan would make. The task's own way to ask for calls is for methods."""
        agent = self.agent(place, job.node, tools)
        preview = await agent.plan(job.question.problem.problem, outer=place.outer)
        usage = place.calls.usage
        return Answer(
            text=calls_text(preview.plan.nodes),
            usage=usage,
            # A planner writes one token after another.
            critical_path=usage.generated_tokens,
            remark="; ".join(preview.remarks),
        )


def _answer_of(result: RunResult[Any]) -> Answer:
    """The answer of a run, with its nodes as threads."""
    nodes = tuple(
        Branch(
            path=node.id,
            status=outcome.status,
            answer=outcome.value.answer if outcome.value else None,
            reason=outcome.reason,
        )
        for node in result.plan.nodes
        for outcome in [result.outcomes[node.id]]
    )
    return replace(
        result.answer,
        critical_path=result.critical_path,
        remark=result.remark,
        branches=nodes,
    )
