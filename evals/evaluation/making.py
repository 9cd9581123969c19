"""What becomes of a sample as a row: of an answer, or of what went wrong in the place of one. Pure.

A sample counts if it says something of the system. What the system itself brought about counts as a sample without an
answer, which is wrong: that it came to no plan, or wrote no call that could be carried out. Where the engine failed
it, the row is `failed`. Where the budget of the evaluation ran out, also where that only made it shorter, the row is
`cancelled`, since with more budget it would be another. Both are done again on a resume.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engines import ForkjoinError, InvalidOutput, Status
from orchestrator import RunFailed
from planners import PlanError
from reasoning import Answer, NoCandidates
from reasoning.thread_tree import thread_data

from .jobs import Job
from .rows import Sample
from .workload import SampleCalls

OWN_FAILURES = (PlanError, InvalidOutput, RunFailed)
"""Errors that are the system's own, unless the engine failed one of its calls."""


def sample_of(job: Job, answer: Answer, calls: SampleCalls, seconds: float) -> Sample:
    """The row of a sample that came to an answer."""
    threads = thread_data(answer)
    limited = calls.limited_by or answer.limited_by
    status: Status = "cancelled" if limited else "truncated" if answer.truncated else "ok"
    return Sample(
        **job.key._asdict(),
        status=status,
        reason=_out_of(limited) if limited else answer.cut_by,
        text=answer.text,
        value=answer.value,
        usage=answer.usage,
        critical_path=answer.critical_path,
        seconds=round(seconds, 6),
        score=_score(answer, threads),
        remark=answer.remark,
        threads=threads,
    )


def lost_sample(job: Job, error: ForkjoinError, calls: SampleCalls, seconds: float) -> Sample:
    """The row of a sample that came to none, with what it cost."""
    known = Answer(text="").after(error.branches if isinstance(error, NoCandidates) else ())
    row = Sample(
        **job.key._asdict(),
        status="failed",
        reason=" ".join(str(error).split()),
        usage=calls.usage,
        # Where nothing tells what ran side by side, as if nothing had.
        critical_path=known.critical_path or calls.usage.generated_tokens,
        seconds=round(seconds, 6),
        threads=thread_data(known),
    )
    if calls.limited_by:
        return row.model_copy(update={"status": "cancelled", "reason": _out_of(calls.limited_by)})
    if isinstance(error, OWN_FAILURES) and not calls.failed:
        return row.model_copy(update={"status": "ok", "reason": "", "remark": row.reason})
    return row


def _out_of(what: str) -> str:
    return f"the budget of the evaluation ran out of {what}"


def _score(answer: Answer, threads: Sequence[Mapping[str, Any]]) -> float | None:
    """How sure it is: by the model's confidence, or as the thread that was chosen was scored."""
    scores = [thread["score"] for thread in threads if thread["chosen"] and "score" in thread]
    known = scores[0] if scores else None
    if answer.confidence is not None:
        known = answer.confidence.mean
    return known if known is not None and math.isfinite(known) else None
