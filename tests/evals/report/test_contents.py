from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals import Evaluation
from evals.evaluation.figures import figures
from evals.report.contents import contents_of
from evals.report.measuring import measure, report_data
from tests.evals.report.made_up import contents, drawn, evaluation, grade, problem, sample, small


def ran(
    path: str,
    right: Sequence[int],
    *,
    task: str = "sums",
    k: int = 2,
    failed: int = 0,
    **configuration: Any,
) -> Evaluation:
    """Problems of which so many of `k` samples are right; of the last one some samples failed."""
    rows = [sample(task, f"p-{place}", n) for place in range(len(right)) for n in range(k)]
    lost = {row.key for row in rows[len(rows) - failed :]}
    rows = [r.model_copy(update={"status": "failed"}) if r.key in lost else r for r in rows]
    grades = [
        grade(row, row.sample < right[int(row.problem[2:])]) for row in rows if row.key not in lost
    ]
    return evaluation(path, rows, grades, k=k, **configuration)


def test_of_one_system_the_share_its_interval_and_the_problems_are_told() -> None:
    told = contents(
        ran("runs/a", [2, 1, 0, 1], system="chain", model="tiny", started="2026-11-27T03")
    )
    average = figures(ran("runs/a", [2, 1, 0, 1]))["pooled"]["average"]
    within = f"{100 * average['low']:.1f} to {100 * average['high']:.1f}"
    assert told.title == "chain on sums"
    assert told.about == "Model tiny, measured on 2026-11-27"
    assert told.said == [
        (
            "sums",
            f"50.0 % (95 % interval {within}) of samples are right, 2 samples on each of 4 problems.",
        )
    ]


def test_systems_on_different_models_are_told_apart_by_them() -> None:
    plain, trained = (
        ran(f"runs/{letter}", right, system="chain", model=model)
        for letter, right, model in (("a", [0] * 12, "org/plain"), ("b", [2] * 12, "/models/x/own"))
    )
    told = contents(plain, trained)
    assert [one.name for one in told.systems] == ["chain on org/plain", "chain on own"]
    assert told.about.startswith("Models org/plain and /models/x/own")
    assert told.said[0][1].startswith("B, chain on own, has more right: ")
    assert [one.system.name for one in told.methods] == ["chain on org/plain", "chain on own"]
    data = report_data(measure([plain, trained]))
    assert [one["model"] for one in data["systems"]] == ["org/plain", "/models/x/own"]
    same = contents(plain, replace(plain, path=Path("runs/b")))
    assert [one.name for one in same.systems] == ["chain (a)", "chain (b)"]


def test_a_system_that_solves_nothing_is_not_hidden() -> None:
    told = contents(ran("runs/a", [0, 0, 0, 0, 0]))
    ((_, said),) = told.said
    assert said.startswith(
        "None of 10 samples is right, 2 samples on each of 5 problems (95 % interval 0.0 to "
    )
    (row,) = told.tasks[0].rows
    assert row.average is not None
    assert row.average.value == 0
    assert row.average.high is not None
    assert row.average.high > 0.3


def test_the_best_is_named_and_set_against_the_first() -> None:
    told = contents(ran("runs/a", [0] * 12, system="slow"), ran("runs/b", [2] * 12, system="wise"))
    ((_, said),) = told.said
    assert said.startswith("B, wise, has more right: 100.0 % (95 % interval ")
    assert "A has 0.0 %; B is 100.0 points above A (" in said
    assert "p < 0.001" in said
    assert "apart" not in said


def test_of_several_the_best_is_set_against_the_next() -> None:
    right = ([2] * 12, [0] * 12, [1] * 12)
    told = contents(*(ran(f"runs/{n}", one, system=f"s{n}") for n, one in enumerate(right)))
    ((_, said),) = told.said
    assert said.startswith("A, s0, has more right than every other: 100.0 % (95 % interval ")
    assert "B and C have 0.0 % to 50.0 %; A is 50.0 points above C (" in said


def test_what_chance_could_explain_is_said_to_be_so() -> None:
    first, second = ran("runs/a", [0, 1, 0], system="slow"), ran("runs/b", [0, 2, 0], system="wise")
    for pair, letter in (((first, second), "B"), ((second, first), "A")):
        ((_, said),) = contents(*pair).said
        assert said.startswith("Nothing can be told apart: 16.7 % to 33.3 % of samples are right, ")
        assert f"{letter}, wise, has the most: 33.3 % (95 % interval " in said
    ((_, said),) = contents(first, second, replace(second, path=Path("runs/c"))).said
    assert "B and C have the most: 33.3 %" in said
    ((_, said),) = contents(first, first).said
    assert said.startswith("Nothing can be told apart: all have 16.7 % (95 % interval ")


def test_one_right_beside_none_is_not_the_best() -> None:
    told = contents(ran("runs/a", [0] * 5, k=4), ran("runs/b", [1, 0, 0, 0, 0], k=4))
    assert not any(row.best for row in told.tasks[0].rows)
    assert told.said[0][1].startswith("Nothing can be told apart: 0.0 % to 5.0 %")


def test_it_is_said_from_whom_the_best_can_be_told_apart() -> None:
    right = ([2] * 12, [2] * 11 + [1], [0] * 12)
    told = contents(*(ran(f"runs/{n}", one, system=f"s{n}") for n, one in enumerate(right)))
    ((_, said),) = told.said
    assert said.startswith("A, s0, has the most right: 100.0 %")
    assert said.endswith("It can be told apart from C (0.0 %), but not from B (95.8 %).")
    assert not any(row.best for row in told.tasks[0].rows)


