"""What was published of recorded samples, found again by what ships: the graders, the votes and the figures.

The recordings are in ../shared/data, with a label of each sample; PROVENANCE.md there tells whose. Ours and theirs, and
why they differ (all samples; the tests grade a part of cr_math500, where most comparisons are math-verify's):

    gsm8k_6models   published .217 .390 .347 .563 .843 .805, ours .217 .390 .347 .563 .841 .805. 3 answers of 7,914 are
                    what a program prints, and not the last number of the sentence behind it.
    qwen25math      published .910 and 96 of 100 problems, ours .911 and 97: a label takes 10000 for another number than
                    10{,}000.
    nemo_math50     published .620 .740 .780, ours .700 .760 .840: labels know boxed answers only, and no units.
    game24          published 4.03 % and 49 of 100, 7.3 % and 33, 69 of 100 by the tree; ours are the same, sample by
                    sample.
    d1_countdown    published 54, 48, 40 of 256, ours 54, 49, 41: the labels' checker reads no \\div and no \\times.
    cr_math500      published .476 .522 .538 .576 .582 .618, ours of the recorded answers .480 .538 .538 .578 .608 .630,
                    of the texts of the first four .468 .526 .530 .572: the recorded answer often came from another call
                    than the text. Other differences are what programs print: 4.000000000000001, x**2, {east}; and the
                    letter of a choice with its text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from evals.estimates.measures import average_at, pass_at
from evals.estimates.trials import Trial
from evals.evaluation.evaluation import Evaluation
from evals.evaluation.figures import figures
from evals.evaluation.rows import Sample
from evals.grading.expression_grader import ExpressionGrader
from evals.grading.grader import Grader
from evals.grading.grading import grade_all, verdict
from evals.grading.math_grader import MathGrader
from evals.problem import Problem

TRACES = Path(os.environ.get("DATA") or Path(__file__).parents[3] / "shared" / "data") / "traces"
TASK = "recorded"
PART = 10
"""One in so many problems of cr_math500 is graded."""

pytestmark = pytest.mark.skipif(not TRACES.is_dir(), reason="the recordings are not there")

Row = Mapping[str, Any]
Said = Callable[[Row], Mapping[str, Any]]


def by_text(sample: Row) -> Mapping[str, Any]:
    return {"text": sample["text"]}


def by_answer(sample: Row) -> Mapping[str, Any]:
    return {"value": sample["answer"] or None}


@dataclass
class Graded:
    """A recording with what ours thinks of it: by problem and the number of a sample."""

    ours: Mapping[str, Sequence[bool]]
    labels: Mapping[str, Sequence[bool]]

    @property
    def others(self) -> set[tuple[str, int]]:
        """Samples that ours grades otherwise than their labels."""
        return {
            (problem, number)
            for problem, labels in self.labels.items()
            for number, label in enumerate(labels)
            if self.ours[problem][number] is not label
        }

    @property
    def counts(self) -> list[int]:
        """How many samples of each number are right."""
        return [sum(several) for several in zip(*self.ours.values(), strict=True)]

    @property
    def label_counts(self) -> list[int]:
        return [sum(several) for several in zip(*self.labels.values(), strict=True)]

    @property
    def solved(self) -> int:
        """How many problems have a sample that is right."""
        return sum(map(any, self.ours.values()))


def graded(
    rows: Sequence[Row], grader: Grader, said: Said = by_text, samples: str = "samples"
) -> Graded:
    ours: dict[str, list[bool]] = {}

    async def grade(row: Row) -> None:
        verdicts = [
            await verdict(grader, problem_of(row), made) for made in made_of(row, said, samples)
        ]
        ours[row["problem_id"]] = [one.correct for one in verdicts]

    async def grade_rows() -> None:
        async with anyio.create_task_group() as group:
            for row in rows:
                group.start_soon(grade, row)

    anyio.run(grade_rows)
    labels = {row["problem_id"]: [one["correct"] for one in row[samples]] for row in rows}
    return Graded(ours, labels)


def made_of(row: Row, said: Said = by_text, samples: str = "samples") -> list[Sample]:
    return [
        Sample(
            task=TASK,
            problem=row["problem_id"],
            sample=number,
            status="ok",
            score=sample.get("rm_score"),
            **said(sample),
        )
        for number, sample in enumerate(row[samples])
    ]


def problem_of(row: Row) -> Problem:
    numbers = row.get("numbers") or row["problem"].split()
    return Problem(
        id=row["problem_id"],
        problem=row["problem"],
        answer=str(row["gold"]),
        data={"numbers": numbers, "target": row["gold"]},
    )


def rows_of(name: str) -> list[Row]:
    lines = (TRACES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_gsm8k_of_six_models() -> None:
    came = graded(rows_of("gsm8k_6models"), MathGrader())
    assert [round(count / 1319, 3) for count in came.label_counts] == [
        *(0.217, 0.390, 0.347, 0.563),
        *(0.843, 0.805),
    ]
    # OpenAI's texts end with `A: 26`.
    assert came.counts[:4] == came.label_counts[:4]
    assert came.counts[4:] == pytest.approx(came.label_counts[4:], abs=3)
    assert len(came.others) <= 3
    assert came.solved == 1209


def test_qwen_math_with_a_reward_model() -> None:
    rows = rows_of("qwen25math_math100_8samples_rm")
    made = [sample for row in rows for sample in made_of(row)]
    ungraded = Evaluation(
        path=TRACES,
        configuration={"k": 8},
        problems={TASK: list(map(problem_of, rows))},
        samples={sample.key: sample for sample in made},
        grades={},
    )
    grades = anyio.run(grade_all, ungraded, {TASK: MathGrader()})
    labels = [sample["correct"] for row in rows for sample in row["samples"]]
    others = [
        grade.key for grade, label in zip(grades, labels, strict=True) if grade.correct is not label
    ]
    assert [key[1:] for key in others] == [("qwen-math100-72", 7)]
    assert sum(labels) / 800 == 0.910

    measured = figures(replace(ungraded, grades={grade.key: grade for grade in grades}))["tasks"][
        TASK
    ]
    assert measured["average"]["value"] == pytest.approx(729 / 800)
    # By the labels it is 96 problems: the one that a label is wrong of is right in no other sample.
    assert measured["oracle"]["value"] == pytest.approx(0.97)
    at = measured["at"][-1]
    assert at["k"] == 8
    votes = {name: at[name]["value"] for name in ("pass", "majority", "weighted")}
    assert votes == pytest.approx({"pass": 0.97, "majority": 0.925, "weighted": 0.95})


def test_the_best_by_a_reward_model_is_right_more_often_than_one_of_them() -> None:
    rows = rows_of("qwen25math_math100_8samples_rm")
    best = [max(row["samples"], key=lambda sample: sample["rm_score"]) for row in rows]
    kept = [{**row, "samples": [sample]} for row, sample in zip(rows, best, strict=True)]
    assert graded(kept, MathGrader()).counts == [95]


def test_nemo_math_with_texts_that_run_on() -> None:
    came = graded(rows_of("nemo_math50_3samples"), MathGrader())
    assert came.label_counts == [31, 37, 39]
    # What is not boxed has the label that it is wrong, and so has what is boxed with its unit or its equation.
    assert all(came.ours[problem][number] for problem, number in came.others)
    assert len(came.others) <= 8


@pytest.mark.parametrize(
    ("name", "accuracy", "best"),
    [
        ("tot_game24_gpt4_cot_100samples", 0.0403, 49),
        ("tot_game24_gpt4_io_100samples", 0.0734, 33),
    ],
)
def test_game24_of_hundred_samples(name: str, accuracy: float, best: int) -> None:
    came = graded(rows_of(name), ExpressionGrader())
    assert came.others == set()
    assert came.solved == best
    trials = [[Trial(correct=one, vote=None) for one in several] for several in came.ours.values()]
    assert sum(average_at(several, 1) for several in trials) / 100 == pytest.approx(accuracy)
    assert sum(pass_at(several, 100) for several in trials) == pytest.approx(best)


def test_game24_of_a_tree_of_thoughts() -> None:
    came = graded(rows_of("tot_game24_gpt4_bfs_tree"), ExpressionGrader(), samples="final")
    assert came.others == set()
    assert came.solved == 69


def test_countdown_of_a_diffusion_model() -> None:
    came = graded(rows_of("d1_countdown_llada_3lengths"), ExpressionGrader())
    assert came.label_counts == [54, 48, 40]
    assert came.others == {("countdown3-077", 1), ("countdown3-103", 2)}
    assert came.counts == [54, 49, 41]


def test_math500_of_six_methods_by_their_answers() -> None:
    rows = rows_of("cr_math500_gpt4_6methods")
    labels = [sum(row["samples"][number]["correct"] for row in rows) / 500 for number in range(6)]
    assert labels == [0.476, 0.522, 0.538, 0.576, 0.582, 0.618]
    came = graded(rows[::PART], MathGrader(), by_answer)
    assert came.counts == pytest.approx(came.label_counts, abs=1)
    assert len(came.others) <= 3


def test_math500_of_four_methods_by_their_texts() -> None:
    # Those of the others are programs, whose output is not recorded.
    rows = [
        {**row, "samples": row["samples"][:4]}
        for row in rows_of("cr_math500_gpt4_6methods")[::PART]
    ]
    came = graded(rows, MathGrader())
    assert came.counts == pytest.approx(came.label_counts, abs=2)
    assert len(came.others) <= 7
