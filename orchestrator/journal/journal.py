"""A journal: what a run has done, kept so that the run can be begun again and goes on where it died.

open_journal ─> Journal ─ JournaledEngine   calls of engines, decisions
                        ├ JournaledTools    calls of tools
                        └ spend             what they cost
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import anyio

from engines import Usage

from ..errors import JournalError
from ..tools.daemon_thread import run_in_daemon_thread
from .file_systems import check_local
from .index import Index, Spent
from .once import OncePerRun
from .packing import pack_text, pack_usage
from .process_lock import ProcessLock
from .schema import connect, journal_errors
from .writer import Writer, WriterStatistics

T = TypeVar("T")

_SECONDS_TO_CLOSE = 0.05

FAILURES = "failures"
"""What `open_journal` takes for a run that had come to an end: it is begun again for what it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStatistics:
    """What a journal has done since it was opened.

    Attributes:
        recorded: Calls of engines that were written.
        replayed: Calls that it answered.
        bytes: How large it is on disk.
        writer: Its commits.
    """

    recorded: int
    replayed: int
    bytes: int
    writer: WriterStatistics


class Journal:
    """An open journal. Made by `open_journal`; used on one event loop, and closed by leaving its block.

    Attributes:
        writer: Puts records into it.
        index: What it holds.
        calls: The calls of engines that the run has asked for.
        recorded: Calls of engines that were written.
        replayed: Calls that it answered.
    """

    def __init__(
        self,
        path: Path,
        lock: ProcessLock,
        writer: Writer,
        index: Index,
        clock: Callable[[], float],
        failures_again: bool = False,
    ) -> None:
        self.writer = writer
        self.index = index
        self.calls: OncePerRun[bytes] = OncePerRun("calls")
        self.recorded = 0
        self.replayed = 0
        self._path = path
        self._lock = lock
        self._clock = clock
        self._start = clock() - index.seconds
        self._decisions: OncePerRun[str] = OncePerRun("decisions")
        self._failures_again = failures_again

    @property
    def seconds(self) -> float:
        """How long the run has been running, in all its processes together."""
        return self._clock() - self._start

    @property
    def spent(self) -> Mapping[str, Spent]:
        """What the run had taken from each account when the journal was opened."""
        return self.index.spent

    def spend(self, account: str, *, usage: Usage, calls: int = 0, money: float = 0.0) -> None:
        """Keeps what is taken from an account of a budget; it adds up.

        It is written in its turn, which nobody waits for: not after a call that is recorded later. Where that fails,
        the next call says so, or `flush`.
        """
        row = (pack_text(account), calls, *pack_usage(usage), money)
        self.writer.write_soon([("spend", row)])

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        """What was decided under this path, or what is chosen now, once that is written.

        Raises:
            RepeatedName: The run has decided this already.
            JournalError: The journal cannot be written.
        """
        index = self.index
        repeated = self._decisions.begin(path, lambda: path)
        decided = False
        try:
            if path in index.decisions and not repeated:
                value = index.decisions[path]
            else:
                value = json.dumps(await choose())
                row = ("decisions", (pack_text(path), value, self.seconds))
                await self.writer.write([row])
                index.decisions[path] = value
            decided = True
        finally:
            self._decisions.end(path, well=decided)
        # As a later run will get it, so that both take the same way.
        result: T = json.loads(value)
        return result

    def timeout_of(self, key: bytes) -> str | None:
        """Why a call timed out before the run was begun again; None if it did not, or is to be tried again."""
        reason = None if self._failures_again else self.index.decisions.get(_timeout(key))
        return None if reason is None else str(json.loads(reason))

    async def keep_timeout(self, key: bytes, reason: str) -> None:
        """Keeps that a call timed out, which depends on time as decisions do.

        Raises:
            JournalError: The journal cannot be written.
        """
        row = ("decisions", (_timeout(key), json.dumps(reason), self.seconds))
        await self.writer.write([row])

    def flush(self) -> None:
        """Writes what waits, such as what was spent last, and says what failed that nobody has waited for.

        Raises:
            JournalError: It cannot be written, or something before it could not.
        """
        self.writer.flush()

    def statistics(self) -> JournalStatistics:
        """What has been done so far."""
        files = (Path(f"{self._path}{suffix}") for suffix in ("", "-wal"))
        return JournalStatistics(
            recorded=self.recorded,
            replayed=self.replayed,
            bytes=sum(file.stat().st_size for file in files if file.exists()),
            writer=self.writer.statistics(),
        )

    def close(self) -> None:
        """Writes what waits and lets others have the journal. A second call does nothing."""
        self.writer.close()
        self._lock.release()

    async def aclose(self) -> None:
        """The same without keeping the event loop."""
        self.writer.finish()
        # Anyio's own threads may all be taken.
        closing = threading.Thread(target=self.close, name="forkjoin-journal", daemon=True)
        closing.start()
        # Mostly it takes a few ms, and a thread gets them sooner from a loop that waits than from one that is busy.
        closing.join(_SECONDS_TO_CLOSE)
        if closing.is_alive():
            with anyio.CancelScope(shield=True):
                await run_in_daemon_thread(closing.join)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def open_journal(
    path: str | Path,
    *,
    fingerprint: str = "",
    raised: Collection[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Journal:
    """Opens the journal of a run to go on with it, or makes a new one. Leave its block, or close it.

    Args:
        path: Its file, on a local disk.
        fingerprint: What its calls depend on beside their requests, such as the models. A journal with another one
            would answer nothing and is refused; empty takes any.
        raised: Limits of the budget (`tokens`, `seconds`) that are higher than before: what they cut is done again.
            With `FAILURES`, calls that timed out are, too. Other failures are not kept.
        clock: Seconds on any scale that only grows.

    Raises:
        RunInUse: Another process writes it, or this one does already.
        JournalError: It lies on a network, cannot be read or written, or belongs to another version or another run.
    """
    path = Path(path)
    check_local(path)
    lock = ProcessLock(path)
    try:
        connection = connect(path)
        try:
            with journal_errors(path, "read"):
                _check_fingerprint(connection, fingerprint, path)
                _reopen_calls(connection, raised)
                index = Index(connection)
        except BaseException:
            connection.close()
            raise
        return Journal(path, lock, Writer(connection, path), index, clock, FAILURES in raised)
    except BaseException:
        lock.release()
        raise


def _reopen_calls(connection: sqlite3.Connection, raised: Collection[str]) -> None:
    """Makes unfinished what limits cut that are higher now; for good, since a plan goes on from what it had written."""
    marks = ", ".join("?" * len(raised))
    connection.execute(
        f"UPDATE calls SET finish_reason = NULL WHERE limited_by IN ({marks})", tuple(raised)
    )


def _timeout(key: bytes) -> str:
    return f"{key.hex()}#timeout"


def _check_fingerprint(connection: sqlite3.Connection, fingerprint: str, path: Path) -> None:
    if not fingerprint:
        return
    insert = "INSERT INTO meta VALUES ('fingerprint', ?) ON CONFLICT DO NOTHING"
    connection.execute(insert, (fingerprint,))
    ((found,),) = connection.execute("SELECT value FROM meta WHERE name = 'fingerprint'")
    if found != fingerprint:
        raise JournalError(
            f"the journal {path} belongs to {found!r}, not to {fingerprint!r}: resume it with that, or start a new run"
        )
