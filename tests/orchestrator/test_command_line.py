from __future__ import annotations

import json
import os
import re
import signal
from importlib.metadata import entry_points, version
from pathlib import Path

import anyio
import pytest

from engines import FakeEngine
from orchestrator import Agent, JournalError, RunFolderError
from orchestrator.commands.output import KnownOfRun, write_failure
from orchestrator.runs.run_record import read_configuration
from planners import Call, Reduce, Reference, Think
from tests.engines.servers import chat_app, serving
from tests.orchestrator import commands, here
from tests.orchestrator.commands import plan_file, reply
from tests.orchestrator.here import Here
from tests.orchestrator.processes import FORKJOIN, SECONDS, forkjoin, started, to_end

run_here = here.run_here
folder = commands.folder
server = commands.server

# Answers


def test_a_run_prints_the_answer_on_stdout_and_what_happens_on_stderr(
    folder: Path, server: str
) -> None:
    arguments = ["12 * 7 + 38?", "--engine", server, "--tools", "mine:TOOLS"]
    done = forkjoin("run", *arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    answer, _, *facts = done.stdout.splitlines()
    assert answer == "122"
    assert [line.split("  ")[0] for line in facts] == [
        "tokens",
        "critical path",
        "wall time",
        "run folder",
    ]
    assert re.search(r"[\d,]+ prompt \([\d,]+ cached\), [\d,]+ generated", facts[0])
    assert "▶ 1  multiply(12, 7)" in done.stderr
    assert "plan  1. multiply(12, 7)" in done.stderr.splitlines()
    run = Path(facts[-1].split()[-1])
    assert (folder / run / "metrics.json").exists()


def test_what_tools_print_does_not_get_between_the_answer_and_its_reader(
    run_here: Here, folder: Path, server: str
) -> None:
    (folder / "loud.py").write_text(
        "print('at import')\ndef shout(a: int) -> int:\n    print('in the call')\n    return a\n"
    )
    plan = plan_file(folder, Call(id="1", tool="shout", arguments={"a": 3}))
    options = ["--engine", server, "--tools", "loud:shout", "--plan", plan, "--json"]
    done = run_here("run", "Loud?", *options)
    assert json.loads(done.stdout)["answer"] == "3"
    assert {"at import", "in the call"} <= set(done.stderr.splitlines())


def test_json_puts_one_object_on_stdout_and_nothing_else(
    run_here: Here, folder: Path, server: str
) -> None:
    plan = plan_file(
        folder,
        Call(id="1", tool="multiply", arguments={"a": 12, "b": 7}),
        Call(id="2", tool="multiply", arguments={"a": Reference(node="1"), "b": 2}),
        Call(id="3", tool="breaks"),
        Reduce(id="4", inputs=("2", "3"), reducer="first"),
    )
    arguments = ["q", "--engine", server, "--tools", "mine:TOOLS", "--plan", plan, "--json"]
    done = run_here("run", *arguments, "--out", "kept", "--seed", "5")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["answer"] == "168.0"
    assert [(node["id"], node["status"]) for node in result["nodes"]] == [
        ("1", "ok"),
        ("2", "ok"),
        ("3", "failed"),
        ("4", "ok"),
    ]
    assert result["usage"]["generated_tokens"] == result["critical_path"] == 0
    assert (folder / result["folder"]).parent == folder / "kept"


def test_json_of_a_run_that_fails_is_one_object_with_what_is_known(
    run_here: Here, folder: Path, server: str
) -> None:
    plan = plan_file(folder, Think(id="1", prompt="Look."), Call(id="2", tool="breaks"))
    arguments = ["q", "--engine", server, "--tools", "mine:TOOLS", "--plan", plan, "--json"]
    done = run_here("run", *arguments)
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"forkjoin: {told['error']}"
    assert "node '2' failed: breaks raised ValueError: two lines" in told["error"]
    assert (folder / told["folder"] / "events.jsonl").exists()
    assert told["usage"]["generated_tokens"] > 0
    assert {node["id"]: node["status"] for node in told["nodes"]} == {"1": "ok", "2": "failed"}


def test_json_of_a_run_that_could_not_begin_is_one_object(run_here: Here, folder: Path) -> None:
    done = run_here("run", "q", "--engine", "http://127.0.0.1:9/v1", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["error"].startswith("nothing answers at http://127.0.0.1:9")
    assert (told["usage"], told["folder"], told["nodes"]) == (None, None, [])


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [JournalError, RunFolderError])
async def test_json_of_a_run_whose_files_cannot_be_written_is_its_result_with_the_error(
    capfd: pytest.CaptureFixture[str], kind: type[JournalError | RunFolderError]
) -> None:
    error = kind("no room")
    error.result = await Agent(FakeEngine(reply), planner="single", runs=None).run("q")
    write_failure(error, KnownOfRun(Path("runs")))
    told = json.loads(capfd.readouterr().out)
    assert (told["error"], told["answer"]) == ("no room", "122")


def test_an_interrupt_cancels_the_run_and_the_request(folder: Path) -> None:
    engine = FakeEngine("x" * 100_000, seconds_per_token=0.01, text_only=True)
    options = ["--planner", "single", "--max-tokens", "90000"]
    with (
        serving(chat_app(engine)) as url,
        started(FORKJOIN, "run", "q", "--engine", url, *options, folder=folder) as running,
    ):
        assert running.stderr is not None
        seen = [running.stderr.readline()]
        while not seen[-1].startswith("▶ 1"):
            assert running.poll() is None, seen
            seen.append(running.stderr.readline())
        os.kill(running.pid, signal.SIGINT)
        output, rest = to_end(running)
        assert running.returncode == 130
        assert (output, rest.splitlines()[-1]) == ("", "forkjoin: cancelled")
        assert "Traceback" not in rest
        assert anyio.run(becomes_idle, engine)
    (run,) = (folder / "runs").iterdir()
    last = json.loads((run / "events.jsonl").read_text().splitlines()[-1])
    assert (last["kind"], last["status"]) == ("run-finished", "cancelled")


async def becomes_idle(engine: FakeEngine) -> bool:
    """Whether a server comes to see that its client is gone."""
    with anyio.move_on_after(SECONDS):
        # An engine tells nobody when it is done.
        while (await engine.statistics()).running:  # noqa: ASYNC110
            await anyio.sleep(0.02)
        return True
    return False


# The command itself


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["usage: forkjoin", "doctor", "run", "--version"]),
        (
            ["run", "--help"],
            ["--tools", "llm-compiler, outline, scale, single (default:", "majority"],
        ),
        (["doctor", "--help"], ["usage: forkjoin doctor"]),
    ],
)
def test_help_tells_what_there_is(
    run_here: Here, folder: Path, arguments: list[str], words: list[str]
) -> None:
    done = run_here(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    # However wide the terminal is.
    told = " ".join(done.stdout.split())
    for word in words:
        assert word in told


def test_the_version_is_that_of_the_distribution(folder: Path) -> None:
    done = forkjoin("--version", folder=folder)
    assert (done.returncode, done.stdout) == (0, f"forkjoin {version('forkjoin')}\n")


def test_without_a_command_each_is_told_in_a_line(
    run_here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run_here()
    assert (done.returncode, done.stdout) == (2, "")
    told = dict(re.findall(r"^    (\w+) +(.+)$", done.stderr, re.MULTILINE))
    assert told == {
        entry.name: entry.load().summary for entry in entry_points(group="forkjoin.commands")
    }


@pytest.mark.parametrize("arguments", [["dance"], ["--dance"]])
def test_a_command_that_is_none_is_one_line(
    run_here: Here, folder: Path, arguments: list[str]
) -> None:
    done = run_here(*arguments)
    assert done.returncode == 2
    assert re.fullmatch(rf"forkjoin: .*{arguments[0]}.*; see forkjoin --help\n", done.stderr)


def test_an_option_that_a_command_does_not_have_names_the_help_of_that_command(
    run_here: Here, folder: Path
) -> None:
    done = run_here("resume", "last", "--tools", "a:b")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "forkjoin resume: unrecognized arguments: --tools a:b; see forkjoin resume --help\n"
    )


def test_what_an_error_says_steers_no_terminal(run_here: Here, folder: Path) -> None:
    done = run_here("run", "q", "--engine", "\x1b[2J\u202e")
    assert "there is no engine" in done.stderr
    done = run_here("status", "x", "--out", "\x1b[2J\u202e")
    assert "in \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}: " in done.stderr


def test_a_run_of_a_given_plan_names_no_planner(run_here: Here, folder: Path, server: str) -> None:
    plan = plan_file(folder, Call(id="1", tool="multiply", arguments={"a": 3, "b": 2}))
    options = ["--engine", server, "--tools", "mine:TOOLS", "--plan", plan]
    done = run_here("run", "q", *options)
    assert done.returncode == 0, done.stderr
    (run,) = (folder / "runs").iterdir()
    configuration = read_configuration(run)
    assert configuration["planner"].startswith("GivenPlanner(")
    assert "planner" not in configuration["command"]
    assert run_here("resume", "last").returncode == 0
