from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import EngineUnavailable, ForkjoinError, Outcome, UsageError, join, single_error
from tests import backends
from tests.backends import run_virtually

anyio_backend = backends.virtual_backend


def call(delay: float, value: int, *, fails: bool = False) -> Callable[[], Awaitable[int]]:
    async def run() -> int:
        await anyio.sleep(delay)
        if fails:
            raise EngineUnavailable(f"branch {value}")
        return value

    return run


@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), max_size=10))
def test_outcomes_stand_in_the_order_of_the_calls_whatever_ends_first(
    branches: list[tuple[int, bool]],
) -> None:
    async def main() -> list[Outcome[int]]:
        return await join([call(delay, i, fails=f) for i, (delay, f) in enumerate(branches)])

    assert run_virtually(main) == [
        Outcome("failed", reason=f"branch {i}") if fails else Outcome("ok", i)
        for i, (_, fails) in enumerate(branches)
    ]


def test_calls_run_at_the_same_time() -> None:
    async def main() -> float:
        await join([call(60, 1), call(3600, 2), call(5, 3, fails=True)])
        return anyio.current_time()

    assert run_virtually(main) == 3600


@pytest.mark.anyio
async def test_a_failure_that_is_data_leaves_its_siblings_alone() -> None:
    failed, fine = await join([call(0, 1, fails=True), call(0, 2)])
    assert (failed.status, failed.value, failed.usable) == ("failed", None, False)
    assert (fine.value, fine.usable) == (2, True)


@pytest.mark.anyio
async def test_a_bug_cancels_the_siblings_and_comes_out() -> None:
    cancelled: list[bool] = []
    running = anyio.Event()

    async def sibling() -> int:
        try:
            running.set()
            await anyio.sleep_forever()
        except BaseException:
            cancelled.append(True)
            raise
        return 1

    async def bug() -> int:
        await running.wait()
        raise KeyError("oops")

    with anyio.fail_after(300), pytest.raises(KeyError, match="oops"):
        await join([sibling, bug])
    assert cancelled == [True]


@pytest.mark.anyio
async def test_nothing_to_wait_for_is_nothing() -> None:
    nothing: list[Callable[[], Awaitable[int]]] = []
    assert await join(nothing) == []


@pytest.mark.anyio
async def test_cancelling_a_join_cancels_its_calls() -> None:
    ended: list[str] = []

    async def endless() -> int:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("ended")
        return 1

    async with anyio.create_task_group() as group:
        group.start_soon(join, [endless, endless])
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert ended == ["ended", "ended"]


def test_the_only_error_of_nested_groups_is_raised_as_itself() -> None:
    bug = KeyError("oops")
    with pytest.raises(KeyError) as caught, single_error():
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [bug])])
    assert caught.value is bug


def test_of_several_forkjoin_errors_the_first_is_raised() -> None:
    first, second = EngineUnavailable("first"), UsageError("second")
    with pytest.raises(ForkjoinError) as caught, single_error():
        raise ExceptionGroup("group", [first, second])
    assert caught.value is first


def test_of_several_bugs_of_a_type_the_first_is_raised_and_a_note_tells_the_others() -> None:
    bugs = [ValueError(f"boom {number}") for number in (0, 1, 1, 2, 3, 4)]
    with pytest.raises(ValueError, match=r"^boom 0") as caught, single_error():
        raise ExceptionGroup("outer", [bugs[0], ExceptionGroup("inner", bugs[1:])])
    assert caught.value is bugs[0]
    assert bugs[0].__notes__ == ["and 5 more ValueError beside it: boom 1; boom 2; boom 3"]


def test_bugs_of_different_types_and_what_ends_a_program_stay_grouped() -> None:
    for errors in ([KeyError("a"), ValueError("b")], [KeyboardInterrupt(), KeyboardInterrupt()]):
        with pytest.raises(BaseExceptionGroup) as caught, single_error():
            raise BaseExceptionGroup("group", errors)
        assert list(caught.value.exceptions) == errors


@pytest.mark.anyio
async def test_a_cancellation_beside_an_error_is_left_out() -> None:
    error = UsageError("while it was cancelled")

    async def fail() -> None:
        try:
            await anyio.sleep(math.inf)
        finally:
            raise error

    async def both(scope: anyio.CancelScope) -> None:
        with single_error():
            async with anyio.create_task_group() as group:
                group.start_soon(fail)
                group.start_soon(anyio.sleep, math.inf)
                await anyio.wait_all_tasks_blocked()
                scope.cancel()

    with pytest.raises(UsageError) as caught, anyio.CancelScope() as scope:
        await both(scope)
    assert caught.value is error


@pytest.mark.anyio
async def test_a_cancellation_alone_stays_one() -> None:
    with anyio.CancelScope() as scope, single_error():
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, math.inf)
            group.start_soon(anyio.sleep, math.inf)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    assert scope.cancelled_caught


def test_a_bug_among_other_errors_stays_in_its_group() -> None:
    with pytest.raises(ExceptionGroup) as caught, single_error():
        raise ExceptionGroup("group", [UsageError("a"), KeyError("oops")])
    assert len(caught.value.exceptions) == 2


def test_the_cause_of_an_unwrapped_error_is_kept() -> None:
    error = UsageError("a")
    error.__cause__ = OSError("disk")
    with pytest.raises(UsageError) as caught, single_error():
        raise ExceptionGroup("group", [error])
    assert isinstance(caught.value.__cause__, OSError)


def test_other_errors_and_success_pass_through() -> None:
    with pytest.raises(KeyError), single_error():
        raise KeyError("oops")
    with single_error():
        pass
