"""A system's figures on a task, as a row of the report has them. Pure.

It computes nothing: what figures are is decided in `evaluation/figures.py`, and how they are looked up only here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..estimates.estimate import Estimate
from ..evaluation.result_table import warned


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What was measured.

    Attributes:
        number: Its place in the report, from 0 on.
        name: In words.
    """

    number: int
    name: str

    @property
    def letter(self) -> str:
        """What it is called where there is little room.

        >>> [System(number=number, name="").letter for number in (0, 25, 26)]
        ['A', 'Z', 'AA']
        """
        high, low = divmod(self.number, 26)
        return ("" if high == 0 else chr(64 + high)) + chr(65 + low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far a system is from another one, on the problems of both.

    Attributes:
        to: The other one's letter.
        share: The difference of what both get right.
        p: How likely so much comes of chance alone.
        problems: So many have both.
        apart: Whether there is one, at 95 %.
    """

    to: str
    share: Estimate
    p: float
    problems: int
    apart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AtK:
    """What so many samples of a problem come to, side by side.

    Attributes:
        k: How many.
        problems: How many have so many samples, over which it is.
        passed: pass@k.
        majority: maj@k.
        weighted: Weighted maj@k; None where samples have no scores.
        tokens: Of all of them.
        path: Tokens that one of them generates, the longest.
        seconds: Until the last of them has ended.
    """

    k: int
    problems: int
    passed: Estimate
    majority: Estimate
    weighted: Estimate | None
    tokens: float
    path: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRow:
    """A system on a task.

    Attributes:
        system: Which.
        problems: How many have graded samples.
        asked: How many there are.
        samples: How many samples are graded.
        average: avg@k; None where there are no samples, as of all estimates.
        oracle: Problems with a sample that is right.
        tokens: Generated for a sample, in all its calls.
        path: Generated one after another for a sample.
        seconds: That a sample took.
        at: For more and more samples, as far as most problems have them; empty where there are none.
        total_tokens: Generated for all samples.
        failed: Samples that failed around the system.
        truncated: Samples that a limit cut.
        ungraded: Samples that nobody graded.
        warnings: Verdicts that deserve a look, by why.
        warned: What should not be overlooked, in the words of `forkjoin eval`.
        reasons: Why samples failed, with how many did so.
        notes: What else one should know, in sentences.
        difference: To the first system, of avg@k; None of itself, and where they share no problem.
        to_best: To the system with the highest avg@k of the task; None of itself, and where they share no problem.
        best: Whether its avg@k is the highest, and told apart from that of every other system.
    """

    system: System
    problems: int
    asked: int
    samples: int
    average: Estimate | None
    oracle: Estimate | None
    tokens: Estimate | None
    path: Estimate | None
    seconds: Estimate | None
    at: Sequence[AtK]
    total_tokens: int
    failed: int
    truncated: int
    ungraded: int
    warnings: Mapping[str, int]
    warned: Sequence[str] = ()
    reasons: Sequence[str] = ()
    notes: Sequence[str] = ()
    difference: Difference | None = None
    to_best: Difference | None = None
    best: bool = False

    @property
    def k(self) -> int:
        """How many samples of each problem the figures are of."""
        return self.at[-1].k if self.at else 0

    @property
    def share(self) -> float:
        """The value of avg@k; 0 without samples."""
        return self.average.value if self.average else 0.0

    @property
    def passed(self) -> Estimate | None:
        """pass@k."""
        return self.at[-1].passed if self.at else None

    @property
    def majority(self) -> Estimate | None:
        """maj@k."""
        return self.at[-1].majority if self.at else None

    @property
    def weighted(self) -> Estimate | None:
        """Weighted maj@k."""
        return self.at[-1].weighted if self.at else None


def system_row(
    system: System,
    part: Mapping[str, Any],
    difference: Difference | None = None,
    to_best: Difference | None = None,
) -> SystemRow:
    """The row of a part of a system's figures: a task, or all of them pooled."""
    return SystemRow(
        system=system,
        problems=part["measured"],
        asked=part["problems"],
        samples=part["samples"],
        average=_estimate(part["average"]),
        oracle=_estimate(part["oracle"]),
        tokens=_estimate(part["tokens"]),
        path=_estimate(part["critical_path"]),
        seconds=_estimate(part["seconds"]),
        # A few problems that happen to have more samples are others than the task's.
        at=[_at(each) for each in part["at"] if 2 * each["problems"] > part["measured"]],
        total_tokens=part["total"]["generated_tokens"],
        failed=part["failed"],
        truncated=part["truncated"],
        ungraded=part["ungraded"],
        warnings=part["warnings"],
        warned=tuple(warned(part)),
        reasons=tuple(f"{told['reason']} ({told['samples']:,})" for told in part["reasons"]),
        notes=tuple(part["notes"]),
        difference=difference,
        to_best=to_best,
    )


def _at(data: Mapping[str, Any]) -> AtK:
    passed, majority = _estimate(data["pass"]), _estimate(data["majority"])
    assert passed is not None
    assert majority is not None
    return AtK(
        k=data["k"],
        problems=data["problems"],
        passed=passed,
        majority=majority,
        weighted=_estimate(data["weighted"]),
        tokens=data["tokens"],
        path=data["critical_path"],
        seconds=data["seconds"],
    )


def _estimate(data: Mapping[str, Any] | None) -> Estimate | None:
    return None if data is None else Estimate(**data)
