"""A request without a method: the engine alone, with as little around it as there can be.

    turns ─> context ─┬─> call ─> Said ... Finished ─┐
                      └─> call ─> Said ... Finished ─┴─> Ended        several answers are forks of one prompt

It knows no plans; no event is told and nothing is kept.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import anyio

from engines import (
    STREAMED,
    WHOLE,
    CallLimiter,
    Chunk,
    Context,
    Engine,
    EngineError,
    Peers,
    Sampling,
    Segment,
    Usage,
    converse,
    single_error,
)

from ...budget import Budget, Limits, Purse
from ...calls import CallPolicy, protected
from ...openai_api.model_request import ModelRequest
from ...openai_api.pieces import Ended, Finished, Piece, Said
from .client_turns import ClientLimiter

# So many pieces a slow client may be behind before a call waits for it.
_MOST_UNREAD = 64
# In messages, of budgets for example.
_NAME = "answer"
_NO_PROMPT = {"prompt_tokens": 0, "cached_tokens": 0}


@dataclass(frozen=True, kw_only=True)
class PlainCalls:
    """Answers requests by calls of an engine.

    Attributes:
        engine: Does them.
        limiter: Lets only so many run at once, of all requests.
        policy: What is done about those that go wrong.
        peers: How long calls take, if late ones are tried twice.
    """

    engine: Engine
    limiter: CallLimiter
    policy: CallPolicy = CallPolicy()
    peers: Peers | None = None
    _random: Random = field(default_factory=Random, init=False, repr=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count, init=False, repr=False)

    def answer(
        self, request: ModelRequest, sampling: Sampling, *, budget: Budget, owner: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Piece]]:
        """The pieces of an answer; entering waits for the first of them, and leaving early aborts all calls.

        Args:
            request: What is asked. What `completions` asks goes to the engine without a template's marks, and is the
                user's turn where the engine takes turns only.
            sampling: How to sample: the request's, with its seed for each of several answers made its own.
            budget: What all of it may cost.
            owner: Whose request it is, for the limiter to be fair.
        """
        engine = self.paid(budget, owner)
        if request.choices > 1:
            return _side_by_side(engine, request, sampling)
        return _choice(engine, request, sampling)

    def paid(self, budget: Budget, owner: str) -> Engine:
        """The engine as one request has it, with what stands between it and a call."""
        purse = None
        if budget.limits != Limits():
            purse = Purse(budget, clock=_seconds_from_now())
        return protected(
            self.engine,
            self.policy,
            limiter=ClientLimiter(self.limiter, owner),
            owner=f"{_NAME}-{next(self._numbers)}",
            peers=self.peers,
            paid=None if purse is None else (purse, purse.run),
            random=self._random,
        )


def _seconds_from_now() -> Callable[[], float]:
    begun = anyio.current_time()
    return lambda: anyio.current_time() - begun


async def _context(engine: Engine, request: ModelRequest) -> Context:
    if request.endpoint == "completions" and engine.capabilities.token_ids:
        # What goes on with a turn has no marks before it.
        begun = Context(Segment("user", "", ()), name=_NAME)
        ((role, text),) = request.turns
        return begun.extend(await engine.encode(text, role=role, after=begun))
    return await converse(engine, (*request.turns, ("assistant", "")), name=_NAME)


@asynccontextmanager
async def _choice(
    engine: Engine,
    request: ModelRequest,
    sampling: Sampling,
    context: Context | None = None,
    number: int = 0,
) -> AsyncIterator[AsyncIterator[Piece]]:
    """One of the answers, with an `Ended` of its own; without a context the only one."""
    if context is None:
        context = await _context(engine, request)
    async with (
        engine.stream(context, sampling, STREAMED if request.stream else WHOLE) as chunks,
        aclosing(_pieces(chunks, number)) as pieces,
    ):
        yield pieces


async def _pieces(chunks: AsyncIterator[Chunk], number: int) -> AsyncGenerator[Piece]:
    chunk: Chunk | None = None
    async for chunk in chunks:
        if chunk.text:
            yield Said(chunk.text, number)
    if chunk is None or chunk.finish_reason is None:
        raise EngineError("the engine ended a stream without saying why: look at its log")
    yield Finished(chunk.finish_reason, number)
    yield Ended(usage=chunk.usage)


@asynccontextmanager
async def _side_by_side(
    engine: Engine, request: ModelRequest, sampling: Sampling
) -> AsyncIterator[AsyncIterator[Piece]]:
    """All answers, their pieces as they come. Each samples with a seed of its own."""
    context = await _context(engine, request)
    send, receive = anyio.create_memory_object_stream[Piece](_MOST_UNREAD)
    costs: dict[int, Usage] = {}
    errors: list[Exception] = []

    async def answer(number: int) -> None:
        fork = context.fork(f"choice-{number}")
        own = sampling.for_branch(fork.path)
        async with _choice(engine, request, own, fork, number) as pieces:
            async for piece in pieces:
                if isinstance(piece, Ended):
                    costs[number] = piece.usage
                else:
                    await send.send(piece)

    async def answer_all() -> None:
        async with send:
            try:
                with single_error():
                    async with anyio.create_task_group() as group:
                        for number in range(request.choices):
                            group.start_soon(answer, number)
            except Exception as error:
                # Raised here, it would cancel the reader of what came before it.
                errors.append(error)

    async def read() -> AsyncGenerator[Piece]:
        async for piece in receive:
            yield piece
        for error in errors:
            raise error
        yield Ended(usage=_together(costs))

    with single_error():
        async with receive, anyio.create_task_group() as group, aclosing(read()) as pieces:
            group.start_soon(answer_all)
            yield pieces
            group.cancel_scope.cancel()


def _together(costs: Mapping[int, Usage]) -> Usage:
    """What several answers took, as OpenAI counts it: the prompt, which they share, once."""
    first, *others = (costs[number] for number in sorted(costs))
    return sum((each.model_copy(update=_NO_PROMPT) for each in others), first)