def test_not_everything_is_alike_where_only_the_best_is_doubtful() -> None:
    right = ([0] * 12, [2, 2, 2], [2] * 11 + [1])
    told = contents(*(ran(f"runs/{n}", one, system=f"s{n}") for n, one in enumerate(right)))
    ((_, said),) = told.said
    assert said.startswith("B, s1, has the most right: 100.0 %")
    assert said.endswith("It cannot be told apart from A and C (0.0 % to 95.8 %).")


def test_a_system_is_the_best_only_if_told_apart_from_all_others() -> None:
    clear = contents(ran("runs/a", [0] * 12), ran("runs/b", [2] * 12))
    assert [row.best for row in clear.tasks[0].rows] == [False, True]
    marked = [
        column.title
        for column in clear.columns
        for row in clear.tasks[0].rows
        if column.cell(row).best
    ]
    assert marked == ["avg@2"]
    two = contents(ran("runs/a", [0] * 9), ran("runs/b", [2] * 9), ran("runs/c", [2] * 9))
    assert not any(row.best for row in two.tasks[0].rows)
    alone = contents(ran("runs/a", [2, 2])).tasks[0].rows
    assert not alone[0].best


def test_many_comparisons_are_warned_of() -> None:
    three = [ran(f"runs/{n}", [1, n]) for n in range(3)]
    assert "and the table has 2." in "\n".join(contents(*three).caveats)
    assert "p value" not in "\n".join(contents(*three[:2]).caveats)


def test_what_is_lost_cut_or_doubtful_is_told() -> None:
    caveats = "\n".join(contents(small(), ran("runs/b", [2, 2], failed=1)).caveats)
    assert "Failed around the system, so not counted: 1 of 4 (B)." in caveats
    assert "Why samples of B failed: no reason is known (1)." in caveats
    assert "Verdicts that deserve a look (the filters below find them): 1 of 4 (A)." in caveats
    assert "The intervals cannot tell apart what differs by less than about " in caveats


def test_where_problems_are_from_is_told() -> None:
    unknown = {"kind": "dataset", "id": "some/set", "revision": "abcdef0123", "verified": False}
    caveats = "\n".join(
        [
            *contents(
                ran("runs/a", [1], sources={"sums": {"kind": "generated", "seed": 1}})
            ).caveats,
            *contents(ran("runs/b", [1], sources={"sums": unknown})).caveats,
        ]
    )
    assert "The problems of sums were generated" in caveats
    assert "Not verified to be the revision that others measure on: some/set at abcdef0." in caveats
    verified = contents(ran("runs/c", [1], sources={"sums": {**unknown, "verified": True}})).caveats
    assert "verified" not in "\n".join(verified)


def test_systems_that_were_not_asked_the_same_are_told_of() -> None:
    more = contents(ran("runs/a", [1, 1]), ran("runs/b", [1, 1, 1]))
    assert "they have 2 in common" in "\n".join(more.caveats)
    other = ran("runs/b", [1, 1])
    other = evaluation(
        "runs/b",
        [*other.samples.values()],
        [*other.grades.values()],
        {"sums": [problem(0), problem(1, "another question")]},
        k=2,
    )
    told = contents(ran("runs/a", [1, 1]), other)
    assert "1 problem of sums with the same id differ" in "\n".join(told.caveats)
    assert [row.difference for row in told.tasks[0].rows] == [None, None]


def test_problems_come_failures_first_and_those_that_nobody_got_before_others() -> None:
    told = contents(ran("runs/a", [2, 0, 1, 0]))
    assert [entry.problem.id for entry in told.tasks[0].entries] == ["p-1", "p-3", "p-2", "p-0"]
    assert [entry.number for entry in told.tasks[0].entries] == [0, 1, 2, 3]
    assert [entry.shares[0].level for entry in told.tasks[0].entries if entry.shares[0]] == [
        "none",
        "none",
        "half",
        "all",
    ]


def test_where_few_problems_have_all_samples_k_is_smaller() -> None:
    (row,) = contents(ran("runs/a", [2, 2, 2, 2], k=2, failed=1)).tasks[0].rows
    assert (row.k, row.at[-1].problems) == (2, 3)
    unfinished = ran("runs/a", [1, 1, 1], k=2)
    rows = [
        one for key, one in unfinished.samples.items() if key.sample == 0 or key.problem == "p-0"
    ]
    (row,) = contents(evaluation("runs/a", rows, [*unfinished.grades.values()], k=2)).tasks[0].rows
    assert row.k == 1


def test_tasks_are_pooled_where_there_are_several() -> None:
    told = contents(drawn("runs/a", 0.5, tasks={"sums": 3, "words": 2}, k=2))
    assert told.pooled is not None
    assert [part.name for part in told.tables] == ["sums", "words", "all tasks pooled"]
    assert told.pooled.rows[0].asked == 5
    assert contents(small()).pooled is None


def test_how_it_was_done_is_told_once_where_it_is_the_same() -> None:
    first, second = measure(
        [
            small(
                f"runs/{name}",
                system="x",
                model="tiny",
                settings={"n": number},
                prompts={"sums": {"template": "Add:\n{problem}"}},
            )
            for name, number in (("a", 1), ("b", 2))
        ]
    )
    ran_by = {"python": "3.11", "arguments": ["eval", "sums", "--set", "a b"]}
    told = contents_of([replace(first, environment=ran_by), second])
    assert {
        ("model", "tiny"),
        ("prompts.sums.template", "Add:\n{problem}"),
        ("grader of sums", "math 1"),
    } <= set(told.common)
    assert [dict(method.told)["settings.n"] for method in told.methods] == ["1", "2"]
    assert [method.command for method in told.methods] == [
        "forkjoin eval sums --set 'a b'",
        "",
    ]
    assert [system.name for system in told.systems] == ["x (a)", "x (b)"]
