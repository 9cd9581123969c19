from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from orchestrator.gateway.serving.connection_times import ConnectionTimes


class Connection(SimpleNamespace):
    """As uvicorn has them."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def connection(**changes: Any) -> Connection:
    usual: dict[str, Any] = {
        "transport": SimpleNamespace(is_closing=lambda: False),
        "cycle": None,
        "flow": SimpleNamespace(read_paused=False),
        "timeout_keep_alive_task": None,
    }
    return Connection(**usual | changes)


def request(*, complete: bool = False, more_body: bool = False) -> Any:
    return SimpleNamespace(response_complete=complete, more_body=more_body)


def overdue_after(one: Connection) -> int | None:
    """In which second it is cut, of the first hundred."""
    times = ConnectionTimes(10, 30)
    return next((second for second in range(100) if times.overdue([one], second)), None)


def test_a_head_has_to_come_in_time() -> None:
    assert overdue_after(connection()) == 10
    assert overdue_after(connection(cycle=request(complete=True))) == 10


def test_who_waits_for_an_answer_or_between_two_requests_is_left_alone() -> None:
    assert overdue_after(connection(cycle=request())) is None
    assert overdue_after(connection(cycle=request(more_body=True))) is None
    assert (
        overdue_after(connection(cycle=request(complete=True), timeout_keep_alive_task=1)) is None
    )
    full = SimpleNamespace(read_paused=True)
    assert overdue_after(connection(cycle=request(more_body=True), flow=full)) is None


def test_what_was_written_has_to_be_read_in_time_where_the_connection_closes() -> None:
    closing = SimpleNamespace(is_closing=lambda: True)
    assert overdue_after(connection(transport=closing, cycle=request(complete=True))) == 30


def test_a_next_request_that_comes_early_is_not_borne_for_long() -> None:
    assert overdue_after(connection(cycle=request(), flow=SimpleNamespace(read_paused=True))) == 30


def test_the_time_begins_anew_with_each_request() -> None:
    one, times = connection(), ConnectionTimes(10, 30)
    for second in range(9):
        assert not times.overdue([one], second)
    one.cycle = request(complete=True)
    assert next(second for second in range(9, 25) if times.overdue([one], second)) == 19


def test_connections_that_are_gone_are_forgotten() -> None:
    times = ConnectionTimes(10, 30)
    one, other = connection(), connection()
    times.overdue([one, other], 0)
    assert times.overdue([other], 10) == [other]
    assert not times.overdue([one], 11)
