"""Methods think from a context to an answer; reducers make one answer of many. They know engines only."""

from __future__ import annotations

from .answer import Answer, Branch
from .best_of_n import BestOfN
from .catalogue import (
    METHODS,
    REDUCERS,
    SCORERS,
    STOPPING_RULES,
    choices,
    method_named,
    reducer_named,
    scorer_named,
    stopping_rule_named,
)
from .chain_of_thought import ChainOfThought
from .deepconf import DeepConf
from .equality import equal
from .errors import EqualityUnavailable, NoCandidates, UnknownName
from .extraction import extract_answer
from .forking.dialect import MULTIVERSE, THREADWEAVER, Dialect
from .forking.fork_join import ForkJoin
from .method import Method
from .parathinking.parathinker import ParaThinker
from .prompt_ensemble import PromptEnsemble
from .reducing.best import Best
from .reducing.majority import Majority
from .reducing.reducer import First, Reducer
from .reducing.selection import Select
from .reducing.synthesis import Synthesise
from .reducing.vote_first import VoteFirst
from .reducing.weighted import WeightedMajority
from .scoring.check import Check
from .scoring.confidence_scorer import ConfidenceScorer
from .scoring.remembered import Remembered
from .scoring.reward_model import RewardModel
from .scoring.scorer import Scorer, Scores
from .scoring.verifier import Verifier
from .self_consistency import SelfConsistency
from .think_budget import ThinkBudget
from .thread_tree import draw_threads, thread_data
from .voting.confidence import Confidence
from .voting.stopping import BetaPosterior, Certain, Never, StoppingRule, UnanimousWindow

__all__ = [
    "METHODS",
    "MULTIVERSE",
    "REDUCERS",
    "SCORERS",
    "STOPPING_RULES",
    "THREADWEAVER",
    "Answer",
    "Best",
    "BestOfN",
    "BetaPosterior",
    "Branch",
    "Certain",
    "ChainOfThought",
    "Check",
    "Confidence",
    "ConfidenceScorer",
    "DeepConf",
    "Dialect",
    "EqualityUnavailable",
    "First",
    "ForkJoin",
    "Majority",
    "Method",
    "Never",
    "NoCandidates",
    "ParaThinker",
    "PromptEnsemble",
    "Reducer",
    "Remembered",
    "RewardModel",
    "Scorer",
    "Scores",
    "Select",
    "SelfConsistency",
    "StoppingRule",
    "Synthesise",
    "ThinkBudget",
    "UnanimousWindow",
    "UnknownName",
    "Verifier",
    "VoteFirst",
    "WeightedMajority",
    "choices",
    "draw_threads",
    "equal",
    "extract_answer",
    "method_named",
    "reducer_named",
    "scorer_named",
    "stopping_rule_named",
    "thread_data",
]
