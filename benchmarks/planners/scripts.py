"""What a model says to a scenario, as a planner and in a ReAct loop, and how long that has to take at best."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from benchmarks.planners.scenarios import Scenario
from engines import Context, Grammar, Sampling
from planners import Call

# A sentence of the length that models write before they act; FakeEngine's tokens are characters, four to a real one.
_THOUGHT = (
    "The question needs this next, and nothing that I have seen so far tells it, so I look it up."
)
_CONCLUSION = "All the results are there, so the question can be answered now."
CHARACTERS_PER_TOKEN = 4

Script = Callable[[Context, Sampling], str]


class Seconds(Protocol):
    """How long the model and the tools take, as it is set or as it was measured."""

    def writing(self, text: str) -> float:
        """Seconds from a call of the model to the end of this text."""

    def running(self, step: Call) -> float:
        """Seconds of a step's tool."""


@dataclass(frozen=True)
class Pace:
    """How fast the model and the tools are.

    Attributes:
        first_token: Seconds until the first token of a call.
        token: Seconds for each further one.
        tools: Seconds of a call of some tools.
        tool: Seconds of a call of any other.
    """

    first_token: float
    token: float
    tools: Mapping[str, float]
    tool: float

    def scaled(self, factor: float) -> Pace:
        """All times multiplied, so that a benchmark ends soon."""
        tools = {name: seconds * factor for name, seconds in self.tools.items()}
        return Pace(self.first_token * factor, self.token * factor, tools, self.tool * factor)

    def calling(self, tool: str) -> float:
        """Seconds of a call."""
        return self.tools.get(tool, self.tool)

    def running(self, step: Call) -> float:
        """Seconds of a step's tool."""
        return self.calling(step.tool)

    def writing(self, text: str) -> float:
        """Seconds from a call to the end of this text."""
        return self.first_token + self.token * len(text) / CHARACTERS_PER_TOKEN


def react_says(scenario: Scenario) -> Script:
    """The turns of a ReAct loop."""

    def say(context: Context, sampling: Sampling) -> str:
        seen = sum(turn.text.startswith("Observation") for turn in context.turns)
        return turns[seen]

    turns = _turns(scenario)
    return say


def planner_says(scenario: Scenario) -> Script:
    """The plan, and the joiner's verdict on its results."""

    def say(context: Context, sampling: Sampling) -> str:
        if isinstance(sampling.constraint, Grammar):
            return scenario.plan
        return verdict(scenario)

    return say


def verdict(scenario: Scenario) -> str:
    """What the joiner says."""
    said = {"thought": _CONCLUSION, "action": "finish", "answer": scenario.answer}
    return json.dumps(said)


def react_seconds(scenario: Scenario, pace: Seconds) -> float:
    """What a ReAct loop takes where nothing but the model and the tools takes time."""
    tools = sum(map(pace.running, scenario.steps))
    return sum(map(pace.writing, _turns(scenario))) + tools


def critical_seconds(scenario: Scenario, pace: Seconds) -> float:
    """The critical path of the plan: the lines as they are written, the calls that wait for them, the verdict."""
    ends: dict[str, float] = {}
    for step, written in zip(scenario.steps, scenario.beginnings, strict=True):
        start = max([pace.writing(written), *(ends[needed] for needed in step.dependencies)])
        ends[step.id] = start + pace.running(step)
    return max(pace.writing(scenario.plan), *ends.values()) + pace.writing(verdict(scenario))


def _turns(scenario: Scenario) -> list[str]:
    actions = [line.split(". ", 1)[1] for line in scenario.lines]
    turns = [f"Thought: {_THOUGHT}\nAction: {action}" for action in actions]
    return [*turns, f"Thought: {_CONCLUSION}\nFinish[{scenario.answer}]"]
