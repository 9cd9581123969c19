from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engines import Usage
from evals import Evaluation
from evals.evaluation.graded_trials import trials_of
from tests.evals.evaluation.making_evaluations import evaluation
from training.evaluation.systems_table import (
    figures_of,
    is_valid,
    systems_table,
    threads_of,
    times_fewer,
)


def made(
    paths: dict[str, int], *, name: str = "one", answer: str = "1", tokens: int = 100
) -> Evaluation:
    """One sample of each problem, with so many tokens one after another."""
    found = evaluation({"sums": {problem: [answer] for problem in paths}}, name=name, k=1)
    samples = {
        key: sample.model_copy(
            update={
                "critical_path": paths[key.problem],
                "usage": Usage(prompt_tokens=1, generated_tokens=tokens),
            }
        )
        for key, sample in found.samples.items()
    }
    return replace(found, samples=samples)


def test_a_ratio_is_the_mean_of_the_ratios_of_the_problems_that_both_have() -> None:
    first, second = made({"a": 100, "b": 300, "c": 7}), made({"a": 50, "b": 100, "d": 9})
    found = times_fewer(
        trials_of(first, "sums"), trials_of(second, "sums"), lambda t: t.critical_path
    )
    assert found is not None
    assert found.value == pytest.approx((2 + 3) / 2)
    assert found.how.endswith("2 problems")


def test_systems_that_share_no_problem_have_no_ratio() -> None:
    first, second = trials_of(made({"a": 1}), "sums"), trials_of(made({"b": 1}), "sums")
    assert times_fewer(first, second, lambda trial: trial.critical_path) is None


def test_a_row_tells_what_a_system_gets_right_and_takes() -> None:
    first, second = made({"a": 100, "b": 200}), made({"a": 50, "b": 100}, name="two", answer="2")
    figures = figures_of(second, "sums", first)
    assert figures.fewer is not None
    assert (figures.right.value, figures.path.value, figures.fewer.value) == (0, 75, 2)
    assert (figures.problems, figures.samples, figures.k) == (2, 2, "1")
    assert figures_of(first, "sums", first).fewer is None


def test_a_sample_is_valid_that_ended_by_itself_and_that_nothing_is_said_against() -> None:
    (sample,) = made({"a": 1}).samples.values()
    assert is_valid(sample)
    assert not is_valid(sample.model_copy(update={"remark": "a tag was mended"}))
    assert not is_valid(sample.model_copy(update={"status": "truncated"}))


def test_threads_are_the_leaves_of_what_forked() -> None:
    leaf: dict[str, list[object]] = {"threads": []}
    (sample,) = made({"a": 1}).samples.values()
    assert threads_of(sample) == 0
    forked = sample.model_copy(update={"threads": [leaf, {"threads": [leaf, leaf]}]})
    assert threads_of(forked) == 3


def test_a_table_names_what_is_left_out() -> None:
    first = made({"a": 100})
    failed = evaluation({"sums": {"a": ["1"], "b": ["failed"]}}, name="two", k=1)
    nothing = evaluation({"others": {"a": ["1"]}}, name="three")
    table = systems_table("Sums", "sums", [first, failed, nothing])
    assert [row[0] for row in table.rows] == ["the system one", "the system two"]
    assert "Left out: 1 of 2 samples of the system two, which the engine failed." in table.notes
    assert "No graded samples: three." in table.notes
    assert any("of the system one over this one's" in note for note in table.notes)


def test_a_table_is_json_with_figures_as_numbers() -> None:
    table = systems_table("Sums", "sums", [made({"a": 100, "b": 200})])
    data = json.loads(json.dumps(table.to_json()))
    (system,) = data["data"]["systems"]
    assert (system["problems"], system["path"]["value"]) == (2, 150)
    assert system["right"]["low"] < 1 == system["right"]["high"]
    assert "150 (0-785)" in table.text
