"""Carries out a run for a command: opens the engine, shows progress, prints the answer, obeys signals."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio

from engines import ForkjoinError, UsageError, single_error

from ..agent import Agent
from ..errors import JournalError, RunFailed, RunFolderError
from ..events import Subscriber
from ..progress import Progress
from ..run_result import RunResult
from .approval import approver
from .engine_option import open_engine
from .options import agent_options
from .output import KnownOfRun, drawn_threads, write_failure, write_result
from .tool_sources import opened_servers

T = TypeVar("T")

Start = Callable[[Agent, Sequence[Subscriber], bool], Awaitable[T]]
"""Takes the agent, who hears of events, and whether tokens are shown while they come."""


@dataclass
class _Answered:
    yet: bool = False


def carry_out(arguments: argparse.Namespace, start: Start[RunResult]) -> int:
    """Runs `start` with an agent made of the arguments, writes the result, and returns the exit code.

    Of a run that fails, JSON tells what is known; a usage that cannot be is no run.
    """
    known = KnownOfRun(Path(arguments.out))

    async def heard(agent: Agent, subscribers: Sequence[Subscriber], live: bool) -> RunResult:
        return await start(agent, [*subscribers, known.hear], live)

    def tell(result: RunResult) -> None:
        write_result(result, as_json=arguments.json)
        known.told = True

    try:
        return with_agent(arguments, heard, tell)
    except UsageError:
        raise
    except ForkjoinError as error:
        if arguments.json and not known.told:
            write_failure(error, known)
        raise


def with_agent(arguments: argparse.Namespace, start: Start[T], tell: Callable[[T], None]) -> int:
    """Runs `start` with an agent made of the arguments, tells what it gave, and returns the exit code.

    An interrupt or SIGTERM cancels the run: what runs is aborted in the engine and written down, and
    `KeyboardInterrupt` is raised.
    """
    # What tools print must not get between the answer and who reads it.
    with redirect_stdout(sys.stderr) as stderr:
        answered = _Answered()
        try:
            anyio.run(until_signal, lambda: _run(arguments, start, tell, answered))
        except KeyboardInterrupt:
            if not answered.yet:
                raise
            # Only the engine was still closing; threads of its start may linger.
            stderr.flush()
            os._exit(0)
    return 0


async def _run(
    arguments: argparse.Namespace, start: Start[T], tell: Callable[[T], None], answered: _Answered
) -> None:
    async with AsyncExitStack() as exits:
        # Everything that can be wrong in the arguments is told before an engine starts.
        served = await exits.enter_async_context(opened_servers(arguments.mcp))
        options = agent_options(arguments, served)
        with Progress() as progress:
            opening = open_engine(arguments, progress.tell)
            progress.starting(arguments.engine, arguments.model)
            engine = await exits.enter_async_context(opening)
            agent = Agent(
                engine,
                runs=arguments.out,
                journal_dir=arguments.journal_dir,
                approve=approver(arguments.approve, progress.paused),
                **options,
            )
            try:
                subscribers = [progress.show, *_tracing(arguments)]
                result = await start(agent, subscribers, sys.stderr.isatty())
            except RunFailed as error:
                sys.stderr.write(drawn_threads(error.outcomes))
                raise
            except (JournalError, RunFolderError) as error:
                if error.result is not None and not arguments.json:
                    write_result(error.result, as_json=False)
                raise
        # Closing an engine takes some seconds, which nobody has to wait for.
        tell(result)
        answered.yet = True


def _tracing(arguments: argparse.Namespace) -> list[Subscriber]:
    if not arguments.trace:
        return []
    from ..telemetry.tracing import Tracing

    return [Tracing().record]


async def until_signal(work: Callable[[], Awaitable[None]]) -> None:
    """Does the work; SIGTERM, and SIGHUP when a terminal is closed, end it as Ctrl-C does.

    Raises:
        KeyboardInterrupt: One of them did.
    """
    terminated = False

    async def watch() -> None:
        nonlocal terminated
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
            async for _ in signals:
                terminated = True
                group.cancel_scope.cancel()

    with single_error():
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await work()
            group.cancel_scope.cancel()
    if terminated:
        raise KeyboardInterrupt
