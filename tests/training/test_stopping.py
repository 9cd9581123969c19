from __future__ import annotations

import os
import signal

import anyio
import anyio.lowlevel
import pytest

from engines import EngineDead, UsageError
from training.stopping import Stopping, Terminated, unless_terminated


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_and_a_second_one_at_once(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    def at_once(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(number, at_once)
    try:
        with Stopping() as stopping:
            assert not stopping()
            os.kill(os.getpid(), number)
            assert stopping()
            assert stopping.signal == number
            assert capfd.readouterr().err.startswith("stopping after this step; ")
            with pytest.raises(InterruptedError):
                os.kill(os.getpid(), number)
        assert signal.getsignal(number) is at_once
    finally:
        signal.signal(number, before)


def test_time_that_is_up_stops_too() -> None:
    assert Stopping(0)()
    assert not Stopping(3600)()


def test_work_that_is_done_before_sigterm_comes_is_done() -> None:
    async def work() -> int:
        await anyio.lowlevel.checkpoint()
        return 3

    async def fail() -> int:
        raise UsageError("no")

    assert anyio.run(unless_terminated, work) == 3
    with pytest.raises(UsageError, match="no"):
        anyio.run(unless_terminated, fail)


def test_sigterm_ends_work_whatever_dies_with_it() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await anyio.sleep_forever()
        finally:
            raise EngineDead("its process heard of it too")

    with pytest.raises(Terminated):
        anyio.run(unless_terminated, work)
