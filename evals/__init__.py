"""Measures systems on problems with known answers. The top layer."""

from __future__ import annotations

from .errors import ProblemFileError
from .grading import Grade, grade
from .problem import Problem, read_problems

__all__ = ["Grade", "Problem", "ProblemFileError", "grade", "read_problems"]
