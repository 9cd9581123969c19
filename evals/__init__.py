"""Measures systems on problems with known answers. The top layer."""

from __future__ import annotations

from .errors import DatasetUnavailable, ProblemFileError, UnreadableAnswer
from .estimates.estimate import Estimate
from .estimates.trials import Trial, Trials
from .evaluation.evaluating import begin_evaluation, resume_evaluation
from .evaluation.evaluation import Evaluation
from .evaluation.figures import figures
from .evaluation.reading import read_evaluation
from .evaluation.rows import Grade, Sample
from .evaluation.settings import EvaluationSettings
from .evaluation.systems import Plans, System, Thinks
from .grading.calls_grader import CallsGrader
from .grading.choice_grader import ChoiceGrader
from .grading.expression_grader import ExpressionGrader
from .grading.grader import Grader, Verdict
from .grading.grading import grade_all, verdict
from .grading.judge import Judge
from .grading.math_grader import MathGrader
from .grading.text_grader import TextGrader
from .problem import Problem
from .task import Dataset, Task
from .tasks.catalogue import TASKS, task_named
from .tasks.loading import Loaded, chosen, load

__all__ = [
    "TASKS",
    "CallsGrader",
    "ChoiceGrader",
    "Dataset",
    "DatasetUnavailable",
    "Estimate",
    "Evaluation",
    "EvaluationSettings",
    "ExpressionGrader",
    "Grade",
    "Grader",
    "Judge",
    "Loaded",
    "MathGrader",
    "Plans",
    "Problem",
    "ProblemFileError",
    "Sample",
    "System",
    "Task",
    "TextGrader",
    "Thinks",
    "Trial",
    "Trials",
    "UnreadableAnswer",
    "Verdict",
    "begin_evaluation",
    "chosen",
    "figures",
    "grade_all",
    "load",
    "read_evaluation",
    "resume_evaluation",
    "task_named",
    "verdict",
]
