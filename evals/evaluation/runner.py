"""Makes the samples of an evaluation: what a run is to its nodes, this is to its samples.

    jobs ─> Workload: room? ─> system.answer ─ calls ─> one journal, budget, limiter, engine
                                    └─> Answer, or what went wrong ─> a row of samples.jsonl ─> told

It does not know who grades, nor where the folder is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
import anyio.abc

from engines import (
    CallLimiter,
    Engine,
    EngineDead,
    ForkjoinError,
    Peers,
    RunError,
    UsageError,
    single_error,
)
from orchestrator import CallPolicy, NodeFinished, NodeStarted, RunFailed, RunFinished, RunStarted
from orchestrator.budget import Account, Budget
from orchestrator.calls import Calls
from orchestrator.events import EventBus, Subscriber
from orchestrator.journal import Journal
from orchestrator.nesting import Outer
from orchestrator.resources import opened_purse

from .folder import SampleFile
from .jobs import Job
from .making import lost_sample, sample_of
from .rows import Sample
from .systems import Place, System
from .workload import SampleCalls, Workload

_SAMPLES = "samples"


@dataclass(kw_only=True)
class Runner:
    """Makes samples; used once.

    Attributes:
        engine: What all of it runs on.
        system: Answers.
        samples: Takes the rows.
        budget: What all of it may cost.
        policy: What is done about calls that go wrong.
        limiter: Lets only so many calls run at once.
        peers: How long calls take, where late ones are tried twice.
        journal: Keeps what is finished.
        name: The evaluation's, for a limiter to be fair.
        subscribers: Take events.
        earlier: What counts of the seconds of earlier processes, by the samples' nodes.
        live: Whether they are told of tokens while these come.
        tell: Told of each sample, once its row is written.
        limited_by: What of the budget ran out, so that it ended early; None if nothing did.
    """

    engine: Engine
    system: System
    samples: SampleFile
    budget: Budget
    policy: CallPolicy
    limiter: CallLimiter
    journal: Journal
    name: str
    peers: Peers | None = None
    subscribers: tuple[Subscriber, ...] = ()
    earlier: Mapping[str, float] = field(default_factory=dict)
    live: bool = False
    tell: Callable[[Job, Sample], None] = lambda job, sample: None
    limited_by: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Opens the budget, and what stands before the engine."""
        self._work = Workload(self.limiter)
        self._bus = EventBus(anyio.current_time, (*self.subscribers, self._work.hear))
        self._purse = opened_purse(self.budget, self.journal, lambda: self.journal.seconds)
        self._calls = Calls(
            self.engine,
            policy=self.policy,
            limiter=self.limiter,
            peers=self.peers,
            purse=self._purse,
            journal=self.journal,
            bus=self._bus,
            owner=self.name,
            live=self.live,
        )

    async def run(self, jobs: Iterable[Job], *, about: str, resumed: bool) -> None:
        """Makes the samples of all jobs, or until the budget has run out; what has begun comes to its end.

        Args:
            jobs: In their order.
            about: What is done, in words.
            resumed: Whether some of it was done before.

        Raises:
            RunError: A row or a call cannot be written.
            EngineDead: The engine is gone.
            UsageError: The system cannot be run on this engine.
        """
        started = RunStarted(
            question=about,
            model=self.engine.model,
            name=self.name,
            resumed=resumed,
            usage=self._purse.run.spent.usage,
        )
        self._bus.emit(started)
        try:
            await self._make_all(jobs)
        except BaseException as error:
            # A full disk, which may be the error, must not hide it.
            with suppress(RunError):
                self._bus.emit(self._ended_by(error))
            raise
        remark = "" if self.limited_by is None else f"the budget ran out of {self.limited_by}"
        self._bus.emit(RunFinished(status="ok", remark=remark, usage=self._purse.run.spent.usage))

    def _ended_by(self, error: BaseException) -> RunFinished:
        usage = self._purse.run.spent.usage
        if isinstance(error, Exception):
            return RunFinished(status="failed", reason=str(error), usage=usage)
        return RunFinished(status="cancelled", usage=usage)

    async def _make_all(self, jobs: Iterable[Job]) -> None:
        with single_error():
            async with anyio.create_task_group() as whole:
                whole.start_soon(self.limiter.adapt)
                async with anyio.create_task_group() as group:
                    await self._begin_all(jobs, group)
                whole.cancel_scope.cancel()

    async def _begin_all(self, jobs: Iterable[Job], group: anyio.abc.TaskGroup) -> None:
        for job in jobs:
            await self._work.wait_for_room()
            if self.limited_by is not None:
                return
            # Started, so that it counts for the next one's room.
            await group.start(self._make, job)

    async def _make(self, job: Job, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        with self._work.sample(job.node) as calls:
            task_status.started()
            self._bus.emit(NodeStarted(node=job.node))
            sample = await self._sample(job, calls)
        self.samples.append(sample)
        self._bus.emit(
            NodeFinished(
                node=job.node,
                status=sample.status,
                reason=sample.reason or sample.remark,
                result=sample.value,
            )
        )
        self.tell(job, sample)

    async def _sample(self, job: Job, calls: SampleCalls) -> Sample:
        start = anyio.current_time() - self.earlier.get(job.node, 0.0)
        try:
            # A method's task groups wrap what ends the run.
            with single_error():
                answer = await self.system.answer(job, self._place(job, calls))
        except ForkjoinError as error:
            if _ends_all(error):
                raise
            calls.limited_by = calls.limited_by or self._used_up()
            sample = lost_sample(job, error, calls, anyio.current_time() - start)
        else:
            sample = sample_of(job, answer, calls, anyio.current_time() - start)
        if sample.status == "cancelled":
            self.limited_by = calls.limited_by or "its limits"
        return sample

    def _used_up(self) -> str | None:
        """What nothing is left of, which may have failed a tool."""
        account = self._purse.run
        limits = account.limits
        if (
            limits is not None
            and limits.calls is not None
            and account.used("calls") >= limits.calls
        ):
            return "calls"
        return None if self._purse.seconds_left(account) else "seconds"

    def _place(self, job: Job, calls: SampleCalls) -> Place:
        account = self._purse.run.child(_SAMPLES).unlisted()
        return Place(
            engine=self._calls.of(job.node, account),
            calls=calls,
            outer=self._outer(job, account),
            base=self.engine,
            limiter=self.limiter,
            policy=self.policy,
        )

    def _outer(self, job: Job, account: Account) -> Outer:
        return Outer(
            node=job.node,
            path=job.node,
            depth=1,
            account=account,
            purse=self._purse,
            calls=self._calls,
            journal=self.journal,
            repeat=(),
            owner=self.name,
            dependencies=None,
            approve=None,
            tell=self._bus.emit,
        )


def _ends_all(error: ForkjoinError) -> bool:
    """Whether no other sample could do better."""
    if isinstance(error, RunFailed):
        # The run of an agent inside of the sample.
        return False
    return isinstance(error, RunError | UsageError | EngineDead)
