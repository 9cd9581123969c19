"""Several engines of one model as one engine: calls go where their prefix is cached, and on from what fails."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import Self, TypeVar

import anyio

from ..completion import Chunk, alone
from ..context import Context, Role, Segment
from ..delivery import STREAMED, Delivery
from ..engine import Capabilities, Engine, EngineStatistics, require_capabilities
from ..error_groups import single_error
from ..errors import CallTimedOut, EngineDead, EngineError, UsageError
from ..notice import Notify, ignore
from ..portal import OpensOnPortal
from ..sampling import Sampling
from .agreement import common_capabilities, common_fingerprint, common_model
from .dispatcher import Dispatcher, PooledCall
from .fleet import Fleet, is_of_the_replica
from .replica import HealthPolicy, ReplicaStatus
from .router import RoutingPolicy
from .streamed_calls import streamed
from .whole_calls import Race

T = TypeVar("T")

_STATISTICS_SECONDS = 5.0
_NOTHING = EngineStatistics(running=0, waiting=0, kv_usage=0.0, prompt_tokens=0, generated_tokens=0)


class ReplicaPool(Engine, OpensOnPortal["ReplicaPool"]):
    """Engines of one model, usually servers: `async with ReplicaPool([HttpEngine(url) for url in urls]) as engine`.

    A call goes to the replica that has its prefix cached, unless that carries more than its share of the tokens in
    flight (`RoutingPolicy`). Where a replica fails, or falls silent while others answer, the call goes on elsewhere
    as long as nothing of its answer was passed on; each call is sent to each replica once at most, so that retries
    are for a wrapper around the pool. What fails, is overloaded or is much slower than its peers is left alone for
    a while and then tried with one call (`HealthPolicy`). There is no background task: health is learnt from calls.

    A plain `with` opens it on the loop that `Agent.run_sync` uses. Engines that are open already may be used
    without a `with`; the pool closes them all the same.

    Args:
        engines: The replicas, of which the pool opens and closes each.
        stall_seconds: How long a replica may send nothing, of any call, before those that wait on it go to others
            as well; longer where 5 times the 95th percentile of what others took is more.
        routing: How much a cached prefix counts against load.
        health: When a replica gets no calls.
        notify: Is told of every call that moves (`failed-over`).

    Raises:
        UsageError: There is no engine, or, when it is opened or first used, they serve different models.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        stall_seconds: float = 30,
        routing: RoutingPolicy | None = None,
        health: HealthPolicy | None = None,
        notify: Notify = ignore,
    ) -> None:
        if not engines:
            raise UsageError("a pool of no replicas answers nothing: give it an engine")
        self._engines = tuple(engines)
        self._fleet = Fleet(
            len(engines),
            stall_seconds=stall_seconds,
            routing=routing or RoutingPolicy(),
            health=health or HealthPolicy(),
        )
        self._dispatcher = Dispatcher(self._engines, self._fleet, notify)
        self._counts = [_NOTHING] * len(engines)
        self._capabilities: Capabilities | None = None
        self._questions = 0

    async def __aenter__(self) -> Self:
        try:
            with single_error():
                async with anyio.create_task_group() as group:
                    for engine in self._engines:
                        group.start_soon(engine.__aenter__)
            common_model(self._engines)
            self._capabilities = common_capabilities(self._engines)
        except BaseException:
            await self.aclose()
            raise
        return self

    @property
    def model(self) -> str:
        """The model that all replicas serve."""
        return common_model(self._engines)

    @property
    def capabilities(self) -> Capabilities:
        """What all replicas can do."""
        if self._capabilities is None:
            self._capabilities = common_capabilities(self._engines)
        return self._capabilities

    @property
    def fingerprint(self) -> str:
        """What a completion depends on, whichever replica makes it."""
        return common_fingerprint(self._engines)

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Generates on one of the replicas, and on another where that fails before a part was passed on."""
        self._check_open()
        require_capabilities(self, sampling)
        call = PooledCall(context=context, sampling=sampling, delivery=delivery)
        if delivery.whole:
            async with aclosing(alone(await Race(self._dispatcher, call).run())) as chunks:
                yield chunks
        else:
            async with streamed(self._dispatcher, call) as parts:
                yield parts

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """Encodes on one of the replicas, whose tokenizers agree."""
        return await self._ask_one(lambda engine: engine.encode(text, role=role, after=after))

    async def decode(self, token_ids: Sequence[int]) -> str:
        """Decodes on one of the replicas, whose tokenizers agree."""
        return await self._ask_one(lambda engine: engine.decode(token_ids))

    async def statistics(self) -> EngineStatistics:
        """The sums of the replicas' counts, the last known ones where one does not answer; the mean of the KV use."""
        counts = [replace(known, running=0, waiting=0, kv_usage=0.0) for known in self._counts]

        async def count(number: int) -> None:
            with (
                suppress(EngineError),
                anyio.move_on_after(min(_STATISTICS_SECONDS, self._fleet.stall_seconds)),
            ):
                counts[number] = self._counts[number] = await self._engines[number].statistics()

        async with anyio.create_task_group() as group:
            for number in range(len(self._engines)):
                if self._fleet.is_up(number):
                    group.start_soon(count, number)
        return EngineStatistics(
            running=sum(count.running for count in counts),
            waiting=sum(count.waiting for count in counts),
            kv_usage=sum(count.kv_usage for count in counts) / len(counts),
            prompt_tokens=sum(count.prompt_tokens for count in counts),
            generated_tokens=sum(count.generated_tokens for count in counts),
        )

    def replicas(self) -> tuple[ReplicaStatus, ...]:
        """What each replica does, in the order in which they were given."""
        return self._fleet.statuses(_now())

    def drain(self, number: int) -> None:
        """Sends a replica no more calls; those that it has go on.

        Raises:
            UsageError: There is no such replica.
        """
        self._set_drained(number, True)

    def undrain(self, number: int) -> None:
        """Sends a drained replica calls again.

        Raises:
            UsageError: There is no such replica.
        """
        self._set_drained(number, False)

    async def aclose(self) -> None:
        """Closes every replica, so that what runs fails with `EngineDead`."""
        self._dispatcher.closed = True
        errors: list[Exception] = []

        async def close(engine: Engine) -> None:
            try:
                await engine.aclose()
            except Exception as error:  # One that cannot be closed leaves the others to be.
                errors.append(error)

        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:
                for engine in self._engines:
                    group.start_soon(close, engine)
        if errors:
            with single_error():
                raise ExceptionGroup("replicas could not be closed", errors)

    async def _ask_one(self, question: Callable[[Engine], Awaitable[T]]) -> T:
        """Asks replicas in turn until one answers; such a question is no load and takes no time worth comparing."""
        self._check_open()
        said: dict[int, str] = {}
        self._questions += 1
        for number in self._fleet.in_turn(self._questions, anyio.current_time()):
            try:
                return await self._ask(number, question)
            except EngineError as error:
                if self._dispatcher.closed or not is_of_the_replica(error):
                    raise
                said[number] = str(error)
                self._fleet.note_failure(number, error, anyio.current_time())
        raise self._fleet.refusal(said, anyio.current_time())

    async def _ask(self, number: int, question: Callable[[Engine], Awaitable[T]]) -> T:
        seconds = self._fleet.stall_seconds
        with anyio.move_on_after(seconds):
            return await question(self._engines[number])
        raise CallTimedOut(f"it sent nothing for {seconds:g} s")

    def _set_drained(self, number: int, drained: bool) -> None:
        if not 0 <= number < len(self._engines):
            raise UsageError(
                f"there is no replica {number}: the pool has 0 to {len(self._engines) - 1}"
            )
        self._fleet.set_drained(number, drained)

    def _check_open(self) -> None:
        if self._dispatcher.closed:
            raise EngineDead("the pool is closed: open a new one")


def _now() -> float:
    """The time; outside of an event loop, where nothing runs, the end of time."""
    try:
        return anyio.current_time()
    except anyio.NoEventLoopError:
        return math.inf
