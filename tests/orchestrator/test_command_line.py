from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import anyio
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from engines import Context, FakeEngine, Sampling
from orchestrator import Agent, RunFolderError
from orchestrator.commands.output import KnownOfRun, write_failure
from planners import Call, Plan, Reduce, Reference, Think
from tests.engines.servers import chat_app, serving
from tests.orchestrator.processes import (
    FORKJOIN,
    environment,
    forkjoin,
    in_process,
    without_vllm,
)

TOOLS = '''
import pathlib
from orchestrator import tool

pathlib.Path("imported").touch()

@tool
def multiply(a: float, b: float) -> float:
    """Multiplies two numbers."""
    pathlib.Path("called").touch()
    return a * b

@tool
def breaks() -> None:
    """Raises."""
    raise ValueError("two\\nlines")

def untyped(a):
    return a

number = 12
TOOLS = [multiply, breaks]
'''
PLAN_TEXT = "1. multiply(12, 7)\n2. think('how many more?')\njoin()\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with tools, as people have them, where commands run."""
    (tmp_path / "mine.py").write_text(TOOLS)
    (tmp_path / "broken.py").write_text("raise ValueError('two\\nlines')")
    (tmp_path / "script.py").write_text("raise SystemExit(0)")
    return tmp_path


def reply(context: Context, sampling: Sampling) -> str:
    if context.turns[0].role != "system":
        return "It is \\boxed{122}."
    is_plan = len(context.turns) < 4
    return PLAN_TEXT if is_plan else '{"action": "finish", "answer": 122}'


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(chat_app(FakeEngine(reply, text_only=True))) as url:
        yield f"{url}/v1"


@pytest.fixture(scope="module")
def web_page() -> Iterator[str]:
    page = Route("/{path:path}", lambda _: HTMLResponse("<html>hello</html>"))
    with serving(Starlette(routes=[page])) as url:
        yield url


def plan_file(folder: Path, *nodes: Call | Think | Reduce) -> str:
    (folder / "plan.json").write_text(Plan(nodes=nodes).to_json())
    return "plan.json"


def assert_refused(
    done: subprocess.CompletedProcess[str], folder: Path, message: str, exit_code: int = 2
) -> None:
    """One line says what is wrong, and nothing is left behind."""
    (line,) = done.stderr.splitlines()
    assert re.match(rf"forkjoin( run)?: .*{message}", line), done.stderr
    assert done.returncode == exit_code
    assert done.stdout == ""
    assert not (folder / "runs").exists()


