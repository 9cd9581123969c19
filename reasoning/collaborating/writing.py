"""Workers at work on a board: each has one call in flight, and the next one begins as soon as it ends.

    board ─> requests ─> calls in flight ─> whoever has ended ─> board ─> their next requests ─> ...
                              └─ an answer stands: the others are aborted, and what they had said is kept

Who was in time is kept by a journal, under a name that also tells which calls were in flight: where one that failed is
made again in a run that is resumed, and succeeds, all is decided anew from there on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from engines import (
    BudgetExhausted,
    Completion,
    Context,
    Engine,
    EngineWrapper,
    First,
    LedgerEngine,
    Outcome,
    PartwiseEngine,
    Sampling,
    Segment,
    Usage,
    Waves,
    join_in_waves,
)

from .board import Board, Request
from .piece import BLANK_LINE, Piece, piece_of, written

T = TypeVar("T")


@dataclass(eq=False)
class _Call:
    """A call in flight, with its own account."""

    request: Request
    ledger: LedgerEngine
    completion: Completion | None = None

    async def make(self, sampling: Sampling) -> Piece:
        """What the worker says in it.

        Raises:
            ForkjoinError: The call failed. A budget that has nothing left does not fail a worker that has begun.
        """
        context, before = self.request.context, self.request.before
        limits = {"max_tokens": self.request.tokens, "stop": (BLANK_LINE,)}
        asked = sampling.for_branch(context.path).model_copy(update=limits)
        try:
            # Of a call that is read whole and cut, nothing would be left.
            self.completion = await PartwiseEngine(self.ledger).generate(context, asked)
        except BudgetExhausted as error:
            if self.request.number == 1:
                raise
            return Piece(step=before, generated=0, spoken=False, cut=True, limited_by=error.what)
        return await self._piece(self.completion)

    async def said(self) -> Segment:
        """What its step has come to, where nobody waits for it any more."""
        if self.completion is not None:
            # It had come to its end, and was being read.
            return (await self._piece(self.completion)).step
        new = [token for entry in self.ledger.entries for token in entry.token_ids]
        ids = (*(self.request.before.token_ids or ()), *new)
        return await written(ids, self.request.opening, self.ledger)

    async def _piece(self, completion: Completion) -> Piece:
        request = self.request
        return await piece_of(
            completion, request.opening, request.before, request.answer, self.ledger
        )


class Writing:
    """Workers at work.

    Args:
        prompt: What the board begins with.
        board: Says what each sees.
        sampling: How each samples.
        engine: Thinks.

    Attributes:
        usage: What each worker's calls cost.
    """

    def __init__(self, prompt: Context, board: Board, sampling: Sampling, engine: Engine) -> None:
        self.usage = [Usage() for _ in board.desks]
        self._prompt = prompt
        self._board = board
        self._sampling = sampling
        self._engine = _Deciding(engine, self._in_flight)
        self._calls: dict[int, _Call] = {}

    async def run(self) -> None:
        """Writes until an answer stands, or nobody can go on."""
        async with join_in_waves(self._engine, self._prompt.path) as waves:
            while self._board.found is None:
                await self._begin(waves)
                if not waves.in_flight:
                    return
                for key, outcome in (await waves.next(First())).items():
                    self._take(int(key.partition("/")[0]), outcome)
        await self._leave()

    async def _begin(self, waves: Waves[Piece]) -> None:
        """Begins a call of each worker that has none and can go on."""
        desks = list(enumerate(self._board.desks))
        free = [(w, desk) for w, desk in desks if desk.end is None and w not in self._calls]
        # All openings stand before anybody looks.
        for worker, desk in free:
            if desk.opening is None:
                text = self._board.opening(worker)
                desk.opening = await self._engine.encode(text, role="assistant", after=self._prompt)
        for worker, _ in free:
            request = self._board.request(worker)
            if request is not None:
                call = self._calls[worker] = _Call(request, LedgerEngine(self._engine))
                waves.begin(f"{worker}/{request.number}", partial(call.make, self._sampling))

    def _take(self, worker: int, outcome: Outcome[Piece]) -> None:
        self.usage[worker] += self._calls.pop(worker).ledger.usage
        if outcome.value is None:
            self._board.desks[worker].lose(outcome.reason)
        else:
            self._board.take(worker, outcome.value)

    async def _leave(self) -> None:
        """Keeps what those had said that were cut; how far they were depends on time."""

        async def choose() -> dict[str, Any]:
            return {str(worker): await _record(call) for worker, call in self._calls.items()}

        if not self._calls:
            return
        kept = await self._engine.decide(f"{self._prompt.path}#left", choose)
        for worker in self._calls:
            text, ids, usage = kept[str(worker)]
            self._board.desks[worker].step = Segment("assistant", text, tuple(ids))
            self.usage[worker] += Usage(**usage)

    def _in_flight(self) -> bytes:
        contexts = [call.request.context.digest for _, call in sorted(self._calls.items())]
        return b"".join(contexts)


class _Deciding(EngineWrapper):
    """Has decisions kept under their names and what they are about."""

    def __init__(self, inner: Engine, about: Callable[[], bytes]) -> None:
        super().__init__(inner)
        self._about = about

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        digest = hashlib.blake2b(self._about(), digest_size=8).hexdigest()
        return await self.inner.decide(f"{path}-{digest}", choose)


async def _record(call: _Call) -> list[Any]:
    """What a worker had said of its step when it was cut, and what the call cost, as JSON data."""
    said = await call.said()
    return [said.text, said.token_ids, call.ledger.usage.model_dump()]
