"""Arithmetic word problems: planned by LLMCompiler with calculators or without, and thought in one chain.

Each is said again in usual words first. A step that no tool does is a thread of its own. Bare arithmetic and questions
that follow an answer are planned too. Of each kind of situation some wordings, and some ways to put wordings together,
are held out, and with them names and things.
"""

from .lessons import PLANNED, WordProblems
from .task import TASK

__all__ = ["PLANNED", "SKILL", "TASK"]

SKILL = WordProblems()
