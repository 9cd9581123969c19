"""Answers rows one by one on an engine of its own, through one stack of wrappers.

settings ─> engine ─> limiter, budget, retries ─┬─ row ─> method ─> answer ─> a line of the output
                                                └─ what failed ─> a line of the errors

One worker answers many rows at the same time. It knows neither files nor who gives it rows, so that it works in this
process as on another machine.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio

from engines import (
    AdaptiveLimiter,
    CallLimiter,
    Engine,
    EngineError,
    FakeEngine,
    ForkjoinError,
    Notify,
    Peers,
    Sampling,
    Segment,
    converse,
    single_error,
)
from engines.notice import ignore
from reasoning import Answer, ChainOfThought, Method

from ..budget import Purse
from ..calls import Calls
from ..commands.call_options import budget_of, call_policy_of, check_calls, limiter_of
from ..commands.engine_option import open_engine
from ..commands.settings import Settings
from ..commands.thinking_options import check_thinking, method_of, sampling_of
from ..errors import InvalidRequest
from ..events import EventBus
from .batch_settings import BatchSettings
from .output_lines import answer_line, error_line
from .row import End, Finished, Row
from .row_engine import RowEngine
from .silence import Silence

# As many as the widest limit that measuring comes to; more would wait without use.
_MOST_ROWS_AT_ONCE = 1024
# What only a call of its own can be told, beside what every method samples with.
_OF_ONE_CALL = {
    "stop": "stop",
    "stop_token_ids": "stop_token_ids",
    "ignore_eos": "ignore_eos",
    "constraint": "response_format",
}
_OWNER = "batch"


class Worker:
    """Answers rows. Made by `opened_worker`.

    Args:
        engine: The engine as all rows share it, with everything around it.
        method: Makes the method that samples so.
        sampling: How rows sample that do not say.
        rows_at_once: How many rows keep the engine busy.
    """

    def __init__(
        self,
        engine: Engine,
        method: Callable[[Sampling], Method],
        sampling: Sampling,
        rows_at_once: int,
    ) -> None:
        self.rows_at_once = rows_at_once
        self._engine = engine
        self._method = method
        self._sampling = sampling
        self._silence = Silence()

    async def answer(self, row: Row) -> Finished:
        """Answers a row, or says why it could not be.

        Raises:
            EngineDead: No row can be answered any more.
            EngineUnavailable: Nobody has answered so many rows that the rest would fare no better.
        """
        engine = RowEngine(self._engine)
        begun_in_silence = self._silence.lasts
        try:
            answer = await self._think(row, engine)
        except ForkjoinError as error:
            if engine.dead is not None:
                raise engine.dead from error
            self._listen(engine, begun_in_silence)
            end: End = "unavailable" if engine.may_pass else "failed"
            return self._finished(
                row,
                end,
                error_line(row.line, row.id, row.kind, error),
                out_of=engine.out_of,
            )
        self._listen(engine, begun_in_silence)
        if out_of := answer.limited_by or engine.out_of:
            # A larger budget lets it come to its end, or lets all its threads do so.
            told = answer.cut_by or f"the budget's {out_of} cut some of its calls"
            return self._finished(
                row, "unavailable", error_line(row.line, row.id, row.kind, told), out_of=out_of
            )
        return self._finished(row, "answered", answer_line(row, answer, self._engine.model))

    def _finished(self, row: Row, end: End, text: str, *, out_of: str = "") -> Finished:
        named, model = row.request.model, self._engine.model
        other = named not in ("", model)
        return Finished(
            line=row.line,
            end=end,
            text=text,
            engine=self._engine.fingerprint,
            out_of=out_of,
            remark=f"rows name the model {named}; they are answered by {model}" if other else "",
        )

    def _listen(self, engine: RowEngine, begun_in_silence: bool) -> None:
        if engine.answered:
            self._silence = Silence()
        elif engine.silent is not None:
            self._silence.lengthen(begun_in_silence, engine.silent)

    async def _think(self, row: Row, engine: Engine) -> Answer:
        sampling = self._sampling.for_branch(str(row.id)).model_copy(update=row.request.sampling)
        method = self._method(sampling)
        if not getattr(method, "answers_in_one_call", False):
            _refuse_what_is_of_one_call(row, method)
        # Seeds come from paths: two rows that ask the same with the same seed of their own are answered alike.
        context = await converse(engine, row.request.turns, name="row")
        return await method.solve(context, engine)


@asynccontextmanager
async def opened_worker(settings: BatchSettings, notify: Notify = ignore) -> AsyncIterator[Worker]:
    """A worker with an engine of its own, which is closed with it.

    Args:
        settings: How rows are answered.
        notify: Hears of calls that move to another server.

    Raises:
        UsageError: An option that cannot be.
        EngineError: The engine cannot be opened.
    """
    arguments = settings.arguments
    sampling, method = sampling_of(arguments), _method_maker(arguments)
    limiter, budget = limiter_of(arguments), replace(budget_of(arguments), final_share=0)
    policy = call_policy_of(arguments)
    async with open_engine(arguments, notify) as engine:
        bus = EventBus(anyio.current_time, ())
        purse = Purse(budget, clock=lambda: bus.seconds)
        limiter = limiter or AdaptiveLimiter(engine)
        calls = Calls(
            engine,
            policy=policy,
            limiter=limiter,
            peers=None if policy.hedge is None else Peers(policy.hedge),
            purse=purse,
            journal=None,
            bus=bus,
            owner=_OWNER,
            live=False,
        )
        # One account and one stack for all rows: nothing may grow with their number.
        paid = calls.of(_OWNER, purse.work.child(_OWNER))
        with single_error():
            async with anyio.create_task_group() as group:
                group.start_soon(limiter.adapt)
                yield Worker(paid, method, sampling, _rows_at_once(limiter))
                group.cancel_scope.cancel()


async def first_prompt(settings: BatchSettings, row: Row) -> Sequence[Segment]:
    """What the first call for a row would ask, without an engine; empty where the row is refused before."""
    arguments = settings.arguments
    # The call shows its prompt, and its failure ends the row.
    engine = FakeEngine(lambda context, sampling: EngineError("a dry run ends here"))
    await Worker(engine, _method_maker(arguments), sampling_of(arguments), 1).answer(row)
    return engine.calls[0].context.turns if engine.calls else ()


def check_settings(settings: BatchSettings) -> None:
    """Refuses what no worker could be opened with, before anything starts.

    Raises:
        UsageError: With the option and what it takes.
    """
    arguments = settings.arguments
    check_calls(arguments)
    check_thinking(arguments)
    limiter_of(arguments)
    budget_of(arguments)
    _method_maker(arguments)(sampling_of(arguments))


def _rows_at_once(limiter: CallLimiter) -> int:
    if isinstance(limiter, AdaptiveLimiter):
        return _MOST_ROWS_AT_ONCE
    return min(limiter.statistics().limit, _MOST_ROWS_AT_ONCE)


def _method_maker(arguments: argparse.Namespace) -> Callable[[Sampling], Method]:
    """Makes methods; without `--method`, one call that says what the row says and nothing else."""
    settings = Settings(arguments)
    for thing in ("planner", "reducer"):
        settings.refuse(thing, f"a batch has no {thing}: choose what is inside the method")
    if arguments.method is not None:
        return lambda sampling: method_of(arguments, settings, sampling)
    return lambda sampling: settings.applied(
        "method", ChainOfThought(sampling=sampling, instruction=""), sampling
    )


def _refuse_what_is_of_one_call(row: Row, method: Method) -> None:
    for field, name in _OF_ONE_CALL.items():
        if field in row.request.sampling:
            raise InvalidRequest(
                f"{name} is for a method of one call, and {type(method).__name__} makes more", name
            )
