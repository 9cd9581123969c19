"""Asking a person at a terminal, which is a real one here."""

from __future__ import annotations

import io
import os
import pty
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from rich.console import Console

from engines import FakeEngine
from orchestrator.commands.approval import TerminalApproval, approver
from orchestrator.progress import Progress
from orchestrator.tools.approval import ApprovalRequest, approve_all
from planners import Call, Plan
from tests.engines.servers import chat_app, serving
from tests.orchestrator import here
from tests.orchestrator.here import Here
from tests.orchestrator.processes import FORKJOIN, SECONDS, started

run_here = here.run_here


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Real clocks: a person is waited for."""
    return str(request.param)


class Person:
    """Sits at a terminal."""

    def __init__(self) -> None:
        self.keys, self.terminal = pty.openpty()
        self.log: list[str] = []
        self._reading: threading.Thread | None = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.log.append("paused")
        yield
        self.log.append("on")

    def type(self, text: bytes) -> None:
        os.write(self.keys, text)

    def read_on(self) -> None:
        self._reading = threading.Thread(target=self._read_to_end, daemon=True)
        self._reading.start()

    def _read_to_end(self) -> None:
        with suppress(OSError):
            while os.read(self.keys, 1_000):
                pass

    def leave(self) -> None:
        os.close(self.terminal)
        # Only then: the number of what is closed may soon be that of another file, which would be read.
        if self._reading is not None:
            self._reading.join()
        os.close(self.keys)

    @property
    def approval(self) -> TerminalApproval:
        return TerminalApproval(self.terminal, self.log.append, self.paused)


@pytest.fixture
def person() -> Iterator[Person]:
    person = Person()
    yield person
    person.leave()


REQUEST = ApprovalRequest(
    tool="send", arguments={"to": "ada", "copies": [1], "text": "\x1b[2J\n"}, node="3"
)
QUESTION = 'node 3 wants to call send(to="ada", copies=[1], text="\\u001b[2J\\n")\napprove? [y/N] '


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("typed", "decision"),
    [
        (b"y\n", True),
        (b" YES \n", True),
        (b"n\n", "a person said no"),
        (b"\n", "a person said no"),
        (b"\x04", "a person said no"),
        (b"wrong address\n", "a person said: wrong address"),
        (b"\xff\xfe\n", "a person said: \ufffd\ufffd"),
    ],
)
async def test_only_a_yes_approves(person: Person, typed: bytes, decision: bool | str) -> None:
    person.type(typed)
    assert await person.approval(REQUEST) == decision
    assert person.log == ["paused", QUESTION, "on"]


@pytest.mark.anyio
async def test_calls_are_asked_about_one_after_another(person: Person) -> None:
    approval = person.approval
    decisions: list[bool | str] = []
    decided = anyio.Event()

    async def ask() -> None:
        decisions.append(await approval(REQUEST))
        decided.set()

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert person.log == ["paused", QUESTION]
        person.type(b"y\n")
        await decided.wait()
        person.type(b"n\n")
    assert decisions == [True, "a person said no"]


@pytest.mark.anyio
async def test_a_run_that_is_cancelled_waits_for_no_answer(person: Person) -> None:
    with anyio.move_on_after(0.01) as scope:
        await person.approval(REQUEST)
    assert scope.cancelled_caught
    person.type(b"y\n")
    assert await person.approval(REQUEST) is True


def test_without_a_terminal_nobody_is_asked(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert approver("all", person.paused) is approve_all
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert approver("ask", person.paused) is None


def test_an_unknown_way_is_refused(run_here: Here) -> None:
    done = run_here("run", "?", "--approve", "maybe")
    assert (done.returncode, done.stderr) == (
        2,
        "forkjoin: --approve maybe: choose from ask, all\n",
    )


def test_nothing_is_drawn_over_the_question() -> None:
    written = io.StringIO()
    before = set(threading.enumerate())
    with Progress(Console(file=written, force_terminal=True)) as progress:
        progress.starting("local", None)
        (drawing,) = set(threading.enumerate()) - before
        with progress.paused():
            drawing.join(60)
            assert not drawing.is_alive()
            written.write("approve? ")
        assert set(threading.enumerate()) - before
    assert "starting vLLM" in written.getvalue().partition("approve? ")[2]


TOOLS = """
import pathlib
from orchestrator import tool

@tool(approval=True)
async def send(to: str) -> str:
    "Sends a letter."
    with pathlib.Path("sent").open("a") as file:
        file.write(to)
    return "sent to " + to
"""
PLAN = Plan(nodes=(Call(id="1", tool="send", arguments={"to": "ada"}),))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(chat_app(FakeEngine("unused", text_only=True))) as url:
        yield url


@pytest.fixture
def command(tmp_path: Path, server: str) -> list[str]:
    (tmp_path / "letters.py").write_text(TOOLS)
    (tmp_path / "plan.json").write_text(PLAN.to_json())
    return ["run", "q", "--engine", server, "--tools", "letters:send", "--plan", "plan.json"]


def test_in_a_pipe_calls_are_refused_unless_all_are_approved(
    tmp_path: Path, command: list[str], run_here: Here
) -> None:
    done = run_here(*command)
    assert done.returncode == 1
    assert "send has to be approved, and nobody is there: use --approve all" in done.stderr
    assert not (tmp_path / "sent").exists()
    # It had not begun, so whoever resumes the run may approve it.
    done = run_here("resume", "last", "--approve", "all")
    assert (done.returncode, done.stdout.splitlines()[:1]) == (0, ["sent to ada"]), done.stderr
    assert (tmp_path / "sent").read_text() == "ada"


@pytest.mark.parametrize(("typed", "code", "sent"), [(b"y\n", 0, True), (b"no way\n", 1, False)])
def test_a_person_at_the_terminal_is_asked(
    tmp_path: Path, command: list[str], person: Person, typed: bytes, code: int, sent: bool
) -> None:
    ends: dict[str, Any] = {"stdin": person.terminal, "stderr": person.terminal}
    with started(FORKJOIN, *command, folder=tmp_path, **ends) as process:
        shown = b""
        while b"approve? [y/N] " not in shown:
            shown += os.read(person.keys, 1_000)
        person.type(typed)
        # A terminal that nobody reads is full in the end.
        person.read_on()
        assert process.wait(SECONDS) == code
    assert b'node 1 wants to call send(to="ada")' in shown
    assert (tmp_path / "sent").exists() is sent


def test_a_tool_that_needs_dependencies_is_refused_before_an_engine_starts(
    tmp_path: Path, run_here: Here
) -> None:
    (tmp_path / "needy.py").write_text(
        "from orchestrator import tool\nfrom orchestrator.tools.context import ToolContext\n"
        "@tool\ndef look(context: ToolContext[int]) -> int:\n    return context.dependencies\n"
    )
    done = run_here("run", "q", "--tools", "needy:look")
    assert done.returncode == 2
    assert done.stderr.startswith("forkjoin: tool 'look' needs dependencies")
