"""Grades samples while others are made, so that people see how it goes. What counts is graded at the end, in one go.

Grading never holds up what is measured: where it falls behind, it leaves samples out, and a judge, which may be the
engine that is measured, is asked at the end only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import anyio

from engines import ForkjoinError

from ..grading.grader import Grader
from ..grading.grading import verdict
from ..grading.judge import Judge
from .jobs import Job
from .rows import Sample

# Samples that wait, at most: their texts are in memory.
_WAITING = 1000
# One may take a second, so that several are looked at side by side.
_AT_ONCE = 4


class LiveGrading:
    """Grades what it is offered.

    Args:
        graders: By the names of tasks.
        tell: Told of each sample that is graded, whether it is right.
    """

    def __init__(self, graders: Mapping[str, Grader], tell: Callable[[bool], None]) -> None:
        self._graders = {
            name: grader for name, grader in graders.items() if not isinstance(grader, Judge)
        }
        self._tell = tell
        self._offered, self._taken = anyio.create_memory_object_stream[tuple[Job, Sample]](_WAITING)

    def offer(self, job: Job, sample: Sample) -> None:
        """Takes a sample, if it counts, needs no judge, there is room, and somebody still grades."""
        if sample.counts and sample.task in self._graders:
            # Closed where a bug has ended it all, which is to be raised and not hidden.
            with suppress(anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                self._offered.send_nowait((job, sample))

    async def run(self) -> None:
        """Grades until it is cancelled, or cannot grade; whoever grades at the end says why."""
        with self._offered, self._taken, suppress(ForkjoinError):
            async with anyio.create_task_group() as group:
                for _ in range(_AT_ONCE):
                    group.start_soon(self._grade)

    async def _grade(self) -> None:
        async for job, sample in self._taken:
            grader = self._graders[job.key.task]
            with suppress(ForkjoinError):
                self._tell((await verdict(grader, job.question.problem, sample)).correct)
