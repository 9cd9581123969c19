"""Methods and their parts by name, on the command line, in plans and from Python; and what a user sees of threads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import Choice, Context, EngineError, FakeEngine, RetryPolicy, Sampling
from orchestrator import Agent, CallPolicy
from planners import Plan, Reduce, Think
from reasoning import METHODS, REDUCERS, ChainOfThought, ParaThinker, SelfConsistency
from tests.engines.servers import chat_app, serving
from tests.orchestrator import here
from tests.orchestrator.here import Here
from tests.orchestrator.plans import given

run_here = here.run_here


def reply(context: Context, sampling: Sampling) -> str | EngineError:
    if context.path.endswith("sample-1"):
        return EngineError("lost")
    return "Yes" if isinstance(sampling.constraint, Choice) else "It is \\boxed{4}."


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(chat_app(FakeEngine(reply, text_only=True))) as url:
        yield f"{url}/v1"


def agent(**options: Any) -> Agent:
    calls = CallPolicy(retry=RetryPolicy(attempts=1))
    return Agent(FakeEngine(reply), calls=calls, planner="single", **options)


def settings(*options: str) -> list[str]:
    return [word for option in options for word in ("--set", option)]


COMPOSED = (
    "method.reducer.scorer.votes=2",
    "method.method.threads=2",
    "method.method=parathinker",
    "method.reducer=best",
    "method.stop=beta",
    "method.reducer.scorer=verifier",
    "method.samples=3",
)


@pytest.mark.parametrize("options", [COMPOSED, tuple(reversed(COMPOSED))])
def test_methods_reducers_scorers_and_rules_are_chosen_inside_of_each_other_in_any_order(
    run_here: Here, server: str, options: tuple[str, ...]
) -> None:
    asked = ("run", "2 + 2?", "--engine", server, "--planner", "single", "--json", "--seed", "5")
    done = run_here(*asked, "--method", "self-consistency", *settings(*options))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["answer"] == "4"
    (node,) = result["nodes"]
    assert [thread["path"] for thread in node["threads"]] == [
        f"root/1/sample-{i}" for i in range(3)
    ]
    assert [len(thread["threads"]) for thread in node["threads"]] == [2, 2, 2]
    assert "samples were used" in node["reason"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["method.stop=soon"],
            "--set method.stop=soon: there is no stopping rule 'soon': choose from adaptive, beta, "
            "certain, never",
        ),
        (
            ["method.method=think"],
            "--set method.method=think: there is no method 'think': choose from beam, best-of-n, ",
        ),
        (
            ["method.method=parathinker", "method.method.samples=3"],
            "--set method.method.samples: there is no such option: there is threads, method, ",
        ),
        (
            ["method.method.threads=3"],
            "--set method.method.threads: there is no such option: there is sampling.…, instr",
        ),
        (["method.samples=0"], "--set method.samples=0: self-consistency with 0 samples: at least"),
    ],
)
@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_what_cannot_be_chosen_is_refused_in_one_line_before_anything_starts(
    run_here: Here, tmp_path: Path, options: list[str], message: str, dry: list[str]
) -> None:
    done = run_here("run", "q", "--method", "self-consistency", *settings(*options), *dry)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"forkjoin: {message}")
    assert (done.returncode, done.stdout) == (2, "")
    assert not (tmp_path / "runs").exists()


def test_a_method_that_forked_is_shown_with_its_threads(run_here: Here, server: str) -> None:
    asked = ("run", "2 + 2?", "--engine", server, "--planner", "single", "--attempts", "1")
    done = run_here(*asked, "--method", "best-of-n", *settings("method.samples=16"))
    assert done.returncode == 0, done.stderr
    answer, _, head, node, *rest = done.stdout.splitlines()
    assert (answer, head.split()) == ("4", ["thread", "tokens", "cached", "answer"])
    assert node.split()[:3] == ["✓", "node", "1"]
    assert rest[0].startswith("  ★ sample-0 ")
    assert rest[12].startswith("  ✓ sample-12")
    assert rest[13:15] == ["… and 3 more threads; --json tells of all", ""]
    assert any(line.startswith("critical path  ") and "parallel ratio" in line for line in rest)


def test_on_a_narrow_screen_lines_of_threads_are_cut(
    run_here: Here, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    asked = ("run", "2 + 2?", "--engine", server, "--planner", "single", "--method", "parathinker")
    done = run_here(*asked)
    tree = done.stdout.split("\n\n")[1].splitlines()
    # The head, the node, four threads, and what summed them up.
    assert len(tree) == 7
    assert all(len(line) <= 40 for line in tree)


def test_a_method_of_one_thread_is_shown_without(run_here: Here, server: str) -> None:
    done = run_here("run", "2 + 2?", "--engine", server, "--planner", "single")
    assert "thread " not in done.stdout


@pytest.mark.anyio
@pytest.mark.parametrize("name", sorted(METHODS))
async def test_every_method_is_named_from_python_and_in_a_plan(name: str) -> None:
    plan = given(Think(id="1", method=name))
    for made in (agent(method=name), Agent(FakeEngine(reply), planner=plan)):
        result = await made.run("2 + 2?")
        assert str(result) in ("4", "It is \\boxed{4}.")


@pytest.mark.anyio
@pytest.mark.parametrize("name", sorted(REDUCERS))
async def test_every_reducer_is_named_in_a_plan(name: str) -> None:
    nodes = (Think(id="1"), Think(id="2"), Reduce(id="3", inputs=("1", "2"), reducer=name))

    def script(context: Context, sampling: Sampling) -> str:
        options = getattr(sampling.constraint, "options", ("It is \\boxed{4}.",))
        return str(options[0])

    result = await Agent(FakeEngine(script), planner=Plan(nodes=nodes)).run("2 + 2?")
    assert str(result) == "4"


@pytest.mark.anyio
async def test_the_data_of_a_run_has_its_threads_and_what_ran_side_by_side() -> None:
    method = SelfConsistency(samples=3, method=ParaThinker(threads=2))
    result = await agent(method=method).run("2 + 2?")
    data = result.to_data()
    (node,) = data["nodes"]
    assert json.loads(json.dumps(node["threads"])) == node["threads"]
    spent = [thread["usage"]["generated_tokens"] for thread in node["threads"]]
    assert node["usage"]["generated_tokens"] == sum(spent) == data["usage"]["generated_tokens"]
    assert node["critical_path"] == data["critical_path"] < sum(spent)
    assert node["parallel_ratio"] == data["parallel_ratio"] == round(result.parallel_ratio, 3)
    assert [len(thread["threads"]) for thread in node["threads"]] == [2, 2, 2]


@pytest.mark.anyio
async def test_what_was_cut_and_what_was_lost_is_both_remarked() -> None:
    result = await agent(method="self-consistency", sampling=Sampling(max_tokens=5)).run("2 + 2?")
    assert result.remark.startswith("it reached its token limit; 1 of 8 samples were lost")


@pytest.mark.anyio
async def test_a_run_that_died_while_it_summed_up_has_what_the_cut_threads_had_said(
    tmp_path: Path,
) -> None:
    def script(context: Context, sampling: Sampling) -> str:
        if context.path.endswith("synthesise"):
            died.cancel()
            return "All of it is \\boxed{4}."
        return (
            "So we say it is 4." * 3 if context.path.endswith("thread-1") else "mumbling " * 10_000
        )

    def agent_on(engine: FakeEngine) -> Agent:
        method = ParaThinker(threads=3, wait="first", method=ChainOfThought(sampling=long))
        return Agent(engine, planner="single", method=method, runs=tmp_path)

    long = Sampling(max_tokens=90_000)
    engines = [FakeEngine(script, seconds_per_token=0.001, chunk_tokens=9) for _ in range(2)]
    died = anyio.CancelScope()
    with died:
        await agent_on(engines[0]).run("2 + 2?")
    assert died.cancelled_caught
    (folder,) = tmp_path.iterdir()
    result = await agent_on(engines[1]).resume(folder)
    # Only the summary was left to do, and it is told the same.
    (again,) = engines[1].calls
    assert again.context.digest == engines[0].calls[-1].context.digest
    assert "mumbling" in again.context.turns[-2].text
    assert str(result) == "4"
    (node,) = result.to_data()["nodes"]
    assert [thread["status"] for thread in node["threads"]] == ["cancelled", "ok", "cancelled"]


def test_a_vote_that_its_budget_cut_says_why_once_and_how_it_goes_on(
    run_here: Here, server: str
) -> None:
    asked = ("run", "2 + 2?", "--engine", server, "--planner", "single", "--attempts", "1")
    options = ("--method", "self-consistency", *settings("method.samples=8"))
    done = run_here(*asked, *options, "--budget", "tokens=60")
    assert done.returncode == 0, done.stderr
    tree = done.stdout.split("\n\n")[1]
    assert tree.count("needs more") == 1
    *_, place, last = done.stdout.splitlines()
    folder = place.split()[-1]
    assert last == f"go on with     forkjoin resume {folder} --budget tokens=N"
    more = run_here("resume", folder, "--budget", "tokens=9000")
    assert (more.returncode, "--budget" in more.stdout) == (0, False)
