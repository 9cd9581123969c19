"""Lessons on puzzles: searches in which a teacher takes good steps and bad ones, and says of each whether it leads on.

    all good steps, to the end           learnt; nobody judges them
    some good steps, some bad ones       judged: Yes or No
    some good steps, some bad ones       looked ahead, then judged

Each is a tree search like any other, but for its rule: it takes the steps of the lesson's tree. Steps are learnt where
all good ones stand side by side: a few of them, drawn anew each time, would drown the verdicts, of a token each, in
noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from engines import Choice, Context, Sampling
from evals.game24 import remaining
from reasoning import Check, Scorer
from reasoning.searching.rules.rule import Allocation
from reasoning.searching.tree import Frontier, Place

from ...lesson import Lesson, Said, asked_of
from .drawing import is_game24, practised
from .look_ahead import look_ahead
from .moves import within_reach
from .puzzle import Puzzle
from .search import JUDGED, LOOKED_AHEAD, free_steps, search
from .tree import Shape, tree_of
from .wording import asked

# More than a lesson has steps.
_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of lesson.

    Attributes:
        share: How many lessons are of it, beside those of the others.
        shape: Of its trees.
        scorer: Judges its steps; None where nobody does, and they are learnt.
        fits: Whether a puzzle may be asked.
    """

    share: float
    shape: Shape
    scorer: Scorer | None
    fits: Callable[[Puzzle], bool] = lambda puzzle: True


_TO_THE_END = Shape(good=1, bad=1, further_good=1, further_bad=1, followed=1, concluded=1, odd=0.08)
KINDS = (
    Kind(
        share=0.25,
        shape=Shape(good=12, bad=0, further_good=3, followed=6, concluded=1),
        scorer=None,
    ),
    # What the first move leaves is the hardest to judge, since it has to be known by heart: it is asked the most.
    Kind(share=0.5, shape=Shape(good=4, bad=4, odd=0.08), scorer=JUDGED, fits=is_game24),
    Kind(share=0.08, shape=_TO_THE_END, scorer=JUDGED),
    Kind(share=0.1, shape=Shape(good=1, bad=2), scorer=LOOKED_AHEAD),
    Kind(
        share=0.07,
        shape=Shape(good=1, bad=0, further_good=1, further_bad=1, followed=1),
        scorer=LOOKED_AHEAD,
    ),
)


@dataclass(frozen=True, slots=True)
class Games:
    """The Game of 24 and Countdown: steps, and whether they lead on."""

    def lesson(self, random: Random) -> Lesson:
        """A search of a puzzle that is not held out."""
        [kind] = random.choices(KINDS, [kind.share for kind in KINDS])
        return lesson_of(practised(random, kind.fits), kind, random)


def lesson_of(puzzle: Puzzle, kind: Kind, random: Random) -> Lesson:
    """A lesson of a kind on a puzzle."""
    steps = tree_of(puzzle, kind.shape, random)
    put = asked(puzzle, random)
    scorer = kind.scorer or Check(check=lambda answer: True)
    method = search(free_steps(), scorer, _Along(steps), _WIDTH, put.instruction)

    def reply(context: Context, sampling: Sampling) -> Said | str:
        *_, last = context.path.split("/")
        if not last.startswith("verify-"):
            step = steps[_place_of(context.path)]
            return step if kind.scorer is None else replace(step, learned=False)
        return verdict(puzzle, _judged(context), chosen=isinstance(sampling.constraint, Choice))

    return Lesson(solve=asked_of(method, put.question), reply=reply)


def verdict(puzzle: Puzzle, thought: str, *, chosen: bool) -> str:
    """What a perfect judge says of a thought: Yes or No where it has to choose, else what can still be made."""
    left = remaining(puzzle.left, thought)
    if not chosen:
        assert left is not None, thought
        return look_ahead([int(number) for number in left], puzzle.target)
    return "Yes" if left is not None and within_reach(left, puzzle.target) else "No"


@dataclass(frozen=True)
class _Along:
    """The rule that takes the steps of a tree, and no other."""

    steps: Mapping[Place, Said]
    children: Mapping[Place, int] = field(init=False)

    def __post_init__(self) -> None:
        children: dict[Place, int] = {}
        for *parent, _ in self.steps:
            children[tuple(parent)] = children.get(tuple(parent), 0) + 1
        object.__setattr__(self, "children", children)

    def select(self, frontier: Frontier, width: int) -> Allocation:
        places = [leaf.place for leaf in frontier.leaves]
        return Allocation(
            {place: self.children[place] for place in places if place in self.children}
        )


def _place_of(path: str) -> Place:
    """Where the step of a path stands."""
    parts = path.split("/")
    return tuple(int(part.removeprefix("step-")) for part in parts if part.startswith("step-"))


def _judged(context: Context) -> str:
    """The thought that a verdict is asked of: the model's first turn."""
    return next(turn.text for turn in context.turns if turn.role == "assistant")
