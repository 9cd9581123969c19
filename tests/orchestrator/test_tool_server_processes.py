"""No process of a tool server outlives its block, nor the program that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import anyio
import pytest

from orchestrator.errors import ToolDefinitionError
from orchestrator.tool_servers import tool_server
from tests.orchestrator import tool_servers
from tests.orchestrator.processes import started, to_end
from tests.orchestrator.raw_server import Settings, log_of
from tests.orchestrator.tool_servers import leaders_below, nothing_left, reads, wait_gone

anyio_backend = tool_servers.real_backend


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK gives a process two seconds, and two more."""
    monkeypatch.setattr("mcp.client.stdio.PROCESS_TERMINATION_TIMEOUT", 0.05)
    monkeypatch.setattr("mcp.client.stdio.FORCE_KILL_TIMEOUT", 0.05)


def pid_in(log: Path) -> int:
    return int(log_of(log)[0])


@pytest.mark.anyio
@pytest.mark.usefixtures("hurry")
async def test_a_server_that_does_not_end_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = Settings(tools=[reads()], deaf=True, log=str(log)).command()
    with nothing_left():
        async with tool_server(command=command):
            pass
        wait_gone(pid_in(log))


@pytest.mark.anyio
@pytest.mark.usefixtures("hurry")
async def test_what_a_server_started_ends_with_it(tmp_path: Path) -> None:
    child = tmp_path / "child"
    script = f'sleep 1000 & echo $! > {child}; shift; exec "$@"'
    command = ["sh", "-c", script, "sh", "--", *Settings(tools=[reads()]).command()]
    async with tool_server(command=command):
        pass
    wait_gone(int(child.read_text()))


@pytest.mark.anyio
async def test_a_server_ignores_no_signals_that_its_guard_ignores() -> None:
    command = ["sh", "-c", "grep SigIgn /proc/self/status >&2"]
    with pytest.raises(ToolDefinitionError, match="its last line: SigIgn: ") as caught:
        async with tool_server(command=command):
            pass
    ignored = int(str(caught.value).split()[-1], 16)
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        assert not ignored & (1 << (number - 1))


@pytest.mark.anyio
async def test_a_cancelled_block_leaves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(tools=[reads()], answers={"tools/call": None}, log=str(log))
    with nothing_left():
        with anyio.CancelScope() as scope:
            async with (
                tool_server(command=settings.command()) as (add,),
                anyio.create_task_group() as group,
            ):
                group.start_soon(add.call, {})
                while "tools/call" not in log_of(log):  # noqa: ASYNC110 -- a process writes
                    await anyio.sleep(0.01)
                scope.cancel()
        assert scope.cancelled_caught
        wait_gone(pid_in(log))


@pytest.mark.anyio
async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(answers={"initialize": None}, log=str(log))
    with nothing_left():
        async with anyio.create_task_group() as group:
            server = tool_server(command=settings.command())
            group.start_soon(server.__aenter__)
            while "initialize" not in log_of(log):  # noqa: ASYNC110 -- a process writes
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        wait_gone(pid_in(log))


_PROGRAM = """
import time
from orchestrator.tool_servers import tool_server
from tests.orchestrator.raw_server import Settings

def main():
    with tool_server(command=Settings(**{settings}).command()):
        print("open", flush=True)
        while True:  # A signal that comes just before one long wait would not end it.
            time.sleep(0.01)

if __name__ == "__main__":
    main()
"""


def start_program(folder: Path, settings: str) -> AbstractContextManager[subprocess.Popen[str]]:
    program = folder / "program.py"
    program.write_text(_PROGRAM.replace("{settings}", settings))
    return started(sys.executable, program, more={"PYTHONPATH": os.getcwd()})


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_program_takes_a_hanging_server_with_it(
    tmp_path: Path, by: signal.Signals
) -> None:
    log = tmp_path / "log"
    with start_program(tmp_path, f"dict(deaf=True, log={str(log)!r})") as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "open\n"
        (guard,) = leaders_below(program.pid)
        program.send_signal(by)
        assert program.wait() == -by
    wait_gone(pid_in(log))
    wait_gone(guard)


def test_an_interrupt_while_a_plain_with_opens_ends_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = f"dict(answers={{'initialize': None}}, log={str(log)!r})"
    with start_program(tmp_path, settings) as program:
        while "initialize" not in log_of(log):
            assert program.poll() is None
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        errors = to_end(program)[1]
    assert errors.endswith("\nKeyboardInterrupt\n")
    assert program.returncode == -signal.SIGINT
    wait_gone(pid_in(log))


def test_an_interrupt_in_a_plain_with_leaves_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with start_program(tmp_path, f"dict(log={str(log)!r})") as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "open\n"
        program.send_signal(signal.SIGINT)
        errors = to_end(program)[1]
    assert errors.endswith("\nKeyboardInterrupt\n")
    wait_gone(pid_in(log))


def test_a_plain_with_gives_its_loop_back() -> None:
    for _ in range(2):
        with pytest.raises(ToolDefinitionError), tool_server(command=["true"]):
            pass
        with tool_server(command=Settings(tools=[reads()]).command()) as tools:
            assert len(tools) == 1
