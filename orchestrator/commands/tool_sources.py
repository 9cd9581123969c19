"""Tool servers that a command line names: `[NAME: ][VARIABLE=VALUE ...] COMMAND ...`, or `[NAME: ]URL`.

A name stands before the server's tools, `files: ...` makes `files_read`. `$VARIABLE` in a value or a URL is put in when
the server is opened, so that a run folder keeps no secret.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from string import Template

from engines import UsageError

from ..tool_servers import ToolServer, tool_server
from ..tools.definition import Tool

_NAMED = re.compile(r"(?:(?P<name>\w+):\s+)?(?P<rest>.*)", re.ASCII | re.DOTALL)
_SETS = re.compile(r"(?P<variable>[A-Za-z_]\w*)=(?P<value>.*)", re.ASCII | re.DOTALL)


@asynccontextmanager
async def opened_servers(places: Sequence[str]) -> AsyncIterator[list[Tool]]:
    """The tools of all servers, which are there as long as the block lasts.

    Raises:
        UsageError: A place is none, or its server cannot be used.
    """
    async with AsyncExitStack() as exits:
        tools: list[Tool] = []
        for server in [server_at(place) for place in places]:
            tools += await exits.enter_async_context(server)
        yield tools


def server_at(place: str) -> ToolServer:
    """The server that is meant, not yet opened.

    Raises:
        UsageError: There cannot be one.
    """
    named = _NAMED.fullmatch(place.strip())
    assert named is not None
    prefix = f"{named['name']}_" if named["name"] else ""
    if named["rest"].startswith(("http://", "https://")):
        return tool_server(url=_filled(named["rest"], place), prefix=prefix)
    try:
        words = shlex.split(named["rest"])
    except ValueError as error:
        raise UsageError(f"--mcp {place}: {error}") from None
    variables: dict[str, str] = {}
    while words and (sets := _SETS.fullmatch(words[0])):
        variables[sets["variable"]] = _filled(sets["value"], place)
        del words[0]
    if not words:
        raise UsageError(
            f"--mcp {place!r}: write a command, as in 'python server.py', or a URL, as in http://127.0.0.1:8000/mcp"
        )
    return tool_server(command=words, env=variables, prefix=prefix)


def _filled(text: str, place: str) -> str:
    try:
        return Template(text).substitute(os.environ)
    except KeyError as error:
        raise UsageError(
            f"--mcp {place}: ${error.args[0]} is not set: export it, or write $$ for a dollar sign"
        ) from None
    except ValueError:
        raise UsageError(f"--mcp {place}: write $$ for a dollar sign") from None
