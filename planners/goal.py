"""A goal and the parts that lead to it, and how both are read from a model's JSON. Pure.

It does not know which parts are split again, nor who works on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_TEXT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the work.

    Attributes:
        task: What is to be done.
        split: Whether the model wants it split again.
    """

    task: str
    split: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is to be reached, and by which parts.

    Attributes:
        text: The goal.
        parts: None that is blank or there already; maybe none at all.
    """

    text: str
    parts: tuple[Part, ...]

    def listed(self, label: str = "") -> str:
        """The goal and its numbered parts; where they are parts of a part, that one's `label` comes first.

        >>> print(Goal(text="Compare.", parts=(Part(task="Add."), Part(task="Divide."))).listed())
        Goal: Compare.
        1. Add.
        2. Divide.
        """
        numbered = zip(labels(self.parts, label), self.parts, strict=True)
        lines = [f"{number}{'' if label else '.'} {part.task}" for number, part in numbered]
        head = f"Goal of part {label}" if label else "Goal"
        return "\n".join([f"{head}: {self.text}", *lines])


def labels(parts: Sequence[object], label: str = "") -> list[str]:
    """The parts' numbers: `1`, `2`, or `2.1`, `2.2` as parts of part 2."""
    above = f"{label}." if label else ""
    return [f"{above}{number}" for number in range(1, len(parts) + 1)]


def goal_schema(most: int, *, may_split: bool) -> dict[str, Any]:
    """The JSON Schema of what `read_goal` takes.

    Args:
        most: The most parts.
        may_split: Whether the model says which parts are to be split again.
    """
    text = {"type": "string", "maxLength": _LONGEST_TEXT}
    properties: dict[str, Any] = {"task": text}
    if may_split:
        properties["split"] = {"type": "boolean"}
    part = {"type": "object", "properties": properties, "required": list(properties)}
    outlines = {"type": "array", "maxItems": most, "items": part}
    return {
        "type": "object",
        "properties": {"goal": text, "outlines": outlines},
        "required": ["goal", "outlines"],
    }


def read_goal(data: Mapping[str, Any]) -> Goal:
    """The goal in JSON data that fits the schema."""
    parts: dict[str, Part] = {}
    for item in data["outlines"]:
        task = " ".join(item["task"].split())
        if task:
            part = Part(task=task, split=item.get("split", False))
            parts.setdefault(task.casefold().rstrip(".!? "), part)
    return Goal(text=" ".join(data["goal"].split()), parts=tuple(parts.values()))
