from __future__ import annotations

import anyio
import pytest

from orchestrator.gateway.serving.admission import Admission, LineFull
from tests import backends

pytestmark = pytest.mark.anyio
anyio_backend = backends.virtual_backend


class Visits:
    """Who came in, and when they go."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.order: list[int] = []
        self.leave = [anyio.Event() for _ in range(6)]

    async def visit(self, number: int) -> None:
        async with self.admission.place():
            self.order.append(number)
            await self.leave[number].wait()


async def test_as_many_as_there_are_places_are_in_and_the_rest_wait_in_order() -> None:
    admission = Admission(2, 10)
    visits = Visits(admission)
    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(visits.visit, number)
            await anyio.wait_all_tasks_blocked()
        assert (admission.running, admission.waiting) == (2, 4)
        for number in range(6):
            assert visits.order == list(range(min(number + 2, 6)))
            visits.leave[number].set()
            await anyio.wait_all_tasks_blocked()
    assert (admission.running, admission.waiting) == (0, 0)


async def test_who_finds_the_line_full_is_sent_away_and_takes_no_place() -> None:
    admission = Admission(1, 1)
    visits = Visits(admission)
    async with anyio.create_task_group() as group:
        for number in range(2):
            group.start_soon(visits.visit, number)
            await anyio.wait_all_tasks_blocked()
        with pytest.raises(LineFull):
            async with admission.place():
                pass
        for event in visits.leave:
            event.set()
    async with admission.place():
        assert admission.running == 1


async def test_who_leaves_the_line_makes_room_in_it() -> None:
    admission = Admission(1, 1)
    async with admission.place():
        with anyio.move_on_after(0.01):
            async with admission.place():
                raise AssertionError
        assert (admission.running, admission.waiting) == (1, 0)
    assert admission.running == 0


async def test_an_error_gives_the_place_back() -> None:
    admission = Admission(1, 0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with admission.place():
                raise ZeroDivisionError


async def test_without_a_line_nobody_waits() -> None:
    admission = Admission(1, 0)
    async with admission.place():
        with pytest.raises(LineFull):
            async with admission.place():
                pass
