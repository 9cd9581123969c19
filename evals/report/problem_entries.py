"""Problems with what every system made of them, failures first. Pure.

What a page needs at once, to filter and to list, is apart from the texts: they are most of it, and are looked at one
by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..evaluation.evaluation import Evaluation
from ..evaluation.rows import Grade, Sample
from ..problem import Problem

_LAST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A sample with what was thought of it.

    Attributes:
        system: The number of the system in the report.
        sample: What was generated.
        grade: What was thought of it; None where nobody graded it.
    """

    system: int
    sample: Sample
    grade: Grade | None

    @property
    def verdict(self) -> str:
        """In a word: right, wrong, ungraded, or how it failed."""
        if not self.sample.counts:
            return self.sample.status
        if self.grade is None:
            return "ungraded"
        return "right" if self.grade.correct else "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How often a system got a problem right.

    Attributes:
        right: How often.
        graded: Of so many samples.
        failed: How many more failed around the system.
    """

    right: int = 0
    graded: int = 0
    failed: int = 0

    @property
    def level(self) -> str:
        """Which part was right, roughly: none, few, half, most, all, or nothing is known."""
        if not self.graded:
            return "unknown"
        if self.right in (0, self.graded):
            return "all" if self.right else "none"
        return (
            "half"
            if 2 * self.right == self.graded
            else ("few", "most")[2 * self.right > self.graded]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemEntry:
    """A problem of a task with the samples of all systems.

    Attributes:
        number: Its place among all problems of the report.
        task: The task's name.
        problem: The problem.
        tried: By system, then by number.
        shares: How often each system got it right; None of one that was not asked.
    """

    number: int = 0
    task: str
    problem: Problem
    tried: Sequence[Tried]
    shares: Sequence[Share | None]

    @property
    def hardness(self) -> float:
        """Orders problems: what failed, then what was right least often, and last what nobody tried."""
        graded = sum(share.graded for share in self.shares if share)
        if not graded:
            return -1.0 if self.tried else _LAST
        return sum(share.right for share in self.shares if share) / graded

    def index(self) -> dict[str, Any]:
        """All but texts and threads, as JSON data; what is empty is left out."""
        problem = self.problem
        return {
            "task": self.task,
            "id": problem.id,
            "problem": problem.problem,
            "answers": [problem.answer, *problem.also],
            "samples": [_without_empty(_row(tried)) for tried in self.tried],
        }

    def texts(self) -> list[dict[str, Any]]:
        """The text and the threads of every sample, in the order of the index."""
        return [
            _without_empty(
                {"text": tried.sample.text, "threads": [*map(_thread, tried.sample.threads)]}
            )
            for tried in self.tried
        ]


def problem_entries(evaluations: Sequence[Evaluation]) -> list[ProblemEntry]:
    """The problems of each task, in the order in which tasks first come, failures first."""
    problems = _problems(evaluations)
    tried = _tried(evaluations)
    asked = [
        {(task, problem.id) for task, several in evaluation.problems.items() for problem in several}
        for evaluation in evaluations
    ]
    tasks = list(dict.fromkeys(task for task, _ in problems))
    entries = []
    for (task, name), problem in problems.items():
        of_systems = [tried.get((number, task, name), []) for number in range(len(evaluations))]
        shares = [
            _share(several) if (task, name) in asked[number] else None
            for number, several in enumerate(of_systems)
        ]
        flat = [one for several in of_systems for one in several]
        entries.append(ProblemEntry(task=task, problem=problem, tried=flat, shares=shares))
    entries.sort(key=lambda entry: (tasks.index(entry.task), entry.hardness))
    return [replace(entry, number=number) for number, entry in enumerate(entries)]


def _problems(evaluations: Sequence[Evaluation]) -> Mapping[tuple[str, str], Problem]:
    found: dict[tuple[str, str], Problem] = {}
    for evaluation in evaluations:
        for task, several in evaluation.problems.items():
            for problem in several:
                found.setdefault((task, problem.id), problem)
    return found


def _tried(evaluations: Sequence[Evaluation]) -> Mapping[tuple[int, str, str], list[Tried]]:
    found: dict[tuple[int, str, str], list[Tried]] = {}
    for number, evaluation in enumerate(evaluations):
        for key, sample in sorted(evaluation.samples.items()):
            one = Tried(system=number, sample=sample, grade=evaluation.grades.get(key))
            found.setdefault((number, key.task, key.problem), []).append(one)
    return found


def _share(tried: Sequence[Tried]) -> Share:
    verdicts = [one.verdict for one in tried]
    right = verdicts.count("right")
    return Share(
        right=right,
        graded=right + verdicts.count("wrong"),
        failed=sum(not one.sample.counts for one in tried),
    )


def _row(tried: Tried) -> dict[str, Any]:
    sample, grade = tried.sample, tried.grade
    return {
        "system": tried.system,
        "number": sample.sample,
        "verdict": tried.verdict,
        "cut": sample.status == "truncated",
        "warning": grade.warning if grade else "",
        "extracted": grade.extracted if grade else None,
        "value": sample.value if grade is None or sample.value != grade.extracted else None,
        "tokens": sample.usage.generated_tokens,
        "path": sample.critical_path,
        "seconds": round(sample.seconds, 3),
        "score": _finite(sample.score),
        "reason": sample.reason,
        "remark": sample.remark,
    }


def _thread(data: Mapping[str, Any]) -> dict[str, Any]:
    usage = data.get("usage")
    return _without_empty(
        {
            "path": str(data.get("path", "")),
            "status": str(data.get("status", "")),
            "reason": str(data.get("reason") or ""),
            "chosen": bool(data.get("chosen")),
            "score": _finite(data.get("score")),
            "answer": _text(data.get("answer")),
            "tokens": int(usage.get("generated_tokens") or 0) if isinstance(usage, Mapping) else 0,
            "threads": [*map(_thread, _mappings(data.get("threads")))],
        }
    )


def _mappings(data: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in data or () if isinstance(one, Mapping))


def _text(data: Any) -> str | None:
    return None if data is None else str(data)


def _finite(score: Any) -> float | None:
    """A score that JSON can say."""
    return score if isinstance(score, int | float) and math.isfinite(score) else None


def _without_empty(data: dict[str, Any]) -> dict[str, Any]:
    # A zero is not.
    return {name: value for name, value in data.items() if value or type(value) in (int, float)}
