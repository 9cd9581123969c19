"""What can be named on a command line or in a plan: methods, and the parts of which they are made.

Each is made with the sampling that is given, which everything inside of it that asks the model gets too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from engines import Sampling

from .best_of_n import BestOfN
from .chain_of_thought import ChainOfThought
from .collaborating.blackboard import Blackboard
from .collaborating.hogwild import Hogwild
from .deepconf import DeepConf
from .errors import UnknownName
from .forking.dialect import MULTIVERSE, THREADWEAVER
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
from .scoring.confidence_scorer import ConfidenceScorer
from .scoring.noisy import Noisy
from .scoring.reward_model import RewardModel
from .scoring.scorer import Scorer
from .scoring.step_logits import StepLogits
from .scoring.step_verifier import StepVerifier
from .scoring.verifier import Verifier
from .searching.embedding.embedder import Embedder
from .searching.embedding.hashed_ngrams import HashedNgrams
from .searching.embedding.mini_lm import MiniLM
from .searching.embedding.served_embedder import ServedEmbedder
from .searching.lookahead import Lookahead
from .searching.rules.beam import Beam
from .searching.rules.dvts import Dvts
from .searching.rules.ets import Ets
from .searching.rules.independent import Independent
from .searching.rules.mcts import Mcts
from .searching.rules.particles import ParticleFilter
from .searching.rules.rebase import Rebase
from .searching.rules.rule import SelectionRule
from .searching.stepping import ModelSteps
from .searching.tree_search import TreeSearch
from .self_consistency import SelfConsistency
from .think_budget import ThinkBudget
from .voting.stopping import BetaPosterior, Certain, Never, StoppingRule, UnanimousWindow

T = TypeVar("T")
Catalogue = Mapping[str, Callable[[Sampling], T]]


def _searching(rule: str) -> Callable[[Sampling], Method]:
    """Tree search by a rule."""
    return lambda sampling: TreeSearch(
        rule=RULES[rule](sampling),
        scorer=StepVerifier(sampling=sampling),
        stepper=ModelSteps(sampling=sampling),
        max_tokens=sampling.max_tokens,
    )


METHODS: Catalogue[Method] = {
    "chain-of-thought": lambda sampling: ChainOfThought(sampling=sampling),
    "self-consistency": lambda sampling: SelfConsistency(method=ChainOfThought(sampling=sampling)),
    "best-of-n": lambda sampling: BestOfN(
        method=ChainOfThought(sampling=sampling), scorer=Verifier(sampling=sampling)
    ),
    "parathinker": lambda sampling: ParaThinker(
        method=ChainOfThought(sampling=sampling), reducer=Synthesise(sampling=sampling)
    ),
    "multiverse": lambda sampling: ForkJoin(dialect=MULTIVERSE, sampling=sampling),
    "threadweaver": lambda sampling: ForkJoin(dialect=THREADWEAVER, sampling=sampling),
    "deepconf": lambda sampling: DeepConf(sampling=sampling),
    "think-budget": lambda sampling: ThinkBudget(
        sampling=sampling, max_thinking=sampling.max_tokens
    ),
    "prompt-ensemble": lambda sampling: PromptEnsemble(
        method=ChainOfThought(sampling=sampling), sampling=sampling
    ),
    "hogwild": lambda sampling: Hogwild(sampling=sampling),
    "blackboard": lambda sampling: Blackboard(sampling=sampling),
    **{name: _searching(name) for name in ("beam", "dvts", "rebase", "ets", "particles", "mcts")},
}

REDUCERS: Catalogue[Reducer] = {
    "first": lambda sampling: First(),
    "majority": lambda sampling: Majority(),
    "weighted": lambda sampling: WeightedMajority(scorer=Verifier(sampling=sampling)),
    "best": lambda sampling: Best(scorer=Verifier(sampling=sampling)),
    "select": lambda sampling: Select(sampling=sampling),
    "synthesise": lambda sampling: Synthesise(sampling=sampling),
    "vote-first": lambda sampling: VoteFirst(otherwise=Synthesise(sampling=sampling)),
}

SCORERS: Catalogue[Scorer] = {
    "confidence": lambda sampling: ConfidenceScorer(),
    "verifier": lambda sampling: Verifier(sampling=sampling),
    "reward-model": lambda sampling: RewardModel(),
    "step-verifier": lambda sampling: StepVerifier(sampling=sampling),
    "step-logits": lambda sampling: StepLogits(),
    "lookahead": lambda sampling: Lookahead(
        scorer=StepVerifier(sampling=sampling), stepper=ModelSteps(sampling=sampling)
    ),
    "noisy": lambda sampling: Noisy(scorer=StepVerifier(sampling=sampling)),
}

RULES: Catalogue[SelectionRule] = {
    "independent": lambda sampling: Independent(),
    "beam": lambda sampling: Beam(),
    "dvts": lambda sampling: Dvts(),
    "rebase": lambda sampling: Rebase(),
    "ets": lambda sampling: Ets(),
    "particles": lambda sampling: ParticleFilter(seed=sampling.seed or 0),
    "mcts": lambda sampling: Mcts(),
}

EMBEDDERS: Catalogue[Embedder] = {
    "hashed-ngrams": lambda sampling: HashedNgrams(),
    "minilm": lambda sampling: MiniLM(),
    "server": lambda sampling: ServedEmbedder(),
}

STOPPING_RULES: Catalogue[StoppingRule] = {
    "never": lambda sampling: Never(),
    "certain": lambda sampling: Certain(),
    "adaptive": lambda sampling: UnanimousWindow(),
    "beta": lambda sampling: BetaPosterior(),
}


def method_named(name: str, sampling: Sampling) -> Method:
    """The method called `name`, sampling so.

    Raises:
        UnknownName: No method is called so.
    """
    return _found("method", METHODS, name)(sampling)


def reducer_named(name: str, sampling: Sampling) -> Reducer:
    """The reducer called `name`, sampling so where it asks the model.

    Raises:
        UnknownName: No reducer is called so.
    """
    return _found("reducer", REDUCERS, name)(sampling)


def scorer_named(name: str, sampling: Sampling) -> Scorer:
    """The scorer called `name`, sampling so where it asks the model.

    Raises:
        UnknownName: No scorer is called so.
    """
    return _found("scorer", SCORERS, name)(sampling)


def rule_named(name: str) -> SelectionRule:
    """The selection rule of a search called `name`.

    Raises:
        UnknownName: No rule is called so.
    """
    return _found("rule", RULES, name)(Sampling())


def stopping_rule_named(name: str) -> StoppingRule:
    """The stopping rule called `name`.

    Raises:
        UnknownName: No stopping rule is called so.
    """
    return _found("stopping rule", STOPPING_RULES, name)(Sampling())


def choices(sampling: Sampling) -> Mapping[Any, Callable[[str, Any], Any]]:
    """What can be named as a part of a configuration, by the type of the field, as `engines.configured` takes it.

    What is chosen samples as what it replaces does, or as is given here where that samples nothing.
    """

    def choosing(kind: str, catalogue: Catalogue[T]) -> Callable[[str, Any], T]:
        return lambda name, held: _found(kind, catalogue, name)(sampling_of(held) or sampling)

    return {
        Method: choosing("method", METHODS),
        Reducer: choosing("reducer", REDUCERS),
        Scorer: choosing("scorer", SCORERS),
        StoppingRule: choosing("stopping rule", STOPPING_RULES),
        SelectionRule: choosing("rule", RULES),
        Embedder: choosing("embedder", EMBEDDERS),
    }


def sampling_of(thing: object) -> Sampling | None:
    """How a configuration samples: itself, or else the first of its parts that does; None where nothing does.

    >>> sampling_of(SelfConsistency(method=ChainOfThought(sampling=Sampling(seed=5)))).seed
    5
    """
    if isinstance(thing, Sampling):
        return thing
    if not is_dataclass(thing):
        return None
    own = getattr(thing, "sampling", None)
    parts = (sampling_of(getattr(thing, field.name)) for field in fields(thing))
    return own or next(filter(None, parts), None)


def _found(kind: str, catalogue: Catalogue[T], name: str) -> Callable[[Sampling], T]:
    if name not in catalogue:
        raise UnknownName(kind, name, catalogue)
    return catalogue[name]
