"""The rows that an evaluation's folder holds: what was generated, and what was thought of it.

Generating is dear and grading is cheap, so they are two files: `samples.jsonl` is only ever added to, `grades.jsonl` is
written whole, as often as somebody grades.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from engines import Status, Usage

from ..grading.grader import Warning


class Key(NamedTuple):
    """What names a sample."""

    task: str
    problem: str
    sample: int


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    problem: str
    sample: int

    @property
    def key(self) -> Key:
        """What names the sample."""
        return Key(self.task, self.problem, self.sample)


class Sample(_Row):
    """One try at a problem: a row of `samples.jsonl`.

    Attributes:
        task: The task's name.
        problem: The problem's id.
        sample: Its number, from 0 on.
        status: `ok`; `truncated` where a limit cut it; `failed` and `cancelled` rows are done again on a resume.
        reason: Why it is not ok, for a person.
        text: What it says; of a vote, the text that represents the winner.
        value: The final answer that the method came to; None where it left none.
        usage: Tokens of all its calls: planner, judge, and branches that lost or were pruned.
        critical_path: Tokens generated one after another.
        seconds: From its first call to its end. Of a process that was stopped meanwhile, what came before the oldest
            call counts that was lost with it and made again: see `earlier_seconds`.
        score: How sure it is, higher is better; None where nothing says so.
        remark: What a reader should know.
        threads: The tree of threads that it came from, as `reasoning.thread_tree.thread_data` gives it.
    """

    status: Status
    reason: str = ""
    text: str = ""
    value: str | None = None
    usage: Usage = Usage()
    critical_path: int = 0
    seconds: float = 0.0
    score: float | None = None
    remark: str = ""
    threads: list[dict[str, Any]] = []

    @property
    def counts(self) -> bool:
        """Whether it is a sample of the system, not a failure around it."""
        return self.status in ("ok", "truncated")


class Grade(_Row):
    """What was thought of a sample: a row of `grades.jsonl`.

    Attributes:
        task: The task's name.
        problem: The problem's id.
        sample: The sample's number.
        extracted: The answer in it; None if none was found.
        correct: Whether it is right.
        warning: See `grading.grader.Warning`.
        vote: The first sample of this problem with the same answer; None without an answer.
        grader: Who graded.
        version: Of the grader.
    """

    extracted: str | None
    correct: bool
    warning: Warning = ""
    vote: int | None = None
    grader: str
    version: str
