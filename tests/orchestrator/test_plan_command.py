from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engines import Context, FakeEngine, Sampling
from planners import Call, Plan, Reduce, Think, read_plan
from planners.static.building import build, call, reduce, think
from tests.engines.servers import chat_app, serving
from tests.orchestrator import here
from tests.orchestrator.here import Here

run_here = here.run_here

TOOLS = '''
import pathlib
from orchestrator import tool

print("at import")

@tool
def search(query: str) -> str:
    """Searches."""
    pathlib.Path("called").touch()
    return query

TOOLS = [search]
'''
TEXT = '1. search("a")\n2. think("b")\njoin()\n'
PLAN = build(reduce([call("search", query="x").named("find"), think("Why?", max_tokens=100)]))


def reply(context: Context, sampling: Sampling) -> str:
    return TEXT if context.turns[0].role == "system" else "no"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(chat_app(FakeEngine(reply, text_only=True))) as url:
        yield f"{url}/v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where commands run."""
    (tmp_path / "mine.py").write_text(TOOLS)
    (tmp_path / "plan.json").write_text(PLAN.to_json())
    return tmp_path


GIVEN = ("plan", "--tools", "mine:TOOLS", "--plan", "plan.json")


def test_a_given_plan_is_shown_without_an_engine_and_without_calls(
    run_here: Here, folder: Path
) -> None:
    done = run_here(*GIVEN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "node  needs    what",
        "find           search(x)",
        "1              think: Why?",
        "2     find, 1  synthesise of find, 1",
    ]
    assert not (folder / "called").exists()
    assert not (folder / "runs").exists()


def test_what_carrying_it_out_would_take(run_here: Here, folder: Path) -> None:
    rates = "seconds_per_token=0.5,tool.search=2"
    done = run_here(*GIVEN, "--simulate", "--rates", rates, "--max-tokens", "200")
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.partition("\n\n")[0].splitlines()
    assert head.split() == ["node", "needs", "from", "to", "threads", "tokens", "what"]
    assert rows[0].split() == ["find", "0.0", "s", "2.0", "s", "search(x)"]
    assert rows[1].split()[:6] == ["1", "0.0", "s", "50.0", "s", "1"]
    facts = dict(line.split("  ", 1) for line in done.stdout.partition("\n\n")[2].splitlines())
    assert facts["critical path"] == "1 -> 2: 2 min 30 s, 300 tokens one after another"
    assert facts["wall time"].strip() == "2 min 30 s"
    assert facts["tokens"].strip().endswith("300 generated")
    assert facts["at once"].strip() == "up to 2 nodes and 1 thread"
    assert facts["rates"].strip() == "given, else guesses"


def test_a_plan_as_json_is_a_plan_file(run_here: Here, folder: Path) -> None:
    done = run_here(*GIVEN, "--json", "What?")
    (folder / "again.json").write_text(done.stdout)
    assert read_plan(folder / "again.json") == PLAN.model_copy(update={"question": "What?"})


def test_a_forecast_as_json_is_one_object_with_the_plan(run_here: Here, folder: Path) -> None:
    prices = ("--prices", "prompt=0,generated=1000000")
    done = run_here(*GIVEN, "--json", "--simulate", "--max-tokens", "50", *prices)
    shown = json.loads(done.stdout)
    assert Plan.model_validate(shown["plan"]) == PLAN
    forecast = shown["forecast"]
    assert forecast["generated_tokens"] == forecast["money"] == 100
    assert list(forecast["nodes"]) == ["find", "1", "2"]
    assert forecast["seconds"] == forecast["nodes"]["2"]["end"]


def test_a_plan_as_a_flowchart_with_a_forecast_in_comments(run_here: Here, folder: Path) -> None:
    plain = run_here(*GIVEN, "--mermaid").stdout
    assert plain.startswith('flowchart TD\n    n1[["find. search(x)"]]\n')
    told = run_here(*GIVEN, "--mermaid", "--simulate").stdout
    assert "    class n2,n3 marked\n%% critical path: 1 -> 2: " in told
    assert '    n1[["find. search(x)<br/>0.0 s to 1.0 s"]]\n' in told


