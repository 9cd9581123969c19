"""Measures systems on problems with known answers. The top layer."""

from __future__ import annotations

from .errors import ProblemFileError
from .estimates.trials import Trial, Trials
from .evaluation.evaluation import Evaluation
from .evaluation.rows import Grade, Sample
from .grading.grader import Grader, Verdict
from .problem import Problem
from .task import Dataset, Task

__all__ = [
    "Dataset",
    "Evaluation",
    "Grade",
    "Grader",
    "Problem",
    "ProblemFileError",
    "Sample",
    "Task",
    "Trial",
    "Trials",
    "Verdict",
]
