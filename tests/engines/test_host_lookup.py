from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from engines.remote.host_lookup import HostLookup

pytestmark = pytest.mark.anyio

Answer = Callable[[], str]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class System:
    """The system's resolver, with answers of the test's choice."""

    def __init__(self) -> None:
        self.asked = 0
        self.address: str | None = "10.0.0.1"
        self.go_on = threading.Event()
        self.go_on.set()

    def look_up(self, host: str, port: int, *_: Any) -> list[Any]:
        self.asked += 1
        assert self.go_on.wait(60)
        if self.address is None:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.address, port))]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    found = System()
    monkeypatch.setattr(socket, "getaddrinfo", found.look_up)
    return found


async def addresses(lookup: HostLookup) -> list[str]:
    return [result["host"] for result in await lookup.resolve("host", 80)]


async def test_addresses_are_remembered_for_a_while(system: System) -> None:
    now = 100.0
    lookup = HostLookup(seconds=60, clock=lambda: now)
    assert await addresses(lookup) == ["10.0.0.1"]
    system.address = "10.0.0.2"
    now = 159.0
    assert await addresses(lookup) == ["10.0.0.1"]
    now = 160.0
    assert await addresses(lookup) == ["10.0.0.2"]
    assert system.asked == 2


async def test_a_failure_is_told_to_all_who_wait_and_soon_forgotten(system: System) -> None:
    now = 100.0
    lookup = HostLookup(failure_seconds=1, clock=lambda: now)
    system.address = None
    system.go_on.clear()
    failures = []

    async def ask() -> None:
        try:
            await addresses(lookup)
        except OSError as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        system.go_on.set()
    assert [str(error) for error in failures] == ["[Errno -2] not known"] * 20
    assert len({id(error) for error in failures}) == 20
    assert system.asked == 1
    system.address = "10.0.0.1"
    now = 101.0
    assert await addresses(lookup) == ["10.0.0.1"]


async def test_who_gives_up_leaves_the_lookup_to_the_next(system: System) -> None:
    lookup = HostLookup()
    system.go_on.clear()
    found = []

    async def ask() -> None:
        found.append(await addresses(lookup))

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as impatient:
                impatient.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                group.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                scope.cancel()
        system.go_on.set()
    assert found == [["10.0.0.1"]]


async def test_names_that_the_system_knows() -> None:
    results = await HostLookup().resolve("localhost", 80)
    assert {result["host"] for result in results} <= {"127.0.0.1", "::1"}
    assert {result["port"] for result in results} == {80}