def test_a_question_is_planned_and_nothing_is_carried_out(
    run_here: Here, folder: Path, server: str
) -> None:
    asked = ("plan", "Why?", "--tools", "mine:TOOLS", "--engine", server)
    done = run_here(*asked, "--set", "planner.max_replans=0", "--simulate")
    assert done.returncode == 0, done.stderr
    assert "at import" not in done.stdout
    assert "3     1, 2 " in done.stdout
    assert re.search(
        r"\nplanned in     .* s, [\d,]+ prompt tokens, [1-9]\d* generated\n", done.stdout
    )
    assert re.search(r"\ncritical path  [12] -> 3: ", done.stdout)
    assert not (folder / "called").exists()
    assert not (folder / "runs").exists()


def test_of_a_planner_that_looks_at_results_it_is_said_that_this_is_the_first_round(
    run_here: Here, folder: Path, server: str
) -> None:
    asked = ("plan", "--tools", "mine:TOOLS", "--engine", server, "--", "Why?")
    done = run_here(*asked)
    assert done.returncode == 0, done.stderr
    assert "\nremark         the planner would go on once it has seen results" in done.stdout
    done = run_here(*asked[:-2], "--json", "--", "Why?")
    plan = Plan.model_validate_json(done.stdout)
    assert [node.id for node in plan.nodes] == ["1", "2", "3"]
    assert "remark: the planner would go on" in done.stderr


def test_rates_are_measured_in_earlier_runs(run_here: Here, folder: Path, server: str) -> None:
    ran = run_here("run", "Why?", "--engine", server, *GIVEN[1:])
    assert ran.returncode == 0, ran.stderr
    told = json.loads(run_here(*GIVEN, "--simulate", "--json").stdout)["forecast"]
    assert told["rates"].startswith("measured in 1 earlier run on ")
    assert told["nodes"]["1"]["generated_tokens"] == len("no")
    elsewhere = run_here(*GIVEN, "--simulate", "--json", "--out", "nowhere").stdout
    assert json.loads(elsewhere)["forecast"]["rates"] == "guesses"
    other = run_here(*GIVEN, "--simulate", "--json", "--model", "other").stdout
    assert json.loads(other)["forecast"]["rates"] == "guesses"


def test_threads_of_a_method_are_known_from_its_configuration(run_here: Here, folder: Path) -> None:
    options = ("--method", "self-consistency", "--set", "method.samples=16", "--width", "4")
    told = json.loads(run_here(*GIVEN, *options, "--simulate", "--json").stdout)["forecast"]
    assert told["nodes"]["1"]["threads"] == 16
    assert told["peak_threads"] == 4


