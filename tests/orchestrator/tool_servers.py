"""Tool servers for tests, in processes of their own and behind addresses."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from orchestrator import Tool
from orchestrator.errors import ToolDefinitionError
from orchestrator.tool_servers import tool_server
from tests.orchestrator.processes import is_alive
from tests.orchestrator.raw_server import Settings

MADE_WITH_SDK = [sys.executable, str(Path(__file__).with_name("mcp_server.py"))]
NUMBER = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.fixture(params=["asyncio", "trio"])
def real_backend(request: pytest.FixtureRequest) -> str:
    """Without a virtual clock, which would not wait for processes."""
    return str(request.param)


def listed(name: str = "add", **more: Any) -> dict[str, Any]:
    """A tool as a server tells it."""
    return {"name": name, "inputSchema": NUMBER, **more}


def said(text: str) -> dict[str, Any]:
    """An answer to a call."""
    return {"result": {"content": [{"type": "text", "text": text}]}}


def reads(name: str = "add", **more: Any) -> dict[str, Any]:
    """A tool that only reads."""
    return listed(name, annotations={"readOnlyHint": True}, **more)


def by_name(tools: Sequence[Tool]) -> dict[str, Tool]:
    return {tool.specification.name: tool for tool in tools}


async def refusal(settings: Settings, **options: Any) -> str:
    """Why a server cannot be used."""
    with pytest.raises(ToolDefinitionError) as caught:
        async with tool_server(command=settings.command(), **options):
            pass
    return str(caught.value)


async def wait_written(path: Path, text: str) -> None:
    """Returns when a process has written a text into a file."""
    while not path.exists() or path.read_text() != text:  # noqa: ASYNC110 -- another process does it
        await anyio.sleep(0.01)


def wait_gone(process: int) -> None:
    while is_alive(process):
        time.sleep(0.01)


def leaders_below(process: int) -> set[int]:
    """The processes that a process started and that lead a session, as guards do."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == process and fields[3] == entry.name:
                found.add(int(entry.name))
    return found


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fails where a guard or its server outlives the block."""
    before = leaders_below(os.getpid())
    yield
    # Those of earlier tests may end meanwhile.
    assert leaders_below(os.getpid()) <= before
