"""What an evaluation is asked to do: which system on which problems, how often, with what limits.

What decides its samples stays the same for as long as it goes on; what only limits them may change when it is resumed,
and there may be more samples of each problem. It knows no folder and no engine.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engines import CallLimiter, UsageError
from orchestrator import Budget, CallPolicy

from ..problem import Problem
from ..task import Task
from .evaluation import Evaluation
from .reading import KIND
from .systems import System

_LIMITS = ("tokens", "calls", "seconds", "money")
# What decides samples, in the configuration.
_DECIDING = ("model", "tasks", "prompts", "settings")


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """What an evaluation is asked to do.

    Attributes:
        name: What the system is called, for people.
        system: What is measured.
        tasks: By their names.
        problems: Of each task.
        sources: Where each task's problems are from, as JSON data.
        k: Samples of each problem.
        budget: What all of it may cost.
        calls: What is done about calls that go wrong.
        limiter: Lets only so many calls run at once; None finds out how many are best, by measuring.
        notes: What else the configuration should hold, as JSON data.

    Raises:
        UsageError: There are no problems, or no samples of them.
    """

    name: str
    system: System
    tasks: Mapping[str, Task]
    problems: Mapping[str, Sequence[Problem]]
    sources: Mapping[str, Any] = field(default_factory=dict)
    k: int = 1
    budget: Budget = Budget()
    calls: CallPolicy = CallPolicy()
    limiter: CallLimiter | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses what measures nothing."""
        check_samples(self.k)
        for name in self.tasks:
            if not self.problems.get(name):
                raise UsageError(f"{name} has no problems: choose others")
        if not self.tasks:
            raise UsageError("no task: name at least one")

    @property
    def about(self) -> str:
        """What is done, in words."""
        samples = f"{self.k} sample{'s' if self.k > 1 else ''} of each problem"
        return f"{', '.join(self.tasks)}: {self.name}, {samples}"

    @property
    def total(self) -> int:
        """How many samples there are."""
        return self.k * sum(map(len, self.problems.values()))

    def configuration(self, model: str) -> dict[str, Any]:
        """What the evaluation's folder keeps of it, as JSON data; `model` is that of the engine."""
        return {
            "kind": KIND,
            "question": self.about,
            "system": self.name,
            "tasks": list(self.tasks),
            "k": self.k,
            "model": model,
            "settings": {name: _settled(value) for name, value in self.system.described.items()},
            "prompts": {name: self._prompts(name) for name in self.tasks},
            "sources": dict(self.sources),
            "budget": {name: getattr(self.budget, name) for name in _LIMITS},
            "calls": _settled(repr(self.calls)),
            **self.notes,
        }

    def _prompts(self, name: str) -> dict[str, str]:
        """What is asked of a task, for people, and what stands for all of it, so that nothing else is gone on with."""
        prompt, asked = self.tasks[name].prompt, [*map(self.tasks[name].asked, self.problems[name])]
        whole = "\0".join(asked).encode("utf-8", "surrogatepass")
        shown = {"first": asked[0]} if callable(prompt) else {"template": prompt}
        return {**shown, "sha256": hashlib.sha256(whole).hexdigest()}

    def check_same(self, begun: Evaluation, model: str | None) -> None:
        """Refuses to go on with what an evaluation was not begun with.

        Args:
            begun: The evaluation.
            model: The engine's; None before it is known.

        Raises:
            UsageError: With the first thing that differs; or there would be fewer samples.
        """
        now = self.configuration(model or begun.configuration.get("model", ""))
        for name in _DECIDING:
            before = begun.configuration.get(name)
            if before != now[name]:
                what, then, given = _difference(name, before, now[name])
                raise UsageError(
                    f"the evaluation {begun.path} was begun with another {what}: {then}, not {given}: go on with that "
                    f"one, or begin a new one"
                )
        if self.k < begun.k:
            raise UsageError(
                f"the evaluation {begun.path} has {begun.k} samples of each problem: -k may be higher, not {self.k}"
            )

    def raised(self, begun: Evaluation) -> set[str]:
        """The limits of the budget that are higher than before: what they cut is done again."""
        before: Mapping[str, Any] = begun.configuration.get("budget") or {}
        now = {name: getattr(self.budget, name) for name in before}
        return {
            name
            for name, old in before.items()
            if old is not None and (now[name] is None or now[name] > old)
        }


def check_samples(k: int) -> None:
    """Refuses a number of samples that is none.

    Raises:
        UsageError: It is below 1.
    """
    if k < 1:
        raise UsageError(f"-k {k}: at least 1 sample of each problem is needed")


def _settled(value: Any) -> Any:
    """A value without addresses, which are others in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", value) if isinstance(value, str) else value


def _difference(name: str, before: Any, now: Any) -> tuple[str, str, str]:
    """What differs, and its values."""
    if isinstance(before, dict) and isinstance(now, dict):
        for part in (*now, *before):
            if before.get(part) != now.get(part):
                if name == "prompts":
                    _, then, given = _difference("", before.get(part), now.get(part))
                    return f"prompt of {part}", then, given
                return part, repr(before.get(part)), repr(now.get(part))
    return name, repr(before), repr(now)