def test_a_search_in_one_thread_is_foretold_by_its_options_and_no_engine_starts(
    run_here: Here, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.commands.engine_option.local_engine", None)
    options = ("width=64", "max_depth=20", "stepper.step_tokens=32", "max_tokens=1000")
    given = [part for option in options for part in ("--set", f"method.{option}")]
    asked = ("plan", "Why?", "--planner", "single", "--method", "ets", *given)
    done = run_here(*asked, "--simulate", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert Plan.model_validate(shown["plan"]) == Plan(question="Why?", nodes=(Think(id="1"),))
    node = shown["forecast"]["nodes"]["1"]
    assert (node["threads"], node["generated_tokens"]) == (64, 64 * 640)
    assert shown["forecast"]["critical_tokens"] == 640


def test_what_runs_took_with_other_options_of_the_method_foretells_nothing(
    run_here: Here, folder: Path, server: str
) -> None:
    method = ("--method", "self-consistency", "--planner", "single", "--engine", server)
    ran = run_here("run", "Why?", *method, "--set", "method.samples=2")
    assert ran.returncode == 0, ran.stderr

    def foretold(*options: str) -> tuple[int, int]:
        done = run_here("plan", "Why?", *method, *options, "--simulate", "--json")
        node = json.loads(done.stdout)["forecast"]["nodes"]["1"]
        return node["threads"], node["generated_tokens"]

    assert foretold("--set", "method.samples=2") == (2, 2 * len("no"))
    assert foretold("--set", "method.samples=3") == (3, 3 * 512)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the question is missing: write forkjoin plan"),
        (("",), "the question is empty"),
        (("q", "--rates", "tool=1"), "--rates is for --simulate: give both"),
        (("q", "--simulate", "--rates", "speed=1"), "--rates speed=1: 'speed=1' does not fit"),
        (("q", "--plan", "nowhere.yaml"), "the plan nowhere.yaml cannot be read"),
        (("--plan", "plan.json"), "there is no tool 'search'"),
        (("--plan", "big.json"), "a plan has 256 nodes at most"),
        (("--plan", "circle.yaml"), "waits for itself"),
        (("--plan", "plan.json", "--set", "planner.max_steps=1"), "and no planner is asked"),
    ],
)
def test_what_cannot_be_planned_is_told_in_one_line(
    run_here: Here, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    nodes = tuple(Think(id=str(i)) for i in range(257))
    (folder / "big.json").write_text(Plan(nodes=nodes).to_json())
    (folder / "circle.yaml").write_text(
        "nodes: [{kind: think, id: 1, after: 2}, {kind: think, id: 2, after: 1}]"
    )
    done = run_here("plan", *arguments)
    (line,) = done.stderr.splitlines()
    assert message in line
    assert (done.returncode, done.stdout) == (2, "")


def test_a_plan_has_one_form_at_a_time(run_here: Here, folder: Path) -> None:
    done = run_here(*GIVEN, "--json", "--mermaid")
    assert (done.returncode, done.stdout) == (2, "")
    assert "argument --mermaid: not allowed with argument --json" in done.stderr


# Settings from the command line


def dry_run(run_here: Here, *arguments: str) -> Any:
    return run_here("run", "Why?", "--dry-run", *arguments)


def test_settings_reach_the_planner_and_are_kept_for_a_resume(
    run_here: Here, folder: Path, server: str
) -> None:
    options = ("--set", "planner.max_replans=0", "--set", "planner.sampling.max_tokens=99")
    done = run_here("run", "Why?", "--engine", server, *options, *GIVEN[1:3])
    assert done.returncode == 0, done.stderr
    (run,) = (folder / "runs").iterdir()
    kept = (run / "config.yaml").read_text()
    assert "max_replans=0" in kept
    assert "max_tokens=99" in kept
    again = run_here("resume", "last")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("planner.speed=1", "--set planner.speed: there is no such option: there is sampling.…"),
        ("planner.max_steps=x", "--set planner.max_steps=x: input should be a valid integer"),
        ("planner.max_steps", "--set planner.max_steps: write one of planner.KEY=VALUE"),
        ("max_steps=1", "--set max_steps=1: write one of planner.KEY=VALUE, method.KEY=VALUE"),
        ("engine.x=1", "--set engine.x=1: write one of planner.KEY=VALUE"),
        ("method.samples=4", "--set method.samples: there is no such option"),
        ("reducer.x=4", "--set reducer.x: the plan names the reducer: choose one with --reducer"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_told_in_one_line(
    run_here: Here, folder: Path, option: str, message: str
) -> None:
    done = dry_run(run_here, "--set", option)
    (line,) = done.stderr.splitlines()
    assert message in line
    assert (done.returncode, done.stdout) == (2, "")


def test_a_setting_that_is_given_twice_is_told(run_here: Here, folder: Path) -> None:
    done = dry_run(run_here, "--set", "planner.max_steps=1", "--set", "planner.max_steps=2")
    assert "--set planner.max_steps is given twice" in done.stderr


def test_settings_of_a_method_and_a_reducer(run_here: Here, folder: Path) -> None:
    method = ("--method", "self-consistency", "--set", "method.samples=3")
    reducer = ("--reducer", "synthesise", "--set", "reducer.sampling.temperature=0")
    done = dry_run(run_here, *method, *reducer, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settings"] == [method[-1], reducer[-1]]


def test_a_plan_in_yaml_is_run(run_here: Here, folder: Path, server: str) -> None:
    (folder / "plan.yaml").write_text(
        "nodes:\n"
        "  - {kind: call, id: 1, tool: search, arguments: {query: $1 for a beer}}\n"
        "  - {kind: reduce, id: 2, inputs: [1], reducer: first}\n"
    )
    done = run_here(
        "run", "Why?", "--engine", server, "--tools", "mine:TOOLS", "--plan", "plan.yaml", "--json"
    )
    assert json.loads(done.stdout)["answer"] == "$1 for a beer"
    assert read_plan(folder / "plan.yaml").nodes == (
        Call(id="1", tool="search", arguments={"query": "$1 for a beer"}),
        Reduce(id="2", inputs=("1",), reducer="first"),
    )
