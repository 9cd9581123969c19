"""What `forkjoin run` refuses, in one line, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from planners import Call
from tests.engines.servers import serving
from tests.orchestrator import commands, here
from tests.orchestrator.commands import assert_refused, plan_file
from tests.orchestrator.here import Here
from tests.orchestrator.processes import without_vllm

run_here = here.run_here
folder = commands.folder
server = commands.server


@pytest.fixture(scope="module")
def web_page() -> Iterator[str]:
    page = Route("/{path:path}", lambda _: HTMLResponse("<html>hello</html>"))
    with serving(Starlette(routes=[page])) as url:
        yield url


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
            "there is no method 'guess': choose from beam, best-of-n, blackboard",
        ),
        (["q", "--reducer", "sum"], "there is no reducer 'sum': choose from best, first"),
        (
            ["q", "--engine", "nonsense"],
            "there is no engine 'nonsense': write local, hogwild, replay:FILE, MODULE:NAME, or a",
        ),
        (
            ["q", "--engine", "http://127.0.0.1:1/v1,hogwild"],
            "hogwild is one engine by itself; only URLs are a list",
        ),
        (
            ["q", "--method", "hogwild", "--dry-run"],
            "cannot share the attention cache of --engine local: write --engine hogwild, or take --method blackboard",
        ),
        (
            ["q", "--method", "hogwild", "--engine", "http://127.0.0.1:1/v1"],
            "write --engine hogwild, or take --method blackboard",
        ),
        (
            ["q", "--method", "best-of-n", "--set", "method.method=hogwild"],
            "write --engine hogwild, or take --method blackboard",
        ),
        (["q", "--engine", "http://"], "is no server's address"),
        (["q", "--model", "nowhere"], "there is no model 'nowhere': give a folder"),
        (["q", "--model", "./nowhere"], "there is no folder ./nowhere: check its name"),
        (
            ["q", "--engine", "hogwild", "--model", "./nowhere"],
            "there is no folder ./nowhere: check its name; a name on the hub is ORG/NAME",
        ),
        (
            ["q", "--planner", "single", "--tools", "calculate"],
            "--tools calculate: the planner single calls no tools: choose llm-compiler, or leave them out",
        ),
        (
            ["q", "--planner", "scale", "--mcp", "python server.py", "--dry-run"],
            "--mcp python server.py: the planner scale calls no tools",
        ),
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
    run_here: Here, folder: Path, arguments: list[str], message: str
) -> None:
    assert_refused(run_here("run", *arguments), folder, message)


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
        (
            '{"nodes": [{"kind": "think", "id": "1", "method": "hogwild"}]}',
            "write --engine hogwild, or take --method blackboard",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dry", [False, True])
def test_a_plan_file_that_cannot_be_run_is_refused_in_one_line(
    run_here: Here, folder: Path, content: str, message: str, dry: bool
) -> None:
    (folder / "plan.json").write_text(content)
    options = ["--dry-run"] if dry else []
    done = run_here("run", "q", "--plan", "plan.json", *options)
    assert_refused(done, folder, message)


def test_a_url_where_nothing_listens_fails_the_run(run_here: Here, folder: Path) -> None:
    done = run_here("run", "q", "--engine", "http://127.0.0.1:9/v1")
    assert_refused(done, folder, "nothing answers at http://127.0.0.1:9", exit_code=1)


def test_a_url_that_answers_html_fails_the_run(run_here: Here, folder: Path, web_page: str) -> None:
    done = run_here("run", "q", "--engine", web_page)
    assert_refused(done, folder, "not as an OpenAI-compatible API: check the address", exit_code=1)


def test_a_model_that_the_server_does_not_serve_is_refused(
    run_here: Here, folder: Path, server: str
) -> None:
    done = run_here("run", "q", "--engine", server, "--model", "other")
    assert_refused(done, folder, "other")


@pytest.mark.parametrize("engine", ["local", "the server"])
def test_a_run_folder_that_cannot_be_is_told_before_an_engine_starts(
    run_here: Here, folder: Path, server: str, engine: str
) -> None:
    url = engine if engine == "local" else server
    out = ["--out", "mine.py/runs"]
    done = run_here("run", "q", "--engine", url, *out)
    assert_refused(
        done, folder, "the run folder .* cannot be written: mine.py is a file", exit_code=1
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_extra_is_told_with_the_line_that_installs_it(folder: Path) -> None:
    done = without_vllm("run", "q", folder=folder)
    assert_refused(done, folder, "is not installed: run `make install`")


def test_a_run_whose_last_node_fails_ends_with_one_line_and_its_folder(
    run_here: Here, folder: Path, server: str
) -> None:
    plan = plan_file(folder, Call(id="1", tool="breaks"))
    arguments = ["q", "--engine", server, "--tools", "mine:TOOLS", "--plan", plan]
    done = run_here("run", *arguments)
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
