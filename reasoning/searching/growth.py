"""What belongs to the nodes of a search on the engine's side: contexts, thoughts and costs.

fork ─> step ─> thought so far ─> rewards, a step each ─> node

It knows no rules.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

from engines import Context, Engine, LedgerEngine, Outcome, PartwiseEngine, Usage, Waves

from ..answer import Answer, Branch
from ..cut_thread import cut_answer, cut_data
from ..scoring.aggregation import Aggregation, aggregate
from .stepping import Step, Stepper
from .tree import ROOT, Node, Place, State

_ENDED_FIRST = "the search ended before it"


@dataclass(slots=True, eq=False)
class Thought:
    """What a node is made of.

    Attributes:
        fork: Where its step began.
        parent: What it goes on from; None at the root.
        begun: The critical path when it began.
        ledger: The calls of its step; None once that has ended.
        usage: What its step cost, when it has ended.
        said: What its step says, or had said when it was cut; None while it runs, and where it failed.
        ended: Whether it came to its end.
        length: Tokens from the root to here.
        rewards: What the scorer gave for each step from the root to here.
        reason: Why it failed; empty if it did not.
    """

    fork: Context
    parent: Thought | None = None
    begun: int = 0
    ledger: LedgerEngine | None = None
    usage: Usage = Usage()
    said: Answer | None = None
    ended: bool = False
    length: int = 0
    rewards: tuple[float, ...] = ()
    reason: str = ""

    @property
    def context(self) -> Context:
        """Where it can go on."""
        return (self.said and self.said.context) or self.fork

    @property
    def critical_path(self) -> int:
        """Tokens that its step generated one after another."""
        return self.usage.generated_tokens if self.said is None else self.said.critical_path

    @property
    def whole(self) -> Answer:
        """All that was said from the root to here, for nothing: branches tell what it cost.

        Put together on demand, since what is kept of each node would grow with the square of the depth.
        """
        steps: list[Answer] = []
        thought: Thought | None = self
        while thought is not None:
            if thought.said is not None:
                steps.append(thought.said)
            thought = thought.parent
        steps.reverse()
        return replace(
            steps[-1],
            text="".join(step.text for step in steps),
            token_ids=tuple(chain.from_iterable(step.token_ids for step in steps)),
            usage=Usage(),
            critical_path=0,
            branches=(),
        )


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
        done: How many nodes came to an end of whatever kind.
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
        self.done = 0
        self._engine = engine
        self._stepper = stepper
        self._max_depth = max_depth
        self._max_tokens = max_tokens
        self._aggregation = aggregation
        self._cut = cut
        said = Answer(text="", context=prompt)
        self._thoughts: dict[Place, Thought] = {ROOT: Thought(prompt, said=said)}
        self._children: dict[Place, int] = {}

    def begin(self, children: Mapping[Place, int], waves: Waves[Step], critical_path: int) -> None:
        """Begins the steps of new children, in the order of their parents."""
        for parent in sorted(children):
            first = self._children.get(parent, 0)
            self._children[parent] = first + children[parent]
            thought = self._thoughts[parent]
            so_far = thought.whole.text
            for number in range(first, self._children[parent]):
                child = Thought(thought.context.fork(f"step-{number}"), thought, critical_path)
                self._thoughts[*parent, number] = child
                waves.begin(key_of((*parent, number)), self._step(child, so_far))

    def whole(self, place: Place) -> Answer:
        """All that was said from the root to a place, and why it is not more, should that be the answer."""
        thought = self._thoughts[place]
        return replace(
            thought.whole, limit=self._limit(place, thought) or f"{_ENDED_FIRST} came to an answer"
        )

    def take(self, outcomes: Mapping[Place, Outcome[Step]]) -> list[Place]:
        """Notes what became of steps; those that were taken are to be scored."""
        for place, outcome in outcomes.items():
            thought, step = self._thoughts[place], outcome.value
            if thought.ledger is not None:
                thought.usage, thought.ledger = thought.ledger.usage, None
            if step is None:
                thought.reason = outcome.reason
                self._add(Node(place=place, score=-math.inf, state="failed"))
            else:
                thought.said, thought.ended = step.said, step.ended
                thought.length += _length(step.said)
        return [place for place, outcome in outcomes.items() if outcome.value is not None]

    def score(self, places: Sequence[Place], rewards: Sequence[float]) -> list[Node]:
        """Makes nodes of steps that were taken; gives those that can go on, in the order of their places."""
        for place, reward in zip(places, rewards, strict=True):
            thought = self._thoughts[place]
            assert thought.said is not None
            assert thought.parent is not None
            thought.rewards = (*thought.parent.rewards, reward)
            self._add(
                Node(
                    place=place,
                    text=thought.said.text,
                    tokens=_length(thought.said),
                    score=_score(thought.rewards, self._aggregation),
                    state=self._state(place, thought),
                )
            )
        return [node for place in sorted(places) if (node := self.tree[place]).state == "open"]

    def ends(self, places: Sequence[Place]) -> int:
        """The critical path at the end of the last of these; 0 where there are none."""
        thoughts = [self._thoughts[place] for place in places]
        return max((thought.begun + thought.critical_path for thought in thoughts), default=0)

    async def leave(self, path: str) -> list[Place]:
        """Keeps what steps that were cut had said; gives their places.

        Args:
            path: The name of the decision that this is, since how far they were depends on time.
        """
        running = {key_of(p): t.ledger for p, t in self._thoughts.items() if t.ledger is not None}

        async def choose() -> dict[str, Any]:
            return {key: cut_data(_said_by(ledger)) for key, ledger in running.items()}

        if running:
            kept = await self._engine.decide(path, choose)
            for key in running:
                thought = self._thoughts[place_of(key)]
                thought.said, thought.ledger = cut_answer(kept[key]), None
                thought.usage = thought.said.usage
        return [place_of(key) for key in running]

    @property
    def usage(self) -> Usage:
        """What all steps cost, those that failed or were cut included."""
        return sum((thought.usage for thought in self._thoughts.values()), Usage())

    @property
    def lost(self) -> str:
        """How many steps failed, and the first cause; empty if none did."""
        failed = [place for place, node in self.tree.items() if node.state == "failed"]
        if not failed:
            return ""
        first = self._thoughts[min(failed)].reason
        return f"{len(failed)} of {len(self._thoughts) - 1} steps were lost, the first: {first}"

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The tree as branches of an answer."""
        children: dict[Place, list[Branch]] = {}
        # Children before their parents, and siblings in their order.
        for place in sorted(self._thoughts, key=lambda place: (-len(place), place)):
            if place:
                branch = self._branch(place, children.pop(place, []))
                children.setdefault(place[:-1], []).append(branch)
        return tuple(children.get(ROOT, []))

    def _step(self, thought: Thought, so_far: str) -> Callable[[], Awaitable[Step]]:
        assert thought.parent is not None
        thought.length = thought.parent.length
        thought.ledger = LedgerEngine(self._engine)
        # Of a call that is read whole and cut, nothing would be left.
        engine = PartwiseEngine(thought.ledger) if self._cut else thought.ledger
        room = self._max_tokens - thought.length
        return partial(self._stepper.step, thought.fork, engine, thought=so_far, room=room)

    def _add(self, node: Node) -> None:
        self.tree[node.place] = node
        self.done += node.state != "open"

    def _state(self, place: Place, thought: Thought) -> State:
        said = thought.said
        assert said is not None
        if thought.ended:
            return "exhausted" if said.truncated and said.value is None else "answered"
        return "exhausted" if self._limit(place, thought) else "open"

    def _limit(self, place: Place, thought: Thought) -> str:
        """What keeps a thought from going on, in words; empty if nothing of the search does."""
        if thought.ended:
            return thought.said.cut_by if thought.said is not None else ""
        if thought.length >= self._max_tokens:
            return f"it reached max_tokens={self._max_tokens}"
        if len(place) >= self._max_depth:
            return f"it reached max_depth={self._max_depth}"
        return "it fills the model's context" if self._fills_window(thought.context) else ""

    def _fills_window(self, context: Context) -> bool:
        window = self._engine.capabilities.window
        if window is None or not context.has_token_ids:
            return False
        return sum(len(node.segment.token_ids or ()) for node in context.lineage) >= window

    def _branch(self, place: Place, children: Sequence[Branch]) -> Branch:
        thought, node = self._thoughts[place], self.tree.get(place)
        said = replace(
            thought.said or Answer(text=""),
            usage=thought.usage,
            critical_path=thought.critical_path,
        )
        if node is not None and not thought.ended:
            # That a step went up to its own limit cut no thought.
            said = replace(said, truncated=False)
        elif node is not None and node.state == "answered" and said.value is None:
            said = replace(said, remark=said.remark or "it ended without a final answer")
        branch = partial(Branch, path=thought.fork.path, answer=said.after(children))
        if node is None:
            return branch(status="cancelled", reason=_ENDED_FIRST, timed_out=True)
        if node.state == "failed":
            return branch(status="failed", reason=thought.reason)
        scored = partial(branch, score=node.score)
        if node.state == "exhausted":
            return scored(status="truncated", reason=self._limit(place, thought))
        if node.state == "open" and not children:
            return scored(status="cancelled", reason="passed over")
        return scored(status="ok")


def key_of(place: Place) -> str:
    """A place as a text."""
    return "/".join(map(str, place))


def place_of(key: str) -> Place:
    """The place that a text stands for."""
    return tuple(map(int, key.split("/"))) if key else ROOT


def _length(said: Answer) -> int:
    """Tokens of a step; as many as were generated where there are no ids."""
    return len(said.token_ids) or said.usage.generated_tokens


def _score(rewards: Sequence[float], aggregation: Aggregation) -> float:
    """The score of a thought. One of whose steps the score is not known has none, unless only the last one counts."""
    if aggregation != "last" and -math.inf in rewards:
        return -math.inf
    score = aggregate(rewards, aggregation)
    # Infinity times nothing.
    return -math.inf if math.isnan(score) else score


def _said_by(ledger: LedgerEngine) -> Answer:
    """What a step had said when it was cut: that of the call that began last."""
    said = Answer(text="", usage=ledger.usage, critical_path=ledger.usage.generated_tokens)
    if not ledger.entries:
        return said
    return replace(said, text=ledger.entries[-1].text, token_ids=ledger.entries[-1].token_ids)
