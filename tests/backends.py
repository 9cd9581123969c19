"""Event loops for tests: asyncio, and trio with a virtual clock that jumps to the next deadline when all wait.

A test module or conftest takes the fixture by `anyio_backend = backends.virtual_backend`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import trio
from trio.testing import MockClock

T = TypeVar("T")


@pytest.fixture(params=["asyncio", "trio"])
def virtual_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    if request.param == "trio":
        return "trio", {"clock": MockClock(autojump_threshold=0)}
    return "asyncio", {}


def run_virtually(function: Callable[[], Awaitable[T]]) -> T:
    """Runs `function` on trio under a virtual clock that starts at 0; sleeping costs no time."""

    async def main() -> T:
        return await function()

    return trio.run(main, clock=MockClock(autojump_threshold=0))
