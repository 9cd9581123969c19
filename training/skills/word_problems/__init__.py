"""Arithmetic word problems: planned by LLMCompiler with calculators, and thought in one chain.

Of each kind of situation some wordings, and some ways to put wordings together, are held out, and with them names and
things.
"""

from .lessons import CHAINED, PLANNED, SHOWN, WordProblems
from .task import TASK

__all__ = ["CHAINED", "PLANNED", "SHOWN", "SKILL", "TASK"]

SKILL = WordProblems()
