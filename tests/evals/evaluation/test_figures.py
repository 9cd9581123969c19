from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from engines import Usage
from evals import Evaluation
from evals.evaluation.figures import figures
from evals.evaluation.graded_trials import pooled_trials, trials_of
from evals.evaluation.rows import Key
from tests.evals.evaluation.making_evaluations import evaluation

TWO_TASKS = evaluation(
    {
        "sums": {"a": ["1", "1", "2", None], "b": ["2", "2", "1", "3"]},
        "products": {"a": ["1", "1", "1", "1"]},
    }
)
UNEVEN = evaluation(
    {"sums": {"a": ["1", "1", "failed", "2"], "b": ["1", "ungraded", "1", "1"], "c": [], "d": ["1"] * 4}}
)  # fmt: skip


def scored(found: Evaluation, scores: Mapping[Key, float | None]) -> Evaluation:
    samples = {
        key: row.model_copy(update={"score": scores.get(key)}) for key, row in found.samples.items()
    }
    return replace(found, samples=samples)


def values(rows: list[dict[str, Any]], name: str) -> list[float]:
    return [round(row[name]["value"], 4) for row in rows]


def test_each_task_has_its_figures_and_all_have_theirs() -> None:
    found = figures(TWO_TASKS)
    assert (found["name"], found["system"], found["k"]) == ("run", "the system run", 4)
    sums, pooled = found["tasks"]["sums"], found["pooled"]
    assert [part["problems"] for part in (sums, pooled)] == [2, 3]
    assert sums["average"]["value"] == 3 / 8
    assert pooled["average"]["value"] == pytest.approx((0.5 + 0.25 + 1) / 3)
    assert pooled["average"]["low"] < pooled["average"]["value"] < pooled["average"]["high"]
    assert [row["k"] for row in sums["at"]] == [1, 2, 4]
    # Of four, two right ones are in five of six pairs, and one in three.
    assert values(sums["at"], "pass") == [0.375, round((5 / 6 + 3 / 6) / 2, 4), 1.0]
    # 1 1 2 -: the pairs 11 1- 1- are right, and of 12 12 half. 2 2 1 3: half of 21 21 13.
    assert values(sums["at"], "majority") == [0.375, round((4 / 6 + 1.5 / 6) / 2, 4), 0.5]
    assert sums["oracle"]["value"] == 1.0
    assert found["tasks"]["products"]["average"]["value"] == 1.0


def test_accuracy_stands_beside_what_it_takes() -> None:
    part = figures(TWO_TASKS)["tasks"]["sums"]
    # The samples of a problem take 10, 20, 30 and 40 tokens, half of them one after another.
    assert part["tokens"]["value"] == 25
    assert part["critical_path"]["value"] == 12.5
    assert [row["tokens"] for row in part["at"]] == [25, 50, 100]
    # The longest of two is 20 in one pair, 30 in two and 40 in three.
    assert [row["critical_path"] for row in part["at"]] == pytest.approx([12.5, 50 / 3, 20])
    assert [row["seconds"] for row in part["at"]] == pytest.approx([2.5, 10 / 3, 4])
    assert part["total"] == {
        **Usage(prompt_tokens=40, generated_tokens=200).model_dump(),
        "seconds": 20.0,
    }


def test_nothing_is_dropped_unseen() -> None:
    part = figures(UNEVEN)["tasks"]["sums"]
    counted = {
        name: part[name]
        for name in ("problems", "measured", "samples", "failed", "ungraded", "truncated")
    }
    assert counted == {
        "problems": 4,
        "measured": 3,
        "samples": 10,
        "failed": 1,
        "ungraded": 1,
        "truncated": 0,
    }
    assert part["average"]["value"] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert [(row["k"], row["problems"]) for row in part["at"]] == [(1, 3), (2, 3), (4, 1)]
    notes = "\n".join(part["notes"])
    assert "failed samples, left out until forkjoin eval --resume: 1" in notes
    assert "ungraded samples, left out until forkjoin grade: 1" in notes
    assert "problems without a graded sample, left out: c" in notes
    assert "fewer than 4 samples, left out where k is more than they have: a, b" in notes
    # What failed was paid for too.
    assert part["total"]["generated_tokens"] == 300


