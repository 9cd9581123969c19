"""Questions whose tools wait and give numbers, each step's for itself: the same for whoever answers, every time.

It does not know who calls the tools, nor when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import anyio

from benchmarks.planners.scenarios import Scenario
from orchestrator import Tool
from orchestrator.resolve import resolve
from planners import ToolSpecification

FASTEST, SLOWEST = 0.2, 1.0
"""Seconds of a tool: a search over the network takes so long."""


@dataclass(frozen=True, slots=True)
class Canned:
    """What a step's tool gives, and after how many seconds."""

    result: str
    seconds: float


@dataclass(frozen=True)
class Question:
    """A question, with what its tools do, drawn from a seed that is its text.

    Attributes:
        shape: Whose shape it has.
        scenario: It, and what is said to it.
        canned: What becomes of each step.
    """

    shape: str
    scenario: Scenario
    canned: Mapping[str, Canned] = field(init=False)

    def __post_init__(self) -> None:
        """Draws."""
        random = Random(self.scenario.question)
        canned = {
            # Unlike each other, so that no two calculations are the same call.
            step.id: Canned(
                str(1000 * number + random.randrange(1000)), random.uniform(FASTEST, SLOWEST)
            )
            for number, step in enumerate(self.scenario.steps, start=1)
        }
        object.__setattr__(self, "canned", canned)

    @property
    def name(self) -> str:
        """Its shape and how many calls run side by side."""
        return f"{self.shape} {self.scenario.fan_out}"

    @property
    def calls(self) -> Mapping[tuple[str, str], str]:
        """Which step a call is, by its tool and its argument."""
        results = {step: canned.result for step, canned in self.canned.items()}
        return {
            (step.tool, str(resolve(argument, results))): step.id
            for step in self.scenario.steps
            for argument in step.arguments.values()
        }


class CannedTools:
    """The tools of one question, for one answer to it.

    Args:
        question: Whose.

    Attributes:
        began: When the first call began; None before.
    """

    def __init__(self, question: Question) -> None:
        self.began: float | None = None
        self._question = question
        self._steps = question.calls
        self._called: list[str] = []

    @property
    def tools(self) -> list[Tool]:
        """As an agent takes them."""
        return [self._tool(specification) for specification in self._question.scenario.tools]

    def mistake(self, answer: str) -> str:
        """What is wrong where not every step was called once, or the answer is not the script's; empty if nothing."""
        name = self._question.name
        if sorted(self._called) != sorted(self._question.canned):
            return f"{name}: these steps were called: {', '.join(self._called)}"
        if answer != self._question.scenario.answer:
            return f"{name}: {answer!r} was answered"
        return ""

    def _tool(self, specification: ToolSpecification) -> Tool:
        async def canned(**arguments: str) -> str:
            if self.began is None:
                self.began = anyio.current_time()
            (argument,) = arguments.values()
            step = self._steps[specification.name, argument]
            self._called.append(step)
            await anyio.sleep(self._question.canned[step].seconds)
            return self._question.canned[step].result

        return Tool(specification=specification, function=canned, arguments=None, timeout=60)
