"""Processes that make the rows of the next steps while the GPU learns from those of this one.

steps ─┬─> process ─┐
       ├─> process ─┼─> rows, in the order of the steps
       └─> process ─┘

They end with the process that started them, however it ends, and leave it to that one to hear of a Ctrl-C. Who takes
no more rows waits for the lesson that each is at, not for its rows.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection

from engines import ForkjoinError

from .lessons import Source, tokenizer_in
from .rows import Rows

# So many steps for each process lie ready.
_AHEAD = 3
# In one that makes them: that nobody takes any more.
_given_up = threading.Event()


class ProcessDied(ForkjoinError):
    """One that makes lessons is no more."""


def ahead(source: Source, steps: range, processes: int) -> Iterator[Rows]:
    """The rows of these steps, made by so many processes ahead of who takes them; without any, by this one.

    Raises:
        ProcessDied: Something killed one, such as want of memory.
    """
    if not processes:
        yield from map(source.at, steps)
        return
    # Not a copy of this one, which may hold a GPU.
    context = get_context("spawn")
    # Nothing is sent: the others see that this end is closed. To kill them would be sooner, but who is killed while it
    # hands over rows leaves the pool waiting for the rest of them.
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(processes, context, _prepare, (source.tokenizer, theirs))
    waiting: deque[Future[Rows]] = deque()
    coming = iter(steps)
    try:
        while True:
            while len(waiting) < _AHEAD * processes and (step := next(coming, None)) is not None:
                with _unheard():
                    waiting.append(pool.submit(_made, source, step))
            if not waiting:
                return
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise ProcessDied(
            "a process that makes lessons was killed: if memory was short, take fewer --processes"
        ) from error
    finally:
        ours.close()
        pool.shutdown(cancel_futures=True)
        theirs.close()


@contextmanager
def _unheard() -> Iterator[None]:
    """A process that is started here hears of no Ctrl-C, not even while it imports what it needs."""
    # What is blocked here stays so in what is started, and comes to this one as soon as it is let through again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(tokenizer: str, parents: Connection) -> None:
    """Runs first in each process."""
    threading.Thread(target=_end_with_parent, args=(parents,), daemon=True).start()
    tokenizer_in(tokenizer)
    # Looking through all that was imported, again and again, takes a fourth of the time of lessons.
    gc.freeze()
    # To take all that apart in the end takes two seconds, and what is frozen of it, nanobind takes for leaked.
    atexit.register(os._exit, 0)


def _made(source: Source, step: int) -> Rows:
    return source.at(step, _given_up.is_set)


def _end_with_parent(parents: Connection) -> None:
    parent = parent_process()
    if parent is not None:
        # Also where it ends without a word.
        parents.poll(None)
        _given_up.set()
        parent.join()
        os._exit(1)
