"""What belongs to the nodes of a search on the engine's side: contexts, thoughts and costs.

fork ─> step ─> thought so far ─> rewards, a step each ─> node

It knows no rules.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from engines import Context, Engine, LedgerEngine, Outcome, PartwiseEngine, Usage, Waves

from ..answer import Answer, Branch
from ..scoring.aggregation import Aggregation, aggregate
from ..scoring.scorer import Scores
from .stepping import Step, Stepper
from .tree import ROOT, Node, Place, State


@dataclass(slots=True)
class Thought:
    """What a node is made of.

    Attributes:
        fork: Where its step began.
        ledger: The calls of its step.
        begun: The critical path when it began.
        step: The step; None until it was taken, and where it failed.
        whole: All that was said from the root to here.
        rewards: What the scorer gave for each step from the root to here.
        reason: Why it failed; empty if it did not.
    """

    fork: Context
    ledger: LedgerEngine
    begun: int = 0
    step: Step | None = None
    whole: Answer = field(default_factory=lambda: Answer(text=""))
    rewards: tuple[float, ...] = ()
    reason: str = ""

    @property
    def context(self) -> Context:
        """Where it can go on."""
        return self.whole.context or self.fork


class Growth:
    """A tree that grows.

    Args:
        prompt: The root; it ends in the model's turn, which is empty.
        engine: Thinks.
        stepper: Takes the steps.
        max_depth: The most steps of a thought.
        max_tokens: The most tokens of a thought.
        aggregation: What makes the score of a thought of the rewards of its steps.
        cut: Whether steps may be cut while they run.

    Attributes:
        tree: The nodes that were scored, or failed.
    """

    def __init__(
        self,
        prompt: Context,
        engine: Engine,
        stepper: Stepper,
        *,
        max_depth: int,
        max_tokens: int,
        aggregation: Aggregation,
        cut: bool,
    ) -> None:
        self.tree: dict[Place, Node] = {ROOT: Node(place=ROOT)}
        self._engine = engine
        self._stepper = stepper
        self._max_depth = max_depth
        self._max_tokens = max_tokens
        self._aggregation = aggregation
        self._cut = cut
        root = Thought(prompt, LedgerEngine(engine), whole=Answer(text="", context=prompt))
        self._thoughts: dict[Place, Thought] = {ROOT: root}
        self._begun: dict[Place, int] = {}

    def begin(self, children: Mapping[Place, int], waves: Waves[Step], critical_path: int) -> None:
        """Starts the steps of new children, in the order of their parents."""
        for parent in sorted(children):
            first = self._begun.get(parent, 0)
            self._begun[parent] = first + children[parent]
            for number in range(first, self._begun[parent]):
                self._begin((*parent, number), waves, critical_path)

    def whole(self, place: Place) -> Answer:
        """All that was said from the root to a place."""
        return self._thoughts[place].whole

    def take(self, outcomes: Mapping[Place, Outcome[Step]]) -> list[Place]:
        """Notes what became of steps; those that were taken are to be scored."""
        for place, outcome in outcomes.items():
            thought = self._thoughts[place]
            if outcome.value is None:
                thought.reason = outcome.reason
                self.tree[place] = Node(place=place, score=-math.inf, state="failed")
            else:
                thought.step = outcome.value
                thought.whole = _joined(self._thoughts[place[:-1]].whole, outcome.value)
        return [place for place, outcome in outcomes.items() if outcome.value is not None]

    def score(self, places: Sequence[Place], rewards: Sequence[float]) -> list[Node]:
        """Makes nodes of steps that were taken; gives those that can go on, in the order of their places."""
        for place, reward in zip(places, rewards, strict=True):
            thought = self._thoughts[place]
            assert thought.step is not None
            thought.rewards = (*self._thoughts[place[:-1]].rewards, reward)
            self.tree[place] = Node(
                place=place,
                text=thought.step.said.text,
                tokens=thought.step.said.usage.generated_tokens,
                score=_score(thought.rewards, self._aggregation),
                state=self._state(place, thought),
            )
        return [node for place in sorted(places) if (node := self.tree[place]).state == "open"]

    @property
    def done(self) -> int:
        """How many nodes came to an end of whatever kind."""
        return sum(node.state != "open" for node in self.tree.values())

    def ends(self, places: Sequence[Place]) -> int:
        """The critical path at the end of the last of these."""
        thoughts = [self._thoughts[place] for place in places]
        return max(thought.begun + thought.ledger.usage.generated_tokens for thought in thoughts)

    @property
    def usage(self) -> Usage:
        """What all steps cost, those that failed or were cut included."""
        return sum((thought.ledger.usage for thought in self._thoughts.values()), Usage())

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The tree as branches of an answer."""
        children: dict[Place, list[Branch]] = {}
        # Children before their parents, and siblings in their order.
        for place in sorted(self._thoughts, key=lambda place: (-len(place), place)):
            if place:
                branch = self._branch(place, children.get(place, []))
                children.setdefault(place[:-1], []).append(branch)
        return tuple(children.get(ROOT, []))

    def _begin(self, place: Place, waves: Waves[Step], critical_path: int) -> None:
        parent = self._thoughts[place[:-1]]
        fork = parent.context.fork(f"step-{place[-1]}")
        ledger = LedgerEngine(self._engine)
        self._thoughts[place] = Thought(fork, ledger, begun=critical_path)
        engine = PartwiseEngine(ledger) if self._cut else ledger
        spent = parent.whole.usage.generated_tokens
        step = partial(
            self._stepper.step,
            fork,
            engine,
            thought=parent.whole.text,
            room=self._max_tokens - spent,
        )
        waves.begin(key_of(place), step)

    def _state(self, place: Place, thought: Thought) -> State:
        assert thought.step is not None
        if thought.step.ended:
            return "answered"
        window = self._engine.capabilities.window
        full = thought.whole.usage.generated_tokens >= self._max_tokens or (
            window is not None
            and thought.context.has_token_ids
            and len(thought.context.token_ids) >= window
        )
        return "exhausted" if full or len(place) >= self._max_depth else "open"

    def _branch(self, place: Place, children: Sequence[Branch]) -> Branch:
        thought, node = self._thoughts[place], self.tree.get(place)
        usage = thought.ledger.usage
        said = thought.step.said if thought.step else Answer(text="")
        said = replace(said, usage=usage, critical_path=usage.generated_tokens, branches=())
        answer = said.after(children) if children else said
        branch = partial(Branch, path=thought.fork.path, answer=answer)
        if node is None:
            return branch(status="cancelled", reason="the search ended before it")
        if node.state == "failed":
            return branch(status="failed", reason=thought.reason)
        scored = partial(branch, score=node.score)
        if node.state == "exhausted":
            return scored(status="truncated", reason="it is as long as allowed")
        if node.state == "open" and not children:
            return scored(status="cancelled", reason="others were chosen")
        return scored(status="ok")


def key_of(place: Place) -> str:
    """A place as a text."""
    return "/".join(map(str, place))


def place_of(key: str) -> Place:
    """The place that a text stands for."""
    return tuple(map(int, key.split("/"))) if key else ROOT


def unscored(places: Sequence[Place], reason: str) -> Scores:
    """Scores of steps that could not be scored: all the same."""
    return Scores(values=(-math.inf,) * len(places), remark=f"steps were not scored: {reason}")


def _score(rewards: tuple[float, ...], aggregation: Aggregation) -> float:
    score = aggregate(rewards, aggregation)
    # Minus infinity times nothing.
    return -math.inf if math.isnan(score) else score


def _joined(before: Answer, step: Step) -> Answer:
    """The thought with its next step."""
    said = step.said
    return Answer(
        text=before.text + said.text,
        value=said.value,
        token_ids=(*before.token_ids, *said.token_ids),
        context=said.context,
        usage=before.usage + said.usage,
        critical_path=before.critical_path + said.critical_path,
        truncated=said.truncated,
        limited_by=said.limited_by,
    )
