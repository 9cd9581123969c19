"""Answers of real models to real questions, recorded with their correctness, given again by an engine in any order.

The recordings are not in the project: they are read from a folder that has them (../shared/data in a clone, or $DATA).
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path

from engines import ReplayEngine
from engines.replay.recording import Recorded, Recording
from reasoning import equal, extract_answer

TRACES = Path(os.environ.get("DATA") or Path(__file__).parents[3] / "shared" / "data") / "traces"

# In tokens: longer than any recorded sample.
WHOLE = 100_000


@dataclass(frozen=True)
class Sample:
    """One recorded answer.

    Attributes:
        text: All of it.
        correct: What the recording says of it.
        score: What a reward model gave it; None where none was asked.
    """

    text: str
    correct: bool
    score: float | None = None

    @cached_property
    def value(self) -> str | None:
        """Its final answer, as ours finds it."""
        return extract_answer(self.text)


@dataclass(frozen=True)
class Problem:
    """A question with its samples, in the order in which they were recorded."""

    question: str
    gold: str
    samples: tuple[Sample, ...]

    @property
    def answers(self) -> list[str]:
        """The different final answers, the first one first."""
        return list(dict.fromkeys(s.value for s in self.samples if s.value is not None))


def problems(name: str) -> list[Problem]:
    """Those of a file."""
    # Texts may hold what else ends a line for `str.splitlines`.
    with (TRACES / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [_problem(json.loads(line)) for line in lines]


def replay(question: str, samples: Sequence[Sample], chunk_tokens: int) -> ReplayEngine:
    """An engine that gives sample i to branch `sample-i` of a vote on the question; a token takes a second."""
    recorded = tuple(Recorded(sample.text) for sample in samples)
    recording = Recording("samples", {question: recorded})
    return ReplayEngine(recording, seconds_per_token=1, chunk_tokens=chunk_tokens)


class Judge:
    """Equality that compares a pair once, and what is right by it: a vote asks for the same pairs again and again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], bool] = {}
        self._right: dict[tuple[str, str], bool] = {}

    async def equal(self, first: str, second: str) -> bool:
        """As `reasoning.equal`."""
        if (first, second) not in self._known:
            self._known[first, second] = await equal(first, second)
        return self._known[first, second]

    async def prepare(self, problem: Problem) -> None:
        """Compares all that a vote may compare, so that a virtual clock does not run meanwhile."""
        for first, second in permutations(problem.answers, 2):
            await self.equal(first, second)

    async def right(self, problem: Problem, answer: str | None) -> bool:
        """Whether it equals the known answer, or that of a sample recorded as correct."""
        if answer is None:
            return False
        if (problem.question, answer) not in self._right:
            self._right[problem.question, answer] = await self._is_right(problem, answer)
        return self._right[problem.question, answer]

    async def _is_right(self, problem: Problem, answer: str) -> bool:
        correct = [s.value for s in problem.samples if s.correct and s.value is not None]
        for known in dict.fromkeys([*correct, problem.gold]):
            if await self.equal(known, answer):
                return True
        return False

    async def disagreements(self, asked: Sequence[Problem]) -> int:
        """How many samples are right here and not in the recording, or the other way round."""
        verdicts = [(p, s, await self.right(p, s.value)) for p in asked for s in p.samples]
        return sum(right != sample.correct for _, sample, right in verdicts)


def _problem(row: dict[str, object]) -> Problem:
    samples = row["samples"]
    assert isinstance(samples, list)
    return Problem(str(row["problem"]), str(row["gold"]), tuple(map(_sample, samples)))


def _sample(record: dict[str, object]) -> Sample:
    text, answer, score = str(record["text"]), record["answer"], record.get("rm_score")
    if answer and extract_answer(text) is None:
        # It was asked for in another form, such as `A: 26`: what was found there, in the form that ours asks for.
        text = f"{text}\n\\boxed{{{answer}}}"
    return Sample(text, record["correct"] is True, score if isinstance(score, float) else None)
