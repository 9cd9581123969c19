"""Methods think from a context to an answer; reducers make one answer of many. They know engines only."""

from __future__ import annotations

from .answer import Answer, Branch
from .catalogue import METHODS, REDUCERS, method_named, reducer_named
from .chain_of_thought import ChainOfThought
from .equality import equal
from .errors import EqualityUnavailable, NoCandidates, UnknownName
from .extraction import extract_answer
from .method import Method
from .reducing.majority import Majority
from .reducing.reducer import First, Reducer
from .reducing.synthesis import Synthesise
from .self_consistency import SelfConsistency

__all__ = [
    "METHODS",
    "REDUCERS",
    "Answer",
    "Branch",
    "ChainOfThought",
    "EqualityUnavailable",
    "First",
    "Majority",
    "Method",
    "NoCandidates",
    "Reducer",
    "SelfConsistency",
    "Synthesise",
    "UnknownName",
    "equal",
    "extract_answer",
    "method_named",
    "reducer_named",
]
