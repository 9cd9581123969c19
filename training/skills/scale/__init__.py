"""SCALE on problems of a few steps: outlines, selection, how hard each step is, the steps; and all in one chain."""

from .skill import PLANNER, ScaleSkill
from .task import SCALE_PROBLEMS

SKILL = ScaleSkill()

__all__ = ["PLANNER", "SCALE_PROBLEMS", "SKILL"]
