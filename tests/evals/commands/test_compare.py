from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evals import Evaluation
from orchestrator.runs.run_folder import RunFolder
from tests.evals.evaluation.making_evaluations import evaluation, write
from tests.orchestrator.here import Here, run_here

here = run_here

WORSE = {f"p{number}": ["1", "2", "3", "4"] for number in range(12)}
BETTER = {f"p{number}": ["1", "1", "1", "2"] for number in range(12)}


def compared(here: Here, base: Path, first: Evaluation, second: Evaluation, *more: str) -> str:
    done = here("compare", write(first, base), write(second, base), *more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refused(here: Here, *arguments: str) -> str:
    done = here("compare", *arguments)
    assert (done.returncode != 0, done.stdout) == (True, "")
    (line,) = done.stderr.splitlines()
    return line


def test_a_difference_is_told_with_what_it_costs(here: Here, tmp_path: Path) -> None:
    first = evaluation({"sums": WORSE}, name="one")
    second = evaluation({"sums": BETTER}, name="two", tokens=20)
    lines = compared(here, tmp_path, first, second).splitlines()
    assert lines[0].endswith("one  the system one")
    assert lines[3] == "sums: 12 problems, k = 4"
    assert lines[4].split() == ["avg@4", "maj@4", "tokens", "critical", "path", "seconds"]
    rows = {line[: len("B wins, loses, ties")].strip(): line for line in lines[5:10]}
    assert "25.0 % (" in rows["A"]
    assert "75.0 % (" in rows["B"]
    assert "100.0 % (75.8 to 100.0)" in rows["B"]
    assert "+50.0 (+" in rows["B - A"]
    assert "x 2.00" in rows["B - A"]
    assert rows["p"].split() == ["p", "<", "0.001", "<", "0.001"]
    assert "12, 0, 0" in rows["B wins, loses, ties"]
    assert lines[10] == (
        "B gets more right than A, at 95 %: +50.0 points of avg@4, with 2.00 times A's tokens."
    )


def test_no_difference_is_told_as_such(here: Here, tmp_path: Path) -> None:
    first = evaluation({"sums": dict(list(WORSE.items())[:4])}, name="one")
    second = evaluation({"sums": dict(list(BETTER.items())[:4])}, name="two")
    text = compared(here, tmp_path, first, second)
    # All four are better, and chance does that one time in eight.
    assert "No difference can be told at 95 %: B has +50.0 points of avg@4 against A" in text


def test_what_cannot_be_compared_is_left_out_and_told(here: Here, tmp_path: Path) -> None:
    first = evaluation(
        {"sums": {name: ["1"] * 4 for name in "abc"}, "other": {"z": ["1"]}}, name="one"
    )
    second = evaluation(
        {"sums": {"a": ["1", "2"], "b": ["1", "failed"], "d": ["1"]}},
        name="two",
        k=2,
        version="2",
    )
    text = compared(here, tmp_path, first, second)
    assert "sums: 1 problem, k = 2" in text
    assert "left out: A has no graded samples of 1 problem: d" in text
    assert "left out: B has no graded samples of 1 problem: c" in text
    assert "left out: fewer than 2 graded samples in A or B of 1 problem: b" in text
    assert "A has up to 4 samples of a problem: its figures are what 2 of them are expected" in text
    assert "left out: only A has the task other" in text
    assert "left out: 1 sample of B that failed" in text
    assert "sums is graded in A and B by different graders or versions" in text


def test_whose_models_and_options_differ_is_told(here: Here, tmp_path: Path) -> None:
    first, second = (
        replace(one, configuration={**one.configuration, "model": model, "options": options})
        for one, model, options in (
            (
                evaluation({"sums": WORSE}, name="one"),
                "ForkJoin",
                {"max_tokens": 512, "engine": "local", "set": []},
            ),
            (
                evaluation({"sums": WORSE}, name="two"),
                "/models/tiny/Plain",
                {"max_tokens": 64, "engine": "hogwild", "set": ["method.samples=2", "a=1"]},
            ),
        )
    )
    lines = compared(here, tmp_path / "text", first, second).splitlines()
    assert lines[0].endswith("one  the system one on ForkJoin")
    assert lines[1].endswith("two  the system two on Plain")
    assert lines[2] == (
        "A and B differ in model (ForkJoin, /models/tiny/Plain), set (none, method.samples=2 a=1) and "
        "max_tokens (512, 64)"
    )
    data = json.loads(compared(here, tmp_path / "json", first, second, "--json"))
    assert (data["first"]["model"], data["second"]["model"]) == ("ForkJoin", "/models/tiny/Plain")
    assert [one["name"] for one in data["differing"]] == ["model", "set", "max_tokens"]
    assert data["differing"][2] == {"name": "max_tokens", "first": 512, "second": 64}
    alike = compared(here, tmp_path / "alike", first, replace(first, path=Path("three")))
    assert "differ in" not in alike
    # Of one that was made in Python nobody knows the options.
    in_python = replace(second, configuration={**second.configuration, "options": None})
    lines = compared(here, tmp_path / "in Python", first, in_python).splitlines()
    assert lines[2] == "A and B differ in model (ForkJoin, /models/tiny/Plain)"


def test_tasks_are_pooled(here: Here, tmp_path: Path) -> None:
    first = evaluation({"sums": WORSE, "products": WORSE}, name="one")
    second = evaluation({"products": BETTER, "sums": WORSE}, name="two")
    data = json.loads(compared(here, tmp_path, first, second, "--json"))
    assert [(part["part"], part["problems"]) for part in data["parts"]] == [
        ("sums", 12),
        ("products", 12),
        ("pooled", 24),
    ]
    assert [part["average"]["difference"]["value"] for part in data["parts"]] == [0.0, 0.5, 0.25]
    assert [part["told_apart"] for part in data["parts"]] == [False, True, True]
    assert data["second"]["system"] == "the system two"
    assert data["parts"][2]["tokens"]["ratio"] == 1.0


def test_the_same_runs_give_the_same_figures(here: Here, tmp_path: Path) -> None:
    folders = [
        write(evaluation({"sums": WORSE}, name="one"), tmp_path),
        write(evaluation({"sums": BETTER}, name="two"), tmp_path),
    ]
    assert here("compare", *folders, "--json") == here("compare", *folders, "--json")


def test_an_evaluation_and_itself_is_told_for_it(here: Here, tmp_path: Path) -> None:
    ours, other = (
        write(evaluation({"sums": WORSE}, name=name), tmp_path / "runs") for name in ("one", "two")
    )
    said = "A and B are the same evaluation, of which no difference can be seen: give two"
    # By whatever name.
    for name in (ours, f"{ours}/../one"):
        assert here("compare", ours, name).stdout.splitlines()[-1] == said
    assert json.loads(here("compare", ours, ours, "--json").stdout)["notes"] == [said]
    assert said not in here("compare", ours, other).stdout


@pytest.mark.parametrize(
    ("k", "expected"),
    [("2", "avg@2"), ("9", "k is 9, but both have at most 4 samples of a problem: give 1 to 4")],
)
def test_k_can_be_chosen(here: Here, tmp_path: Path, k: str, expected: str) -> None:
    folder = write(evaluation({"sums": WORSE}), tmp_path)
    done = here("compare", folder, folder, "-k", k)
    assert expected in done.stdout + done.stderr


def test_other_problems_of_the_same_name_are_refused(here: Here, tmp_path: Path) -> None:
    first = evaluation({"sums": WORSE}, name="one")
    for field, what in (("problem", "question"), ("answer", "known answer")):
        second = evaluation({"sums": WORSE}, name=f"two-{field}")
        other = [p.model_copy(update={field: "else"}) for p in second.problems["sums"]]
        second = replace(second, problems={"sums": other})
        base = tmp_path / field
        line = refused(here, write(first, base), write(second, base))
        assert f"problem 'p0' of sums has another {what} in " in line


def test_bad_folders_are_refused_in_a_line(here: Here, tmp_path: Path) -> None:
    ours = write(evaluation({"sums": WORSE}, name="one"), tmp_path)
    theirs = write(evaluation({"products": WORSE}, name="two"), tmp_path)
    empty = write(evaluation({"sums": {"p0": []}}, name="three"), tmp_path)
    assert "share no task: one has sums, the other products" in refused(here, ours, theirs)
    assert "sums: there is no problem that both have samples of" in refused(here, ours, empty)
    assert "there is no run folder nowhere" in refused(here, ours, "nowhere")
    assert "holds 3 evaluations: give the folder of one" in refused(here, str(tmp_path), ours)


def test_last_is_the_evaluation_in_runs_that_was_begun_last(here: Here, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for name, problems, hour in (("b", WORSE, "10"), ("a", BETTER, "12"), ("c", WORSE, "11")):
        made = evaluation({"sums": problems}, name=name)
        started = {**made.configuration, "started": f"2026-01-01T{hour}:00:00+00:00"}
        write(replace(made, configuration=started), runs)
    # No evaluation, though it began after all of them.
    RunFolder.create(runs, {"question": "q"}).close()
    done = here("compare", "runs/b", "last")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].startswith("B  runs/a ")
    assert here("report", "last").stderr == "the report is runs/a/report.html\n"


@pytest.mark.parametrize(
    "command", [("compare", "last", "last"), ("report", "last"), ("grade", "last")]
)
def test_where_there_is_no_evaluation_there_is_no_last_one(
    here: Here, tmp_path: Path, command: tuple[str, ...]
) -> None:
    told = "forkjoin: there are no evaluations in runs: give the folder of one, which forkjoin eval made\n"
    for _ in range(2):
        done = here(*command)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", told)
        (tmp_path / "runs").mkdir(exist_ok=True)


def test_the_last_sweep_is_the_folder_that_its_evaluations_are_in(
    here: Here, tmp_path: Path
) -> None:
    write(evaluation({"sums": WORSE}, name="one"), tmp_path / "runs" / "sweep")
    assert here("report", "last").stderr == "the report is runs/sweep/report.html\n"
