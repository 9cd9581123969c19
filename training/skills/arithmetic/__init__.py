"""Nested operations on small numbers, as in the task `arithmetic` of `evals`: the innermost first, one at a time.

(13-4)*(2+3) ─> 13-4=9 ─> 9*(2+3) ─> 2+3=5 ─> 9*5=45
"""

from .lessons import Arithmetic, lesson_of
from .task import TASK

__all__ = ["SKILL", "TASK", "Arithmetic", "lesson_of"]

SKILL = Arithmetic()
"""Nested operations: in one chain, and two brackets in threads."""
