from __future__ import annotations

import os
import signal

import pytest

from training.stopping import Stopping


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
