"""How many samples a vote needs: recorded samples of real models, voted on again by what ships.

python -m benchmarks.voting              all four recordings in ../shared/data/traces
python -m benchmarks.voting NAME         one of them, such as qwen25math_math100_8samples_rm

Each way to vote is `SelfConsistency` over an engine that gives the recorded texts again, in several orders of the
samples. Answers are equal in the sense of mathematics. A vote is right where its answer equals the known one, or that
of a sample recorded as correct. Differences are to the vote of all samples on the same problems in the same orders;
their interval is a bootstrap over problems.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb
from statistics import fmean

import trio
from trio.testing import MockClock

from benchmarks.report import machine, table
from benchmarks.traces.recorded import TRACES, WHOLE, Judge, Problem, Sample, problems, replay
from engines import Sampling, converse
from evals.game24 import makes_24
from reasoning import Answer, ChainOfThought, Majority, SelfConsistency
from reasoning.reducing.best import Best
from reasoning.reducing.reducer import Reducer
from reasoning.reducing.weighted import WeightedMajority
from reasoning.scoring.check import Check
from reasoning.voting.stopping import BetaPosterior, Certain, StoppingRule, UnanimousWindow

# The recordings, and in how many orders their samples are voted on.
VOTES = {
    "qwen25math_math100_8samples_rm": 20,
    "gsm8k_6models": 3,
    "cr_math500_gpt4_6methods": 3,
}
GAME24 = "tot_game24_gpt4_cot_100samples"
TRIES = (1, 2, 5, 10, 20, 50, 100)
RULES: dict[str, StoppingRule] = {
    "certain": Certain(),
    "window of 2": UnanimousWindow(size=2),
    "window of 3": UnanimousWindow(size=3),
    "window of 4": UnanimousWindow(size=4),
    "posterior above 0.80": BetaPosterior(confidence=0.8),
    "posterior above 0.90": BetaPosterior(confidence=0.9),
    "posterior above 0.95": BetaPosterior(confidence=0.95),
}
# What an early stop may lose, and how many of the samples it may use.
MARGIN = 0.02
SHARE = 0.6
VOTE = SelfConsistency(method=ChainOfThought(sampling=Sampling(max_tokens=WHOLE)))
GOAL = ("qwen25math_math100_8samples_rm", ("window of 4", "posterior above 0.95"))


@dataclass(frozen=True)
class Vote:
    """What came of one vote."""

    right: bool
    samples: int
    tokens: int
    path: int


# For each problem, its votes in each order.
Votes = list[list[Vote]]


class Recording:
    """The problems of a file, to be voted on in several orders of their samples."""

    def __init__(self, asked: list[Problem], orders: int, judge: Judge) -> None:
        self.asked = asked
        self.width = len(asked[0].samples)
        self.judge = judge
        self._orders = [_orders(problem, orders, seed) for seed, problem in enumerate(asked)]
        self._scores = {s.text: s.score for problem in asked for s in problem.samples}

    @property
    def scored(self) -> bool:
        return None not in self._scores.values()

    def score(self, answer: Answer) -> float:
        return self._scores[answer.text] or 0.0

    def reduced(self, reducer: Reducer, samples: int) -> SelfConsistency:
        """The vote of so many samples."""
        return replace(VOTE, samples=samples, reducer=reducer, equality=self.judge.equal)

    async def votes(self, method: SelfConsistency, chunk_tokens: int = WHOLE) -> Votes:
        """Of every problem, in every order; samples are cut at the end of a chunk."""
        return [
            [await self._vote(method, problem, order, chunk_tokens) for order in orders]
            for problem, orders in zip(self.asked, self._orders, strict=True)
        ]

    async def _vote(
        self, method: SelfConsistency, problem: Problem, order: Sequence[Sample], chunk_tokens: int
    ) -> Vote:
        answer = await solve(method, problem.question, order, chunk_tokens)
        return Vote(
            right=await self.judge.right(problem, answer.value),
            samples=sum(branch.status != "cancelled" for branch in answer.branches),
            tokens=answer.usage.generated_tokens,
            path=answer.critical_path,
        )


async def solve(
    method: SelfConsistency, question: str, samples: Sequence[Sample], chunk_tokens: int = WHOLE
) -> Answer:
    engine = replay(question, samples, chunk_tokens)
    root = await converse(engine, [("user", question)], name="root")
    return await method.solve(root, engine)


async def accuracy_against_samples(recording: Recording) -> dict[str, tuple[Votes, Votes]]:
    """The votes of each way, beside those of the vote of all samples."""
    judge, width = recording.judge, recording.width
    majority = Majority(equality=judge.equal)
    full = await recording.votes(recording.reduced(majority, width))
    sizes = [n for n in (1, 2, 3, 4, 6) if n < width]
    ways = {f"majority of {n}": recording.reduced(majority, n) for n in sizes}
    if recording.scored:
        scorer = Check(check=recording.score)
        weighted = WeightedMajority(scorer=scorer, equality=judge.equal)
        for n in (*sizes, width):
            ways[f"weighted of {n}"] = recording.reduced(weighted, n)
        ways[f"best of {width}"] = recording.reduced(Best(scorer=scorer), width)
    for name, rule in RULES.items():
        # One at a time, so that no more samples are begun than the rule asks for.
        ways[name] = replace(recording.reduced(majority, width), stop=rule, in_flight=1)
    votes = {f"majority of {width}": full}
    votes |= {name: await recording.votes(method) for name, method in ways.items()}
    return {name: (came, full) for name, came in votes.items()}


async def cost_of_flight(recording: Recording) -> list[list[str]]:
    """What a stop saves with one sample at a time, with four, and with all at once."""
    majority = Majority(equality=recording.judge.equal)
    method = recording.reduced(majority, recording.width)
    full = await recording.votes(method)
    rows = []
    for name in ("certain", *GOAL[1]):
        for in_flight in (1, 4, recording.width):
            stopped = replace(method, stop=RULES[name], in_flight=in_flight)
            votes = await recording.votes(stopped, chunk_tokens=16)
            tokens = _mean(votes, "tokens") / _mean(full, "tokens")
            path = _mean(votes, "path") / _mean(full, "path")
            samples = _mean(votes, "samples")
            rows.append(
                [name, f"{in_flight}", f"{samples:.2f}", f"{100 * tokens:.0f} %", f"{path:.2f}"]
            )
    return rows


def interval(differences: Sequence[float], *, resamples: int = 2000) -> tuple[float, float]:
    """The middle 95 % of the mean of as many problems drawn anew, again and again."""
    draw = random.Random(0)
    means = sorted(fmean(draw.choices(differences, k=len(differences))) for _ in range(resamples))
    return means[round(0.025 * resamples)], means[round(0.975 * resamples) - 1]


def differences(votes: Votes, full: Votes) -> list[float]:
    """By how much each problem is right more often, over its orders."""
    return [
        fmean(a.right - b.right for a, b in zip(ours, theirs, strict=True))
        for ours, theirs in zip(votes, full, strict=True)
    ]


def row(name: str, votes: Votes, full: Votes) -> list[str]:
    lost = differences(votes, full)
    low, high = interval(lost)
    samples, most = _mean(votes, "samples"), _mean(full, "samples")
    return [
        name,
        f"{100 * _mean(votes, 'right'):.2f} %",
        f"{samples:.2f}",
        f"{100 * samples / most:.0f} %",
        f"{100 * fmean(lost):+.2f}",
        f"[{100 * low:+.2f}, {100 * high:+.2f}]",
    ]


def verdict(name: str, votes: Votes, full: Votes) -> str:
    low, _ = interval(differences(votes, full))
    share = _mean(votes, "samples") / _mean(full, "samples")
    met = low >= -MARGIN and share <= SHARE
    return (
        f"goal {'met' if met else 'missed'} by {name}: loses at most {max(0.0, -100 * low):.2f} points "
        f"(margin {100 * MARGIN:.0f}) with {100 * share:.0f} % of the samples (at most {100 * SHARE:.0f} %)"
    )


async def vote(name: str, orders: int) -> None:
    asked, judge = problems(name), Judge()
    for problem in asked:
        await judge.prepare(problem)
    recording = Recording(asked, orders, judge)
    other = await judge.disagreements(asked)
    total = len(asked) * recording.width
    print(f"\n{name}: {len(asked)} problems, {recording.width} samples, {orders} orders")
    print(f"{other} of {total} samples are judged otherwise than in the recording")
    compared = await accuracy_against_samples(recording)
    headers = ["", "right", "samples", "of all", "difference", "95 %"]
    print(table(headers, [row(way, *votes) for way, votes in compared.items()]))
    if name == GOAL[0]:
        for way in GOAL[1]:
            print(verdict(way, *compared[way]))
        print(
            "\ntokens (of four bytes, those of aborted samples too) and critical path, of the full vote's"
        )
        rows = await cost_of_flight(Recording(asked, orders // 4, judge))
        print(table(["", "in flight", "samples", "tokens", "path"], rows))


async def best_of_n() -> None:
    puzzles = problems(GAME24)
    print(
        f"\n{GAME24}: {len(puzzles)} puzzles, {len(puzzles[0].samples)} samples, best of n by a checker"
    )
    rows = []
    for tries in TRIES:
        solved = [await solves(puzzle, tries) for puzzle in puzzles]
        expected = fmean(map(expectation, puzzles, [tries] * len(puzzles)))
        rows.append([f"best of {tries}", f"{100 * fmean(solved):.0f} %", f"{100 * expected:.1f} %"])
    print(table(["", "solved", "expected in any order"], rows))


async def solves(puzzle: Problem, tries: int) -> bool:
    numbers = [int(number) for number in puzzle.question.split()]

    def check(answer: Answer) -> bool:
        return makes_24(numbers, answer.final)

    method = replace(VOTE, samples=tries, reducer=Best(scorer=Check(check=check)))
    return check(await solve(method, puzzle.question, puzzle.samples))


def expectation(puzzle: Problem, tries: int) -> float:
    """How likely one of so many samples is right by the recording, over all orders."""
    wrong = sum(not sample.correct for sample in puzzle.samples)
    return 1 - comb(wrong, tries) / comb(len(puzzle.samples), tries)


async def main(names: Sequence[str]) -> None:
    for name in names:
        await (best_of_n() if name == GAME24 else vote(name, VOTES[name]))


def _orders(problem: Problem, orders: int, seed: int) -> list[list[Sample]]:
    """Shuffled, as the samples of some recordings are of models from weak to strong; a single one is as recorded."""
    draw = random.Random(seed)
    samples = list(problem.samples)
    return [draw.sample(samples, len(samples)) for _ in range(orders)] if orders > 1 else [samples]


def _mean(votes: Votes, what: str) -> float:
    return fmean(getattr(vote, what) for orders in votes for vote in orders)


if __name__ == "__main__":
    if not TRACES.is_dir():
        sys.exit(f"the recordings are not in {TRACES}")
    print(machine())
    # Time is virtual, and the same in every run.
    trio.run(main, sys.argv[1:] or [*VOTES, GAME24], clock=MockClock(autojump_threshold=0))
