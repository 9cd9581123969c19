"""Who answers the rows of a batch: the seam, and the backend that does it in this process.

rows ─┬─> task ─┐
      ├─> task ─┼─ one worker: one engine, one limiter, one budget ─> finished
      └─> task ─┘

A backend knows no files. It pulls rows only as fast as it can answer them, so that memory does not grow with their
number, and finishes them in whatever order they end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import anyio

from engines import ForkjoinError, Notify, single_error
from engines.notice import ignore

from .batch_settings import BatchSettings
from .row import Finished, Row
from .worker import opened_worker


class Backend(Protocol):
    """Answers rows."""

    async def run(self, rows: Iterator[Row], finished: Callable[[Finished], None]) -> None:
        """Answers all rows, and calls `finished` once for each, on the event loop that it runs on.

        When a budget is used up it pulls no more. What was begun ends, and of rows that lacked some, it tells that.

        Args:
            rows: Pulled from one thread at a time. Pulling may call `finished` too, for lines that are no rows.
            finished: Keeps what became of a row; what it raises ends the batch.

        Raises:
            ForkjoinError: Nothing more can be answered. What has not been given to `finished` is not lost: the batch
                can go on.
        """
        ...


class LocalBackend:
    """Answers rows in this process, many at the same time, on one engine.

    Args:
        settings: How rows are answered.
        notify: Hears of calls that move to another server.
        opened: Called when the engine is there.
    """

    def __init__(
        self,
        settings: BatchSettings,
        *,
        notify: Notify = ignore,
        opened: Callable[[], object] = lambda: None,
    ) -> None:
        self._settings = settings
        self._notify = notify
        self._opened = opened

    async def run(self, rows: Iterator[Row], finished: Callable[[Finished], None]) -> None:
        """Answers all rows; see `Backend`."""
        async with opened_worker(self._settings, self._notify) as worker:
            self._opened()

            over = False
            bugs: list[Exception] = []

            async def pull() -> None:
                nonlocal over
                while not over and (row := next(rows, None)) is not None:
                    try:
                        ended = await worker.answer(row)
                    except ForkjoinError:
                        raise
                    except Exception as error:  # A bug, of an engine of somebody's perhaps.
                        over = True
                        bugs.append(error)
                        return
                    over |= bool(ended.out_of)
                    finished(ended)

            with single_error():
                async with anyio.create_task_group() as group:
                    for _ in range(worker.rows_at_once):
                        group.start_soon(pull)
            # What was begun beside it has come to its end, and is kept.
            if bugs:
                raise bugs[0]
