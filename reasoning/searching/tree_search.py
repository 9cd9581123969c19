"""Tree search over steps of thought: expand, score, select; what is not selected is left.

question ─┬─ step ─┬─ step ─ ...        rule: which leaves grow, and how many children each gets
          │        └─ step
          ├─ step    (passed over)
          └─ step ─── step ─> answer ─┐
                                      └─> vote of the answers, weighted by their scores
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engines import (
    All,
    BudgetExhausted,
    Context,
    Deadline,
    Engine,
    ForkjoinError,
    Fraction,
    JoinPolicy,
    LedgerEngine,
    Outcome,
    RunError,
    Usage,
    UsageError,
    Waves,
    converse,
    join_in_waves,
)

from ..answer import Answer
from ..branching import counted, require_width
from ..chain_of_thought import INSTRUCTION
from ..equality import Equality, equal
from ..errors import NoCandidates
from ..scoring.aggregation import Aggregation
from ..scoring.reading_logprobs import with_logprobs_for
from ..scoring.scorer import Scorer, Scores, require_ready, scores_of
from ..scoring.step_verifier import StepVerifier
from .budget_watch import BudgetWatch
from .growth import Growth, key_of, place_of
from .last_vote import elected
from .remarks import Remarks
from .rules.rebase import Rebase
from .rules.rule import Allocation, SelectionRule
from .selecting import selected
from .stepping import CheckedStepper, ModelSteps, Step, Stepper
from .tree import ROOT, Frontier, Node, Place

# An answer's branches stand in each other as deep, and what reads them calls itself as often.
_MOST_DEPTH = 200


@dataclass(frozen=True, kw_only=True)
class TreeSearch:
    """Grows a tree of steps. Which leaves grow is the rule's choice; all else is the same for all rules.

    In barrier mode, the default, each wave waits for all of its steps (the papers' behaviour). With a fraction below 1
    or a deadline, leaves are selected as soon as so many of a wave's steps were taken. Late ones hold nothing up: each
    joins a later wave. The smaller the fraction, the less there is to choose from each time.

    Attributes:
        rule: Shares children out among the leaves.
        scorer: How good a thought is after each step.
        stepper: Takes a step.
        width: The most steps at once, 1 to 10,000. What has come to an end takes one off.
        max_depth: The most steps of a thought, 1 to 200.
        max_tokens: The most tokens of a thought.
        aggregation: What makes the score of a thought of the rewards of its steps: the `last`, `min`, `mean` or `prod`.
        fraction: The share of its steps that a wave waits for, above 0, at most 1.
        deadline: The most seconds that a wave waits; None waits as long as it takes. If nothing ends by then, neither
            steps of the wave nor late ones, the search ends, and what runs is aborted.
        instruction: What is added to the user's turn.
        equality: Tells whether two answers are the same.
    """

    rule: SelectionRule = Rebase()
    scorer: Scorer = StepVerifier()
    stepper: Stepper = ModelSteps()
    width: int = 16
    max_depth: int = 25
    max_tokens: int = 2048
    aggregation: Aggregation = "last"
    fraction: float = 1.0
    deadline: float | None = None
    instruction: str = INSTRUCTION
    equality: Equality = field(default=equal, repr=False)

    def __post_init__(self) -> None:
        """Refuses to search without width, depth or time, and parts that are not ready."""
        require_width(self.width, "a search with width={}")
        for name in ("max_depth", "max_tokens"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"a search with {name}={getattr(self, name)}: at least 1 is needed"
                )
        if self.max_depth > _MOST_DEPTH:
            raise UsageError(
                f"a search with max_depth={self.max_depth}: at most {_MOST_DEPTH} steps fit into one answer"
            )
        require_ready(self.scorer)
        embedder = getattr(self.rule, "embedder", None)
        if problem := getattr(embedder, "problem", ""):
            raise UsageError(problem)
        _require_part("rule", self.rule, "select", "Rebase()")
        _require_part("scorer", self.scorer, "score", "StepVerifier()")
        _require_part("stepper", self.stepper, "step", "ModelSteps()")
        _ = self._policy

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Searches from the question to a vote of the answers that were found.

        Raises:
            NoCandidates: No step was taken.
            ForkjoinError: The scorer scored nothing of the first wave: whatever it raised.
        """
        prompt = await converse(
            engine, [("user", self.instruction), ("assistant", "")], after=context
        )
        search = _Search(self, context, prompt, engine)
        await search.run()
        return await search.answer()

    @property
    def _policy(self) -> JoinPolicy:
        policy: JoinPolicy = All() if self.fraction == 1 else Fraction(self.fraction)
        return policy if self.deadline is None else Deadline(self.deadline, policy)


class _Search:
    """One search at work."""

    def __init__(
        self, options: TreeSearch, context: Context, prompt: Context, engine: Engine
    ) -> None:
        self._options = options
        self._context = context
        self._prompt = prompt
        self._engine = engine
        self._policy = options._policy
        self._steps_watch = BudgetWatch(engine)
        self._growth = Growth(
            prompt,
            with_logprobs_for(options.scorer, self._steps_watch),
            CheckedStepper(options.stepper),
            max_depth=options.max_depth,
            max_tokens=options.max_tokens,
            aggregation=options.aggregation,
            cut=not isinstance(self._policy, All),
        )
        self._critical_path = 0
        self._scoring = Usage()
        self._scored = self._unscored = 0
        self._why_unscored = ""
        self._remarks = Remarks()

    async def run(self) -> None:
        async with join_in_waves(self._engine, self._prompt.path) as waves:
            await self._grow(waves)
        cut = await self._growth.leave(f"{self._prompt.path}#left")
        # Steps are left only where a deadline passed: until then they were waited for.
        self._critical_path = max(self._critical_path, self._growth.ends(cut))

    async def answer(self) -> Answer:
        answer = await elected(self._growth, self._options.equality)
        self._remarks.add(self._growth.lost)
        if self._unscored:
            self._remarks.add(
                f"{counted(self._unscored, 'steps')} not scored, the first: {self._why_unscored}"
            )
        if answer is None:
            why = str(self._remarks) or f"{type(self._options.rule).__name__} chose none"
            raise NoCandidates(f"no step was taken: {why}", self._growth.branches)
        self._remarks.add(answer.remark)
        return replace(
            answer,
            usage=self._growth.usage + self._scoring,
            critical_path=self._critical_path,
            remark=str(self._remarks),
            branches=self._growth.branches,
        )

    async def _grow(self, waves: Waves[Step]) -> None:
        """Selects, expands and scores, until nothing runs and nothing grows."""
        leaves: Sequence[Node] = (self._growth.tree[ROOT],)
        for number in itertools.count():
            width = self._options.width - self._growth.done - len(waves.in_flight)
            if width > 0:
                in_flight = [place_of(key) for key in waves.in_flight]
                frontier = Frontier(leaves, self._growth.tree, in_flight=in_flight)
                allocation = await self._select(frontier, width, number)
                self._growth.begin(allocation.children, waves, self._critical_path)
                self._remarks.add(allocation.remark)
            if not waves.in_flight:
                return
            ended = await waves.next(self._policy)
            if not ended:
                self._remarks.add(
                    f"no step ended within {self._policy.seconds:g} s: give deadline more"
                )
                return
            leaves = await self._take({place_of(key): o for key, o in ended.items()}, number)

    async def _select(self, frontier: Frontier, width: int, number: int) -> Allocation:
        """What grows; kept by a journal, since embedders and solvers may not say the same twice.

        What there was to choose from is kept for whoever looks at the search.
        """

        async def choose() -> list[Any]:
            allocation = await selected(self._options.rule, frontier, width)
            chosen = [[key_of(place), int(n)] for place, n in sorted(allocation.children.items())]
            leaves = [[key_of(leaf.place), _known(leaf.score)] for leaf in frontier.leaves]
            return [chosen, allocation.remark, leaves]

        name = f"{self._prompt.path}#select-{number}"
        # Older journals do not have the leaves.
        chosen, remark, *_ = await self._engine.decide(name, choose)
        return Allocation({place_of(key): n for key, n in chosen}, remark)

    async def _take(self, outcomes: Mapping[Place, Outcome[Step]], number: int) -> Sequence[Node]:
        """Scores a wave; gives what can go on of it."""
        taken = self._growth.take(outcomes)
        if number == 0 and self._steps_watch.refused:
            self._remarks.add(
                f"the budget has no room for width={self._options.width}: give it more, or a smaller width"
            )
        scores = await self._score(taken, number)
        end = self._growth.ends(list(outcomes)) + scores.critical_path
        self._critical_path = max(self._critical_path, end)
        return self._growth.score(taken, scores.values)

    async def _score(self, places: Sequence[Place], number: int) -> Scores:
        """The rewards of the last steps of thoughts; a scorer that fails guides nothing, and loses nothing.

        One that never scored anything ends the search, lest all is paid for a search that nothing guides: what was said
        is in the journal. Where a budget refused it, there is no more to pay, and what there is is the answer.
        """
        if not places:
            return Scores(values=())
        watch = BudgetWatch(self._engine)
        ledger = LedgerEngine(watch)
        candidates = [self._growth.whole(place) for place in places]
        context = self._context.fork(f"wave-{number}")
        try:
            scores = await scores_of(self._options.scorer, candidates, context, ledger)
            self._scored += len(places)
        except (RunError, UsageError):
            raise
        except ForkjoinError as error:
            if not self._scored and not (watch.refused or isinstance(error, BudgetExhausted)):
                raise
            self._unscored += len(places)
            self._why_unscored = self._why_unscored or str(error)
            scores = Scores(values=(-math.inf,) * len(places))
        self._scoring += ledger.usage
        self._remarks.add(scores.remark)
        return scores


def _known(score: float) -> float | None:
    """A score as JSON data, in which no number is infinite."""
    return score if math.isfinite(score) else None


def _require_part(name: str, part: object, does: str, example: str) -> None:
    """Refuses a part that is given by its name, or as a class: it would fail in the middle of a search."""
    if isinstance(part, type) or not callable(getattr(part, does, None)):
        raise UsageError(
            f"{name}={part!r} has no method {does!r}: give an object, such as {example}"
        )
