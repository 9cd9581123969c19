"""Problems, and a runner of their samples over a fake engine, for tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import anyio

from engines import CallLimiter, Engine, RetryPolicy, Sampling
from evals import Problem, Sample, Task
from evals.evaluation.folder import SampleFile
from evals.evaluation.jobs import jobs
from evals.evaluation.rows import Key
from evals.evaluation.runner import Runner
from evals.evaluation.systems import System, Thinks
from orchestrator import Budget, CallPolicy, Event
from orchestrator.journal import FAILURES, open_journal
from reasoning import ChainOfThought, Method

SAMPLING = Sampling(seed=1, max_tokens=300)
ONCE = CallPolicy(retry=RetryPolicy(attempts=1))


class ExactGrader:
    """What stands in braces is the answer, and right if it is the very text."""

    name = "exact"
    version = "1"

    def extract(self, text: str) -> str | None:
        begin, _, rest = text.rpartition("\\boxed{")
        return rest.partition("}")[0] if begin or rest != text else None

    async def correct(self, problem: Problem, answer: str) -> bool:
        return answer == problem.answer

    async def same(self, first: str, second: str) -> bool:
        return first == second

    async def aclose(self) -> None:
        return


def task(name: str = "sums") -> Task:
    return Task(name=name, about="sums", grader=ExactGrader)


def problems(count: int, *, first: int = 0) -> tuple[Problem, ...]:
    numbers = range(first, first + count)
    return tuple(Problem(id=f"p{n}", problem=f"{n} + 0?", answer=str(n)) for n in numbers)


def thinks(method: Method | None = None) -> System:
    return Thinks(method=method or ChainOfThought(sampling=SAMPLING), described={})


class Made:
    """What a runner has made.

    Attributes:
        rows: In the order of their ends.
        events: All of them.
        runner: Has made them.
    """

    def __init__(self) -> None:
        self.rows: list[Sample] = []
        self.events: list[Event] = []
        self.runner: Runner
        self._more = anyio.Event()

    def hear(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()
        self._more = anyio.Event()

    async def wait_until(self, enough: Callable[[], bool]) -> None:
        while not enough():
            await self._more.wait()

    def count(self, kind: str) -> int:
        return sum(event.kind == kind for event in self.events)

    @property
    def keys(self) -> list[Key]:
        return [row.key for row in self.rows]


async def make(
    engine: Engine,
    folder: Path,
    *,
    system: System | None = None,
    asked: Sequence[Problem] = problems(3),
    k: int = 2,
    width: int = 8,
    done: Collection[Key] = (),
    made: Made | None = None,
    **options: Any,
) -> Made:
    made = Made() if made is None else made
    journal = open_journal(
        folder / "journal.sqlite",
        raised={FAILURES, *options.pop("raised", ())},
        clock=anyio.current_time,
    )
    async with journal:
        with SampleFile(folder) as samples:
            made.runner = Runner(
                engine=engine,
                system=system or thinks(),
                samples=samples,
                budget=options.pop("budget", Budget()),
                policy=options.pop("policy", ONCE),
                limiter=CallLimiter(width),
                journal=journal,
                name="test",
                subscribers=(made.hear,),
                tell=lambda job, sample: made.rows.append(sample),
                **options,
            )
            todo = jobs({"sums": task()}, {"sums": asked}, k, done)
            await made.runner.run(todo, about="sums", resumed=bool(done))
    return made
