"""`--mcp`: tool servers on the command line."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines import FakeEngine, UsageError
from orchestrator.commands.tool_sources import server_at
from planners import Call, Plan
from tests.engines.servers import chat_app, serving
from tests.orchestrator.here import Here, run_here
from tests.orchestrator.processes import FORKJOIN, started, to_end
from tests.orchestrator.raw_server import Settings, log_of
from tests.orchestrator.tool_servers import MADE_WITH_SDK, listed, said, wait_gone

here = run_here
SDK = shlex.join(MADE_WITH_SDK)
RAW = shlex.join(Settings(tools=[listed()], results={"add": said("3")}).command())


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with serving(chat_app(FakeEngine("unused", text_only=True))) as url:
        yield f"{url}/v1"


def plan(*nodes: Call) -> str:
    Path("plan.json").write_text(Plan(nodes=nodes).to_json())
    return "plan.json"


def test_a_run_uses_servers_and_a_resumed_one_opens_them_again(
    here: Here, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hush")
    variable = Call(id="1", tool="my_variable", arguments={"name": "A"})
    file = plan(variable, Call(id="2", tool="my_write", arguments={"text": "you"}))
    place = f"my: A=$SECRET {SDK}"
    done = here("run", "q", "--mcp", place, "--mcp", RAW, "--plan", file, "--engine", engine)
    assert done.returncode == 1
    assert "my_write failed: no room for you" in done.stderr
    assert (
        f"hush in {tmp_path}" in (tmp_path / "runs").glob("*/events.jsonl").__next__().read_text()
    )
    (configuration,) = (tmp_path / "runs").glob("*/config.yaml")
    assert "$SECRET" in configuration.read_text()
    assert "hush" not in configuration.read_text()
    resumed = here("resume", "last")
    assert resumed.returncode == 1
    assert "my_write failed: no room for you" in resumed.stderr


def test_a_run_gets_what_a_server_answers(here: Here, engine: str) -> None:
    file = plan(Call(id="1", tool="add", arguments={"a": 1}))
    done = here("run", "q", "--mcp", RAW, "--plan", file, "--engine", engine)
    assert (done.returncode, done.stdout.split()[0]) == (0, "3"), done.stderr


def test_a_dry_run_shows_the_tools_of_servers(here: Here) -> None:
    done = here("run", "q", "--mcp", f"x: {RAW}", "--dry-run")
    assert "x_add(a: integer = ...)" in done.stdout


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        ([""], "--mcp '': write a command, as in 'python server.py', or a URL"),
        (["A=1"], "--mcp 'A=1': write a command"),
        (["python 'a"], "--mcp python 'a: No closing quotation"),
        (["A=$NONESUCH python"], "$NONESUCH is not set: export it, or write $$"),
        (["http://a/?key=${"], "write $$ for a dollar sign"),
        (["nonesuch --x"], "tool server nonesuch --x: it cannot be started: No such file"),
        ([RAW, RAW], "two tools are called 'add': rename one"),
    ],
)
def test_a_place_that_is_none_is_refused_in_one_line(
    here: Here, tmp_path: Path, places: list[str], problem: str
) -> None:
    options = [word for place in places for word in ("--mcp", place)]
    done = here("run", "q", *options)
    assert problem in done.stderr
    assert (done.returncode, len(done.stderr.splitlines()), done.stdout) == (2, 1, "")
    assert not (tmp_path / "runs").exists()


def test_a_place_is_read_as_a_shell_would_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    assert (
        str(server_at("A=$TOKEN B='1 2' python 'my server.py' C=3")) == "python 'my server.py' C=3"
    )
    assert str(server_at("web: http://127.0.0.1/mcp?key=$TOKEN")) == "http://127.0.0.1/mcp"
    with pytest.raises(UsageError, match="write a command"):
        server_at("web: A=1")


def test_a_terminated_run_leaves_no_server(engine: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(tools=[listed()], answers={"tools/call": None}, log=str(log))
    (tmp_path / "plan.json").write_text(Plan(nodes=(Call(id="1", tool="add"),)).to_json())
    command = [str(FORKJOIN), "run", "q", "--plan", "plan.json", "--engine", engine]
    with started(*command, "--mcp", shlex.join(settings.command()), folder=tmp_path) as process:
        while "tools/call" not in log_of(log):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGTERM)
        errors = to_end(process)[1]
    assert process.returncode == 130
    assert "Traceback" not in errors
    wait_gone(int(log_of(log)[0]))
