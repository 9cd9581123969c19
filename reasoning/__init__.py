"""Methods think from a context to an answer; reducers make one answer of many. They know engines only."""

from __future__ import annotations

from .answer import Answer, Branch
from .best_of_n import BestOfN
from .catalogue import (
    EMBEDDERS,
    METHODS,
    REDUCERS,
    RULES,
    SCORERS,
    STOPPING_RULES,
    choices,
    method_named,
    reducer_named,
    rule_named,
    scorer_named,
    stopping_rule_named,
)
from .chain_of_thought import ChainOfThought
from .collaborating.blackboard import Blackboard
from .collaborating.hogwild import Hogwild
from .collaborating.team import Team
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
from .scoring.noisy import Noisy
from .scoring.remembered import Remembered
from .scoring.reward_model import RewardModel
from .scoring.scorer import Scorer, Scores
from .scoring.step_logits import StepLogits
from .scoring.step_verifier import StepVerifier
from .scoring.verifier import Verifier
from .searching.embedding.embedder import Embedder
from .searching.embedding.hashed_ngrams import HashedNgrams
from .searching.embedding.mini_lm import MiniLM
from .searching.embedding.served_embedder import ServedEmbedder
from .searching.guided_steps import GuidedSteps
from .searching.lookahead import Lookahead
from .searching.rules.beam import Beam
from .searching.rules.dvts import Dvts
from .searching.rules.ets import Ets
from .searching.rules.independent import Independent
from .searching.rules.mcts import Mcts
from .searching.rules.particles import ParticleFilter
from .searching.rules.rebase import Rebase
from .searching.rules.rule import Allocation, SelectionRule
from .searching.stepping import ModelSteps, Step, Stepper
from .searching.tree import Frontier, Node
from .searching.tree_search import TreeSearch
from .self_consistency import SelfConsistency
from .think_budget import ThinkBudget
from .thread_tree import draw_threads, thread_data
from .voting.confidence import Confidence
from .voting.stopping import BetaPosterior, Certain, Never, StoppingRule, UnanimousWindow

__all__ = [
    "EMBEDDERS",
    "METHODS",
    "MULTIVERSE",
    "REDUCERS",
    "RULES",
    "SCORERS",
    "STOPPING_RULES",
    "THREADWEAVER",
    "Allocation",
    "Answer",
    "Beam",
    "Best",
    "BestOfN",
    "BetaPosterior",
    "Blackboard",
    "Branch",
    "Certain",
    "ChainOfThought",
    "Check",
    "Confidence",
    "ConfidenceScorer",
    "DeepConf",
    "Dialect",
    "Dvts",
    "Embedder",
    "EqualityUnavailable",
    "Ets",
    "First",
    "ForkJoin",
    "Frontier",
    "GuidedSteps",
    "HashedNgrams",
    "Hogwild",
    "Independent",
    "Lookahead",
    "Majority",
    "Mcts",
    "Method",
    "MiniLM",
    "ModelSteps",
    "Never",
    "NoCandidates",
    "Node",
    "Noisy",
    "ParaThinker",
    "ParticleFilter",
    "PromptEnsemble",
    "Rebase",
    "Reducer",
    "Remembered",
    "RewardModel",
    "Scorer",
    "Scores",
    "Select",
    "SelectionRule",
    "SelfConsistency",
    "ServedEmbedder",
    "Step",
    "StepLogits",
    "StepVerifier",
    "Stepper",
    "StoppingRule",
    "Synthesise",
    "Team",
    "ThinkBudget",
    "TreeSearch",
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
    "rule_named",
    "scorer_named",
    "stopping_rule_named",
    "thread_data",
]
