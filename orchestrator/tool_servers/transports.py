"""The two ways to a tool server: a process that is started here, and an address. They know no sessions and no tools."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from .contents import one_line

if TYPE_CHECKING:
    import httpx2

Streams: TypeAlias = tuple[Any, Any]
"""What a session of the SDK reads from and writes to."""

_GUARD = str(Path(__file__).with_name("guard.py"))
# Results come once as data and once as text.
_LARGEST_EVENT = 256 * 2**20
_SECONDS_TO_CONNECT = 30.0
_TAIL = 4_096
_LONGEST_LINE = 300
_LONGEST_NAME = 100
# What the guard says.
_ENDS = ("ended with exit code", "was killed by signal", "cannot be started")


class LastWords(NamedTuple):
    """What there is to say about a server that does not answer.

    Attributes:
        end: How it ended, if it did; also where it was ended from here.
        hint: What it said last.
    """

    end: str = ""
    hint: str = ""


class Transport(Protocol):
    """A way to a server; its text is how messages name the server.

    Attributes:
        may_return: Whether a server that could not be reached may be there later.
        last_words: Complete when the block has been left.
    """

    may_return: bool
    last_words: LastWords

    def open(self) -> AbstractAsyncContextManager[Streams]:
        """Opens the way; what is opened is gone when the block is left."""
        ...


class CommandTransport:
    """Starts a process, and talks to it through its standard input and output.

    Args:
        command: The program and its arguments.
        environment: Variables beside HOME, LOGNAME, PATH, SHELL, TERM and USER, which are all that it gets of ours.
        folder: Where it runs; None is the current one.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None,
        folder: str | os.PathLike[str] | None,
    ) -> None:
        self._command = list(command)
        self._environment = dict(environment or {})
        self._folder = folder
        self.may_return = False
        self.last_words = LastWords()

    def __str__(self) -> str:
        shown = shlex.join(self._command)
        return shown if len(shown) <= _LONGEST_NAME else f"{shown[:_LONGEST_NAME]}..."

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Streams]:
        """Starts the process; when the block is left, it is gone and so is all that it started."""
        from mcp.client.stdio import StdioServerParameters, stdio_client

        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-I", "-S", _GUARD, str(os.getpid()), *self._command],
            env=self._environment,
            cwd=None if self._folder is None else os.fspath(self._folder),
            encoding_error_handler="replace",
        )
        with tempfile.TemporaryFile("w+") as log:
            try:
                async with stdio_client(parameters, errlog=log) as streams:
                    yield streams
            finally:
                self.last_words = last_words(_tail(log.fileno()))


class UrlTransport:
    """Talks to a server over streamable HTTP.

    Args:
        url: The server's address.
        headers: Go with every request, such as `{"Authorization": "Bearer ..."}`.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None) -> None:
        self._url = url
        self._headers = dict(headers or {})
        self.may_return = True
        self.last_words = LastWords()

    def __str__(self) -> str:
        # What follows may be a key.
        return self._url.partition("?")[0]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Streams]:
        """Opens connections as they are needed."""
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        self.last_words = LastWords()
        client = httpx2.AsyncClient(
            headers=self._headers,
            # How long an answer may take, only the call's own time-out says.
            timeout=httpx2.Timeout(_SECONDS_TO_CONNECT, read=None),
            event_hooks={"response": [self._remember]},
        )
        async with (
            client,
            streamable_http_client(
                self._url, http_client=client, max_sse_event_size=_LARGEST_EVENT
            ) as streams,
        ):
            yield streams

    async def _remember(self, response: httpx2.Response) -> None:
        """The SDK does not tell which status a refusal had."""
        if response.request.method == "POST":
            failed = response.status_code >= 400
            status = f"HTTP {response.status_code} {response.reason_phrase}"
            self.last_words = LastWords(hint=status if failed else "")


def last_words(errors: str) -> LastWords:
    r"""The end of what a guarded process wrote on standard error.

    >>> last_words("Traceback ...\nValueError: no\n\nended with exit code 1\n")
    LastWords(end='it ended with exit code 1', hint='its last line: ValueError: no')
    """
    lines = [_printable(line) for line in errors.splitlines() if line.strip()]
    ended = bool(lines) and lines[-1].startswith(_ENDS)
    end = f"it {lines.pop()}" if ended else ""
    return LastWords(end, f"its last line: {lines[-1]}" if lines else "")


def _tail(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, _TAIL, max(0, size - _TAIL)).decode(errors="replace")


def _printable(line: str) -> str:
    return one_line("".join(one if one.isprintable() else " " for one in line))[:_LONGEST_LINE]
