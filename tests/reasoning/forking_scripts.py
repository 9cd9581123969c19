"""What scripted models write in the tests of fork and join."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from engines import (
    Context,
    FakeEngine,
    ForkjoinError,
    Sampling,
)
from reasoning import Answer
from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER
from reasoning.forking.fork_join import ForkJoin
from tests.reasoning.forking_engines import (
    assert_accounted,
    assert_balanced,
    assert_stitched,
    question,
    said,
)

OPENING = (
    "Two parts.\n<Parallel>\n<Outlines>\n<Outline> 1: left </Outline> <Outline> 2: right </Outline>"
    "\n</Outlines>"
)
REST = r"</Parallel> So \boxed{4}."
WEAVER = ForkJoin(dialect=THREADWEAVER, invited=False, sampling=Sampling(max_tokens=4000, seed=1))
VERSE = replace(WEAVER, dialect=MULTIVERSE)
GOAL = "<Parallel>\n<Goal>\n<Outline>1: a</Outline>\n<Outline>1.1: b</Outline>\n</Goal>"

Reply = str | ForkjoinError


def label(context: Context) -> str | None:
    """The label of a thread that has not begun, or None anywhere else."""
    header = re.search(r"<(?:Thread|Path)>\n([0-9.]+):?$", said(context))
    return header[1] if header else None


def script(
    thread: Callable[[str], Reply] = lambda number: f" thread {number} </Thread>",
    opening: str = OPENING,
    rest: str = REST,
) -> Callable[[Context, Sampling], Reply]:
    def reply(context: Context, sampling: Sampling) -> Reply:
        number = label(context)
        if number is not None:
            return thread(number)
        return opening if not said(context) else rest

    return reply


async def solve(
    method: ForkJoin, reply: Callable[[Context, Sampling], Reply], **options: int
) -> tuple[Answer, FakeEngine]:
    engine = FakeEngine(reply, **options)  # type: ignore[arg-type]  # mypy takes it for every option
    answer = await method.solve(await question(engine), engine)
    await assert_accounted(answer, engine)
    await assert_stitched(answer, engine)
    assert_balanced(answer.text, method.dialect)
    return answer, engine
