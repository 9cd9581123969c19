"""How an evaluation was done: what it was asked, where problems are from, what graded, what it ran on. Pure.

All that the configuration says is told, whatever it is, by its place in there: `settings.method`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from ..evaluation.evaluation import Evaluation

# The command says what its options were.
_TOLD_ELSEWHERE = frozenset(
    {"schema_version", "kind", "question", "system", "options", "arguments", "journal_dir"}
)


class Told(NamedTuple):
    """A thing and what it is."""

    name: str
    value: str


def common_and_own(told: Sequence[Sequence[Told]]) -> tuple[list[Told], list[list[Told]]]:
    """What is the same in all evaluations, which is told once, and what is each one's own."""
    everywhere = [one for one in told[0] if all(one in others for others in told)]
    return everywhere, [[one for one in each if one not in everywhere] for each in told]


def method_of(evaluation: Evaluation, environment: Mapping[str, Any]) -> list[Told]:
    """How an evaluation was done: its configuration, who graded, and what it ran on."""
    configuration = _without(evaluation.configuration, _TOLD_ELSEWHERE)
    return [
        Told("run", str(evaluation.path)),
        *_flat(configuration),
        *_graders(evaluation),
        *_flat(_without(environment, _TOLD_ELSEWHERE), "environment"),
    ]


def command_of(environment: Mapping[str, Any]) -> str:
    """The command that does it again; empty where nobody says."""
    arguments = environment.get("arguments")
    return shlex.join(["forkjoin", *map(str, arguments)]) if isinstance(arguments, list) else ""


def _without(data: Mapping[str, Any], names: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def _graders(evaluation: Evaluation) -> Iterator[Told]:
    found: dict[str, set[str]] = {}
    for key, grade in evaluation.grades.items():
        found.setdefault(key.task, set()).add(f"{grade.grader} {grade.version}")
    for task, graders in found.items():
        yield Told(f"grader of {task}", "; ".join(sorted(graders)))


def _flat(data: Any, place: str = "") -> Iterator[Told]:
    """The values in nested data by their places; nothing of what is empty."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _flat(value, f"{place}.{name}" if place else str(name))
    elif data is not None and data != "" and data != []:
        yield Told(place, data if isinstance(data, str) else _json(data))


def _json(data: Any) -> str:
    if isinstance(data, list | tuple) and all(isinstance(one, str) for one in data):
        return ", ".join(data)
    return json.dumps(data, ensure_ascii=False, default=str)
