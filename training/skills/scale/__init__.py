"""SCALE on problems of a few steps: outlines, their selection, how hard each step is, and the steps."""

from .skill import PLANNER, ScaleSkill
from .task import SCALE_PROBLEMS

SKILL = ScaleSkill()

__all__ = ["PLANNER", "SCALE_PROBLEMS", "SKILL"]
