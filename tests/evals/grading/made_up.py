"""Evaluations for tests of grading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.evaluation.evaluation import Evaluation
from evals.evaluation.rows import Grade, Sample
from evals.problem import Problem

PROBLEM = Problem(id="p", problem="How much?", answer="42")


def sample_of(text: str, number: int = 0, **rest: Any) -> Sample:
    return Sample(
        **{"task": "t", "problem": "p", "sample": number, "status": "ok", **rest}, text=text
    )


def evaluation_of(
    samples: Sequence[Sample],
    problems: Mapping[str, Sequence[Problem]] | None = None,
    grades: Sequence[Grade] = (),
    path: Path = Path("runs/e"),
) -> Evaluation:
    return Evaluation(
        path=path,
        configuration={},
        problems=problems or {"t": [PROBLEM]},
        samples={sample.key: sample for sample in samples},
        grades={grade.key: grade for grade in grades},
    )
