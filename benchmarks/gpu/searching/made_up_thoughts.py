"""Thoughts that are made up, so that a search of them takes the same way on every model, and a real engine writes them.

    place ─> meaning ─┬─> length ─> as many tokens of the model's own ─> KV cache
                      ├─> right or wrong ─> reward, with noise ─> scorer
                      └─> vector ─> embedder

What a step is follows from the problem and from its place in the tree, not from what the model says. Its text is a
mark that says it all; its ids are the model's. Steps are as much alike as those of recorded samples, 8 for each of 100
problems of MATH (`qwen25math_math100_8samples_rm` of the benchmark data), cut at blank lines. Which of them say the
same, `hashed-ngrams` told at ETS's distance of 0.05:

- of 8 first steps 2.2 are different, of 8 later ones 3.6 to 3.9;
- the logarithm of their lengths has the mean 3.73 (42 tokens) and deviations of 0.43 between the depths of problems, of
  0.59 between what is said at one depth, and of 0.07 between steps that say the same.

Of rewards there is no such record: see `World`.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Self

from benchmarks.game24.meaning import worded
from engines import STREAMED, Context, Engine
from reasoning import Answer
from reasoning.searching.stepping import Step

from ..calls import exactly

if TYPE_CHECKING:
    import numpy as np

# Of a Chinese restaurant process that has as many tables as there are different steps among 8.
_FIRST_CONCENTRATION, _LATER_CONCENTRATION = 0.6, 2.3
# What lies beyond is less than a thousandth.
_MOST_MEANINGS = 40
_LOG_TOKENS = 3.73
_BETWEEN_PLACES, _BETWEEN_MEANINGS, _BETWEEN_STEPS = 0.43, 0.59, 0.07
_LEAST_TOKENS = 8
# As in `benchmarks.search_waves`.
_KEEPS_RIGHT = 0.65
_RIGHT, _WRONG = 0.65, 0.5
_MARK = re.compile(r"<(\w+) (right|wrong) ([\d.]+) (\d+)>")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a step is; printed, it is the mark that the step's text is made of.

    Attributes:
        meaning: Steps of one problem that say the same have the same.
        right: Whether the thought is, up to here.
        reward: What a process reward model would say of it, from 0 to 1.
        tokens: How long it is.
    """

    meaning: str
    right: bool
    reward: float
    tokens: int

    def __str__(self) -> str:
        return (
            f"<{self.meaning} {'right' if self.right else 'wrong'} {self.reward:.4f} {self.tokens}>"
        )

    @classmethod
    def all_in(cls, text: str) -> list[Self]:
        """Those of the steps that a text is made of."""
        return [
            cls(meaning, right == "right", float(reward), int(tokens))
            for meaning, right, reward, tokens in _MARK.findall(text)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Says what each step of each problem is.

    A meaning that follows right ones is right with a probability of 0.65, and one that follows a wrong one never. The
    reward is 0.65 for what is right and 0.5 for what is not, with noise: near each other, as those of process reward
    models mostly are. Both are taken from `benchmarks.search_waves`, and were not chosen for what comes out.

    Attributes:
        depth: Steps of a thought. In the samples they have 7.4 on average.
        noise: The standard deviation of rewards, a new draw for each step.
        most: Tokens of a step; the limit of ETS's code.
    """

    depth: int = 8
    noise: float = 0.15
    most: int = 256

    def step(self, problem: str, path: str, before: Sequence[Drawn]) -> Drawn:
        """What a step is.

        Args:
            problem: Its name.
            path: Of the place in the tree, unique in a problem.
            before: The steps from the question to here.
        """
        draw = Random(f"{problem}:{path}")
        right = all(step.right for step in before)
        depth = len(before) + 1
        shares = _shares(f"{problem}:{depth}:{right}", depth == 1)
        meaning = f"d{depth}{'r' if right else 'w'}{bisect_right(shares, draw.random())}"
        same = Random(f"{problem}:{meaning}")
        right &= same.random() < _KEEPS_RIGHT
        logarithm = (
            _LOG_TOKENS
            + _BETWEEN_PLACES * Random(f"{problem}:{depth}").gauss(0, 1)
            + _BETWEEN_MEANINGS * same.gauss(0, 1)
            + _BETWEEN_STEPS * draw.gauss(0, 1)
        )
        reward = (_RIGHT if right else _WRONG) + self.noise * draw.gauss(0, 1)
        tokens = min(self.most, max(_LEAST_TOKENS, round(math.exp(logarithm))))
        return Drawn(meaning, right, min(1.0, max(0.0, reward)), tokens)


@dataclass(frozen=True)
class DrawnSteps:
    """A stepper that has the engine write as many tokens as each step has.

    Attributes:
        world: Says what the steps are.
        problem: The name of what is searched.
    """

    world: World
    problem: str

    async def step(self, context: Context, engine: Engine, *, thought: str, room: int) -> Step:
        """One call.

        Raises:
            Mismeasured: The engine generated more or fewer tokens.
        """
        before = Drawn.all_in(thought)
        path = "/".join(re.findall(r"step-\d+", context.path))
        drawn = self.world.step(self.problem, path, before)
        # Without a seed of its own, as vLLM draws faster so.
        completion = await exactly(engine, context, drawn.tokens, STREAMED)
        ended = len(before) + 1 == self.world.depth
        value = ("right" if drawn.right else drawn.meaning) if ended else None
        said = Answer.from_completion(completion)
        return Step(said=replace(said, text=str(drawn), value=value, truncated=False), ended=ended)


def rewarded(thought: Answer) -> float:
    """The reward of a thought's last step."""
    return Drawn.all_in(thought.text)[-1].reward


async def same_word(first: str, second: str) -> bool:
    """Whether two answers are the same, which are words here."""
    return first == second


@dataclass(frozen=True)
class KnownMeanings:
    """An embedder that knows what steps mean, as a good model of sentences would."""

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One row for each text, of length 1."""
        import numpy as np

        return np.stack([worded(Drawn.all_in(text)[-1].meaning, text) for text in texts])


@lru_cache(maxsize=10_000)
def _shares(name: str, first: bool) -> Sequence[float]:
    """Where the share of each meaning ends, between 0 and 1: a stick that is broken again and again."""
    draw = Random(name)
    concentration = _FIRST_CONCENTRATION if first else _LATER_CONCENTRATION
    left, shares = 1.0, []
    for _ in range(_MOST_MEANINGS):
        taken = left * draw.betavariate(1, concentration)
        shares.append(taken)
        left -= taken
    return list(accumulate(shares))