def test_reasons_that_differ_in_names_and_numbers_are_one_and_the_most_frequent_comes_first() -> (
    None
):
    found = evaluation({"sums": {"a": ["failed"] * 7}})
    reasons = ["busy", "no sample 'x/6' of 6", "gone", "no sample 'y/7' of 6", "busy", "busy", ""]
    samples = {
        key: row.model_copy(update={"reason": reason})
        for (key, row), reason in zip(found.samples.items(), reasons, strict=True)
    }
    told = figures(replace(found, samples=samples))["pooled"]["reasons"]
    assert told == [
        {"reason": "busy", "samples": 3},
        {"reason": "no sample 'x/6' of 6", "samples": 2},
        {"reason": "gone", "samples": 1},
    ]


def test_a_limit_and_warnings_are_counted() -> None:
    part = figures(TWO_TASKS)["pooled"]
    assert (part["truncated"], part["unanswered"], part["warnings"]) == (1, 1, {"cut": 1})


def test_votes_are_weighted_where_scores_are() -> None:
    key = Key("sums", "a", 0)
    small = evaluation({"sums": {"a": ["1", "2", "2", None]}})
    scores = {key: 0.9, key._replace(sample=1): 0.3, key._replace(sample=2): 0.4}
    part = figures(scored(small, scores))["tasks"]["sums"]
    # Whoever says nothing needs no score.
    assert values(part["at"], "weighted") == [0.25, 0.5, 1.0]
    assert values(part["at"], "majority")[-1] == 0.0
    unsure = figures(scored(small, {**scores, key: None}))["tasks"]["sums"]
    assert [row["weighted"] for row in unsure["at"]] == [None] * 3
    # Below 0 all weights are raised, as in the method that votes so.
    low = scored(small, {name: (score or 0) - 1 for name, score in scores.items()})
    assert [trial.weight for trial in trials_of(low, "sums")[0].trials] == pytest.approx(
        [0.6, 0.0, 0.1, None]
    )


def test_an_evaluation_without_samples_has_no_figures_and_says_so() -> None:
    found = figures(evaluation({"sums": {"a": [], "b": ["failed"]}, "none": {}}))
    part = found["tasks"]["sums"]
    assert (part["average"], part["oracle"], part["tokens"], part["at"]) == (None, None, None, [])
    assert part["notes"][-1] == "problems without a graded sample, left out: a, b"
    assert found["tasks"]["none"]["problems"] == 0
    assert figures(evaluation({}))["pooled"]["average"] is None


def test_figures_are_json_and_repeat() -> None:
    found = figures(UNEVEN)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert figures(UNEVEN) == found
    turned = replace(UNEVEN, problems={"sums": UNEVEN.problems["sums"][::-1]})
    assert figures(turned)["tasks"]["sums"]["at"] == found["tasks"]["sums"]["at"]


def test_pooled_problems_have_names_of_their_own() -> None:
    assert [one.problem for one in pooled_trials(TWO_TASKS)] == ["sums/a", "sums/b", "products/a"]
    assert [one.problem for one in trials_of(TWO_TASKS, "sums")] == ["a", "b"]
    assert [trial.vote for trial in trials_of(TWO_TASKS, "sums")[0].trials] == [0, 0, 2, None]


def test_drawn_votes_are_told() -> None:
    many = evaluation({"sums": {"a": ["1", "2", "1", "3"] * 5}}, k=20)
    rows = scored(many, dict.fromkeys(many.samples, 0.5))
    part = figures(rows)["tasks"]["sums"]
    assert part["notes"] == ["weighted votes at k = 4, 8, 16 are of 4,096 drawn choices"]
    assert values(part["at"], "weighted") == pytest.approx(values(part["at"], "majority"), abs=0.03)