# What cannot be


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "the question is empty"),
        ([" \n"], "the question is empty"),
        (["\udcff"], "the question is no text"),
        (["q", "--tools", "mine"], "--tools mine: write MODULE:NAME"),
        (["q", "--tools", ":TOOLS"], "--tools :TOOLS: write MODULE:NAME"),
        (
            ["q", "--tools", "nowhere:TOOLS"],
            "No module named 'nowhere': run forkjoin in the folder that has it",
        ),
        (
            ["q", "--tools", "broken:TOOLS"],
            "the module broken cannot be imported: ValueError: two lines",
        ),
        (["q", "--tools", "script:TOOLS"], "the module script cannot be imported: SystemExit"),
        (["q", "--tools", "mine:NOTHING"], "the module mine has no 'NOTHING'"),
        (["q", "--tools", "mine:number"], "12 is no tool: put @tool before the function"),
        (
            ["q", "--tools", "mine:untyped"],
            "tool 'untyped': parameter 'a' has no type: annotate it",
        ),
        (["q", "--tools", "builtins:max"], "tool 'max': its types cannot be resolved"),
        (["q", "--planner", "nobody"], "there is no planner 'nobody': choose from llm-compiler"),
        (
            ["q", "--method", "guess"],
            "there is no method 'guess': choose from best-of-n, chain-of-thought",
        ),
        (["q", "--reducer", "sum"], "there is no reducer 'sum': choose from best, first"),
        (["q", "--engine", "nonsense"], "there is no engine 'nonsense': write local, or a URL"),
        (["q", "--engine", "http://"], "is no server's address"),
        (["q", "--model", "./nowhere"], "there is no model './nowhere': give a folder"),
        (["q", "--max-tokens", "0"], "--max-tokens 0: at least 1 is needed"),
        (["q", "--max-tokens", "many"], "argument --max-tokens: invalid int value: 'many'"),
        (["q", "--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["q", "--plan", "nowhere.json"], "the plan nowhere.json cannot be read"),
        (["q", "--plan", "mine.py"], "mine.py is no plan: "),
        (["q", "more"], "unrecognized arguments: more"),
        ([], "the question is missing"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_one_line(
    folder: Path, arguments: list[str], message: str
) -> None:
    assert_refused(forkjoin("run", *arguments, folder=folder), folder, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "plan.json is no plan: the file: "),
        ("[1, 2]", "plan.json is no plan: the file: "),
        ('{"nodes": []}', "plan.json is no plan: nodes: "),
        ('{"nodes": [{"kind": "dance", "id": "1"}]}', "plan.json is no plan: nodes.0: "),
        ('{"version": 9, "nodes": [{"kind": "think", "id": "1"}]}', "plan.json is no plan: version: "),
        (
            '{"nodes": [{"kind": "think", "id": "1", "after": "2"}, {"kind": "think", "id": "2", "after": "1"}]}',
            "waits for itself: ",
        ),
        ('{"nodes": [{"kind": "call", "id": "1", "tool": "divide"}]}', "there is no tool 'divide'"),
        (
            '{"nodes": [{"kind": "reduce", "id": "1", "inputs": ["7"], "reducer": "first"}]}',
            "node '1': refers to node '7', and no earlier node has this id",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dry", [False, True])
def test_a_plan_file_that_cannot_be_run_is_refused_in_one_line(
    folder: Path, content: str, message: str, dry: bool
) -> None:
    (folder / "plan.json").write_text(content)
    options = ["--dry-run"] if dry else []
    done = forkjoin("run", "q", "--plan", "plan.json", *options, folder=folder)
    assert_refused(done, folder, message)


def test_a_url_where_nothing_listens_fails_the_run(folder: Path) -> None:
    done = forkjoin("run", "q", "--engine", "http://127.0.0.1:9/v1", folder=folder)
    assert_refused(done, folder, "nothing answers at http://127.0.0.1:9", exit_code=1)


def test_a_url_that_answers_html_fails_the_run(folder: Path, web_page: str) -> None:
    done = forkjoin("run", "q", "--engine", web_page, folder=folder)
    assert_refused(done, folder, "not as an OpenAI-compatible API: check the address", exit_code=1)


def test_a_model_that_the_server_does_not_serve_is_refused(folder: Path, server: str) -> None:
    done = forkjoin("run", "q", "--engine", server, "--model", "other", folder=folder)
    assert_refused(done, folder, "other")


@pytest.mark.parametrize("engine", ["local", "the server"])
def test_a_run_folder_that_cannot_be_is_told_before_an_engine_starts(
    folder: Path, server: str, engine: str
) -> None:
    url = engine if engine == "local" else server
    out = ["--out", "mine.py/runs"]
    done = forkjoin("run", "q", "--engine", url, *out, folder=folder)
    assert_refused(
        done, folder, "the run folder .* cannot be written: Not a directory", exit_code=1
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_extra_is_told_with_the_line_that_installs_it(folder: Path) -> None:
    done = without_vllm("run", "q", folder=folder)
    assert_refused(done, folder, "is not installed: run `make install`")


def test_a_run_whose_last_node_fails_ends_with_one_line_and_its_folder(
    folder: Path, server: str
) -> None:
    plan = plan_file(folder, Call(id="1", tool="breaks"))
    arguments = ["q", "--engine", server, "--tools", "mine:TOOLS", "--plan", plan]
    done = forkjoin("run", *arguments, folder=folder)
    (run,) = (folder / "runs").iterdir()
    assert done.stderr.splitlines()[-1] == (
        "forkjoin: the run has no answer: node '1' failed: breaks raised ValueError: two lines; "
        f"its events are in runs/{run.name}"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert not (run / "metrics.json").exists()
    rows = [json.loads(row) for row in (run / "events.jsonl").read_text().splitlines()]
    assert rows[-1]["status"] == "failed"


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
    assert "  1. multiply(12, 7)" in done.stderr.splitlines()
    run = Path(facts[-1].split()[-1])
    assert (folder / run / "metrics.json").exists()


def test_what_tools_print_does_not_get_between_the_answer_and_its_reader(
    folder: Path, server: str
) -> None:
    (folder / "loud.py").write_text(
        "print('at import')\ndef shout(a: int) -> int:\n    print('in the call')\n    return a\n"
    )
    plan = plan_file(folder, Call(id="1", tool="shout", arguments={"a": 3}))
    options = ["--engine", server, "--tools", "loud:shout", "--plan", plan, "--json"]
    done = forkjoin("run", "Loud?", *options, folder=folder)
    assert json.loads(done.stdout)["answer"] == "3"
    assert {"at import", "in the call"} <= set(done.stderr.splitlines())


def test_json_puts_one_object_on_stdout_and_nothing_else(folder: Path, server: str) -> None:
    plan = plan_file(
        folder,
        Call(id="1", tool="multiply", arguments={"a": 12, "b": 7}),
        Call(id="2", tool="multiply", arguments={"a": Reference(node="1"), "b": 2}),
        Call(id="3", tool="breaks"),
        Reduce(id="4", inputs=("2", "3"), reducer="first"),
    )
    arguments = ["q", "--engine", server, "--tools", "mine:TOOLS", "--plan", plan, "--json"]
    done = forkjoin("run", *arguments, "--out", "kept", "--seed", "5", folder=folder)
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
    folder: Path, server: str
) -> None:
    plan = plan_file(folder, Think(id="1", prompt="Look."), Call(id="2", tool="breaks"))
    arguments = ["q", "--engine", server, "--tools", "mine:TOOLS", "--plan", plan, "--json"]
    done = forkjoin("run", *arguments, folder=folder)
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"forkjoin: {told['error']}"
    assert "node '2' failed: breaks raised ValueError: two lines" in told["error"]
    assert (folder / told["folder"] / "events.jsonl").exists()
    assert told["usage"]["generated_tokens"] > 0
    assert {node["id"]: node["status"] for node in told["nodes"]} == {"1": "ok", "2": "failed"}


def test_json_of_a_run_that_could_not_begin_is_one_object(folder: Path) -> None:
    done = forkjoin("run", "q", "--engine", "http://127.0.0.1:9/v1", "--json", folder=folder)
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["error"].startswith("nothing answers at http://127.0.0.1:9")
    assert (told["usage"], told["folder"], told["nodes"]) == (None, None, [])


@pytest.mark.anyio
async def test_json_of_a_run_whose_files_cannot_be_written_is_its_result_with_the_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    error = RunFolderError("no room")
    error.result = await Agent(FakeEngine(reply), planner="single", runs=None).run("q")
    write_failure(error, KnownOfRun(Path("runs")))
    told = json.loads(capfd.readouterr().out)
    assert (told["error"], told["answer"]) == ("no room", "122")


def test_an_interrupt_cancels_the_run_and_the_request(folder: Path) -> None:
    engine = FakeEngine("x" * 100_000, seconds_per_token=0.01, text_only=True)
    with serving(chat_app(engine)) as url:
        running = subprocess.Popen(
            [FORKJOIN, "run", "q", "--planner", "single", "--engine", url, "--max-tokens", "90000"],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with running:
            assert running.stderr is not None
            seen = [running.stderr.readline()]
            while not seen[-1].startswith("▶ 1"):
                assert running.poll() is None, seen
                seen.append(running.stderr.readline())
            os.kill(running.pid, signal.SIGINT)
            output, rest = running.communicate(timeout=60)
        assert running.returncode == 130
        assert (output, rest.splitlines()[-1]) == ("", "forkjoin: cancelled")
        assert "Traceback" not in rest
        assert anyio.run(becomes_idle, engine)
    (run,) = (folder / "runs").iterdir()
    last = json.loads((run / "events.jsonl").read_text().splitlines()[-1])
    assert (last["kind"], last["status"]) == ("run-finished", "cancelled")


async def becomes_idle(engine: FakeEngine) -> bool:
    """Whether a server comes to see that its client is gone."""
    with anyio.move_on_after(30):
        # An engine tells nobody when it is done.
        while (await engine.statistics()).running:  # noqa: ASYNC110
            await anyio.sleep(0.02)
        return True
    return False


# Dry runs


def test_a_dry_run_shows_the_first_prompt_calls_no_tools_and_writes_nothing(folder: Path) -> None:
    done = without_vllm("run", "How many?", "--tools", "mine:TOOLS", "--dry-run", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tools        multiply(a: number, b: number), breaks()\n" in done.stdout
    prompt = done.stdout.partition("first prompt\n")[2]
    assert prompt.startswith("<system>\nYou split a question")
    assert "multiply(a: number, b: number): Multiplies two numbers." in prompt
    assert "<user>\nQuestion: How many?\n" in prompt
    assert (folder / "imported").exists()
    assert not (folder / "called").exists()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["How many?", "--tools", "mine:multiply", "mine:breaks"],
        ["--tools", "mine:multiply", "mine:breaks", "How many?"],
        ["--tools", "mine:multiply", "--tools", "mine:breaks", "How many?"],
    ],
)
def test_tools_and_question_come_in_any_order(folder: Path, arguments: list[str]) -> None:
    done = forkjoin("run", *arguments, "--dry-run", "--json", folder=folder)
    shown = json.loads(done.stdout)
    assert shown["question"] == "How many?"
    assert shown["tools"] == ["multiply(a: number, b: number)", "breaks()"]


def test_a_reader_that_goes_away_is_no_traceback(folder: Path) -> None:
    piped = f"'{FORKJOIN}' run 'How?' --dry-run | true"
    assert in_process("sh", "-c", piped, folder=folder).stderr == ""


def test_a_dry_run_calls_no_tools_of_a_plan_file_either(folder: Path) -> None:
    arguments = Call(id="1", tool="multiply", arguments={"a": 12, "b": 7})
    plan = plan_file(folder, arguments, Think(id="2", prompt="Look."))
    options = ["--tools", "mine:TOOLS", "--plan", plan, "--dry-run"]
    done = forkjoin("run", "How many?", *options, folder=folder)
    assert done.returncode == 0
    assert "Your part of the work: Look." in done.stdout
    assert not (folder / "called").exists()


def test_a_dry_run_as_json_is_one_object(folder: Path) -> None:
    done = forkjoin("run", "How?", "--planner", "single", "--dry-run", "--json", folder=folder)
    assert done.returncode == 0
    shown = json.loads(done.stdout)
    assert (shown["planner"], shown["reducer"], shown["seed"]) == ("single", None, None)
    assert [turn["role"] for turn in shown["first_prompt"]] == ["user", "assistant"]
    assert shown["first_prompt"][0]["text"].startswith("How?")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["q", "--engine", "nonsense"], "there is no engine 'nonsense'"),
        (["q", "--method", "guess"], "there is no method 'guess'"),
        (["\udcff"], "the question is no text"),
    ],
)
def test_a_dry_run_refuses_what_a_run_would_refuse(
    folder: Path, arguments: list[str], message: str
) -> None:
    done = forkjoin("run", *arguments, "--dry-run", folder=folder)
    assert_refused(done, folder, message)


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
def test_help_tells_what_there_is(folder: Path, arguments: list[str], words: list[str]) -> None:
    done = forkjoin(*arguments, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    # However wide the terminal is.
    told = " ".join(done.stdout.split())
    for word in words:
        assert word in told


def test_the_version_is_that_of_the_distribution(folder: Path) -> None:
    done = forkjoin("--version", folder=folder)
    assert (done.returncode, done.stdout) == (0, f"forkjoin {version('forkjoin')}\n")


@pytest.mark.parametrize("arguments", [[], ["dance"], ["--dance"]])
def test_a_command_that_is_none_is_one_line(folder: Path, arguments: list[str]) -> None:
    done = forkjoin(*arguments, folder=folder)
    assert done.returncode == 2
    assert re.fullmatch(r"forkjoin: .*; see forkjoin --help\n", done.stderr)
