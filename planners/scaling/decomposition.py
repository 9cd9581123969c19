"""A problem split into steps that name the steps they need: what SCALE calls an outline. Pure.

It does not know how difficult the steps are, nor who solves them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..plan import Reference, Template

_LONGEST_CONDITIONS = 1000
_LONGEST_TASK = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class SubProblem:
    """A step of a decomposition.

    Attributes:
        task: What is to be found out.
        needs: The numbers of the earlier steps whose results it uses, increasing.
    """

    task: str
    needs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Steps that lead to an answer; the last one is the question itself.

    Attributes:
        conditions: What is given, restated.
        steps: At least one. They are numbered from 1 and need earlier ones only.
    """

    conditions: str
    steps: tuple[SubProblem, ...]

    @property
    def structure(self) -> tuple[tuple[int, ...], ...]:
        """Which steps each step needs."""
        return tuple(step.needs for step in self.steps)

    def prompt(self, number: int) -> Template:
        """What the thread is told that solves a step: what is given, the results that it needs, the step.

        In an order in which the prompt of a step is the beginning of that of the next one in its chain.
        """
        parts: list[str | Reference] = [f"What is given: {self.conditions}\n\n"]
        for need in self.steps[number - 1].needs:
            result = Reference(node=str(need))
            parts += [f"{self._line(need)}\nResult: ", result, "\n\n"]
        return Template(parts=(*parts, f"{self._line(number)}\nSolve this step only."))

    def _line(self, number: int) -> str:
        return f"Step {number}: {self.steps[number - 1].task}"

    def __str__(self) -> str:
        lines = [f"What is given: {self.conditions}"]
        for number, step in enumerate(self.steps, start=1):
            needs = f" (needs {', '.join(map(str, step.needs))})" if step.needs else ""
            lines.append(f"{self._line(number)}{needs}")
        return "\n".join(lines)


def decomposition_schema(max_steps: int) -> dict[str, Any]:
    """The JSON Schema of what `read_decomposition` takes."""
    step_id = {"type": "integer", "minimum": 1, "maximum": max_steps}
    step = {
        "type": "object",
        "properties": {
            "id": step_id,
            "task": {"type": "string", "minLength": 1, "maxLength": _LONGEST_TASK},
            "needs": {"type": "array", "items": step_id, "maxItems": max_steps},
        },
        "required": ["id", "task", "needs"],
    }
    steps = {"type": "array", "minItems": 1, "maxItems": max_steps, "items": step}
    conditions = {"type": "string", "maxLength": _LONGEST_CONDITIONS}
    return {
        "type": "object",
        "properties": {"conditions": conditions, "steps": steps},
        "required": ["conditions", "steps"],
    }


def read_decomposition(
    data: Mapping[str, Any], question: str, *, chain: bool = False
) -> Decomposition:
    """The decomposition in JSON data that fits the schema.

    Needs that name no earlier step are dropped: weak models often write them, and the steps are in order. The last step
    becomes the question, and needs whatever no other step does, so that nothing is found out in vain.

    Args:
        data: As the model wrote it.
        question: The last step.
        chain: Whether each step needs all before it, whatever the model says.

    Raises:
        ValueError: Two steps have one id, or the task of a step is blank.
    """
    steps: Sequence[Mapping[str, Any]] = data["steps"]
    numbers = {step["id"]: number for number, step in enumerate(steps, start=1)}
    if len(numbers) < len(steps):
        raise ValueError("at $.steps: two steps have the same id")
    found: list[SubProblem] = []
    for number, step in enumerate(steps, start=1):
        needs = range(1, number) if chain else _needs(step, numbers)
        task = step["task"].strip()
        if not task:
            raise ValueError(f"at $.steps[{number - 1}].task: it is blank")
        found.append(SubProblem(task=task, needs=tuple(needs)))
    needed = {need for step in found[:-1] for need in step.needs}
    unneeded = set(range(1, len(found))) - needed
    last = tuple(sorted(unneeded.union(found[-1].needs)))
    found[-1] = SubProblem(task=question, needs=last)
    return Decomposition(conditions=data["conditions"].strip(), steps=tuple(found))


def _needs(step: Mapping[str, Any], numbers: Mapping[int, int]) -> list[int]:
    own = numbers[step["id"]]
    return sorted({numbers[need] for need in step["needs"] if numbers.get(need, own) < own})
