"""Who approves calls of tools on the command line: the person at the terminal, or `--approve all`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import anyio

from ..runs.words import printable
from ..tools.approval import ApprovalRequest, Approve, Decision, approve_all
from ..tools.data import short

WAYS = ("ask", "all")
"""What `--approve` takes."""

_MOST_BYTES = 4_096


def approver(way: str, paused: Callable[[], AbstractContextManager[None]]) -> Approve | None:
    """Who approves; None where nobody is at a terminal to be asked.

    Args:
        way: One of `WAYS`.
        paused: Keeps what else is shown from being drawn over the question.
    """
    if way == "all":
        return approve_all
    if sys.stdin.isatty() and sys.stderr.isatty():
        return TerminalApproval(sys.stdin.fileno(), sys.stderr.write, paused)
    return None


class TerminalApproval:
    """Asks a person about one call after another.

    Args:
        terminal: Where answers are read, by its file descriptor.
        write: Writes the question.
        paused: Keeps what else is shown from being drawn over it.
    """

    def __init__(
        self,
        terminal: int,
        write: Callable[[str], object],
        paused: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._terminal = terminal
        self._write = write
        self._paused = paused
        self._lock = anyio.Lock()

    async def __call__(self, request: ApprovalRequest) -> Decision:
        """Approves what is answered with y or yes; any other answer but n or no is the reason for refusing."""
        async with self._lock:
            with self._paused():
                self._write(_question(request))
                # A thread that reads could not be left when the run is cancelled.
                await anyio.wait_readable(self._terminal)
                answer = os.read(self._terminal, _MOST_BYTES).decode(errors="replace").strip()
        if answer.lower() in ("y", "yes"):
            return True
        return (
            "a person said no" if answer.lower() in ("", "n", "no") else f"a person said: {answer}"
        )


def _question(request: ApprovalRequest) -> str:
    shown = (
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in request.arguments.items()
    )
    call = printable(short(f"{request.tool}({', '.join(shown)})"))
    return f"node {request.node} wants to call {call}\napprove? [y/N] "
