"""Grading real answers beside bare math-verify, and what bait does to both.

python -m benchmarks.grading            the answers recorded in ../shared/data (or $DATA)

Bare is what most people do: parse both, verify, in one process. Both get the same pairs one after another in one run;
ours has as many in flight as it likes, with one worker and with two, whose start is not counted, as bare's imports are
not. Figures are ratios: the machine is shared.
"""

import json
import logging
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import anyio

from benchmarks.report import machine, table
from benchmarks.traces.recorded import TRACES
from reasoning import extract_answer
from reasoning.equality import Pool, compared, mathematics
from reasoning.equality.at_sight import decided_at_sight
from reasoning.equality.bait import is_bait
from reasoning.equality.rules import KNOWN_FIRST

# Files of several samples a problem, and how many problems of each: bare takes minutes for all.
_MIX = {
    "qwen25math_math100_8samples_rm": 100,
    "cr_math500_gpt4_6methods": 100,
    "gsm8k_6models": 100,
}
_BAIT = (
    "2^{10000000000}",
    "10000000!",
    "9^9^9",
    r"\binom{10000000}{5000000}",
    "(" * 200 + "1" + ")" * 200,
    r"\frac{1}{" * 60 + "2" + "}" * 60,
    "7" * 5000 + "x",
    "(9999!)^{999}",
    "(x+y+z)^{500}",
    "((x+1)^{999}-1)^{99}",
)
_PATIENCE = 20.0  # seconds for bare and a bait, which it may never end


class Pair(NamedTuple):
    """A known answer and one that is compared with it."""

    known: str
    answer: str


@dataclass(frozen=True)
class Timed:
    """What comparing took."""

    seconds: float
    each: Sequence[float]
    verdicts: Sequence[bool]

    @property
    def rate(self) -> float:
        return len(self.verdicts) / self.seconds

    @property
    def p99(self) -> float:
        return sorted(self.each)[int(0.99 * len(self.each))]


def recorded_pairs() -> list[Pair]:
    """Each answer once, with its known one."""
    file = TRACES.parent / "grader_pairs_model_outputs.jsonl"
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [Pair(row["gold"], row["candidate"]) for row in rows]


def majority_pairs() -> list[Pair]:
    """All samples of a problem with its known answer, and with the sample before, as a vote compares them."""
    pairs: list[Pair] = []
    for name, most in _MIX.items():
        lines = (TRACES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        for row in map(json.loads, random.Random(1).sample(lines, min(most, len(lines)))):
            found = (s["answer"] or extract_answer(s["text"]) for s in row["samples"])
            answers = [str(answer) for answer in found if answer]
            pairs += [Pair(row["gold"], answer) for answer in answers]
            pairs += [Pair(*two) for two in pairwise(answers)]
    return pairs


def bare(known: str, answer: str) -> bool:
    from math_verify import parse, verify

    return bool(verify(parse(f"${known}$"), parse(f"${answer}$")))


def time_bare(pairs: Sequence[Pair]) -> Timed:
    bare("x+1", "1+x")
    verdicts, each = [], []
    for pair in pairs:
        start = time.perf_counter()
        verdicts.append(bare(*pair))
        each.append(time.perf_counter() - start)
    return Timed(sum(each), each, verdicts)


@contextmanager
def workers(count: int) -> Iterator[Pool]:
    """A pool of its own, started, and nothing remembered."""
    pool, before = Pool(count), mathematics.POOL
    mathematics.POOL = pool
    mathematics._known.clear()
    try:
        yield pool
    finally:
        mathematics.POOL = before
        pool.close()


async def start(pool: Pool) -> None:
    request = mathematics._request("x+1", "1+x", KNOWN_FIRST)
    async with anyio.create_task_group() as group:
        for _ in range(pool.size):
            group.start_soon(pool.compare, request)


async def time_ours(pairs: Sequence[Pair], count: int) -> Timed:
    verdicts = [False] * len(pairs)
    each = [0.0] * len(pairs)

    async def one(number: int) -> None:
        begun = time.perf_counter()
        verdicts[number] = await compared(*pairs[number]) is True
        each[number] = time.perf_counter() - begun

    with workers(count) as pool:
        await start(pool)
        begun = time.perf_counter()
        if count == 1:
            # So that each one's time is its own.
            for number in range(len(pairs)):
                await one(number)
        else:
            async with anyio.create_task_group() as group:
                for number in range(len(pairs)):
                    group.start_soon(one, number)
        return Timed(time.perf_counter() - begun, each, verdicts)


async def compare(name: str, pairs: Sequence[Pair]) -> None:
    ours = [await time_ours(pairs, count) for count in (1, 2)]
    plain = time_bare(pairs)
    rows = [["math-verify alone", f"{plain.rate:,.0f}", "1.0", f"{1000 * plain.p99:.1f}", ""]]
    for count, timed in enumerate(ours, 1):
        others = sum(a != b for a, b in zip(timed.verdicts, plain.verdicts, strict=True))
        rows.append(
            [
                f"ours, {count} worker{'s' * (count > 1)}",
                f"{timed.rate:,.0f}",
                f"{timed.rate / plain.rate:.1f}",
                f"{1000 * timed.p99:.1f}" if count == 1 else "",
                str(others),
            ]
        )
    sight = sum(decided_at_sight(*pair, KNOWN_FIRST) is not None for pair in pairs)
    print(
        f"\n{name}: {len(pairs):,} pairs, {len(set(pairs)):,} of them different, "
        f"{100 * sight / len(pairs):.0f} % decided at sight"
    )
    print(table(["", "answers/s", "ratio", "p99 ms", "verdicts unlike bare's"], rows))


def within(function: Callable[[str, str], bool], known: str, answer: str) -> str:
    """How long it takes in a process of its own."""
    process = multiprocessing.get_context("fork").Process(target=function, args=(known, answer))
    begun = time.perf_counter()
    process.start()
    process.join(_PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
        return f"over {_PATIENCE:.0f}"
    return f"{time.perf_counter() - begun:.2f}" + " (died)" * (process.exitcode < 0)


async def bait() -> None:
    rows = []
    with workers(1) as pool:
        for text in _BAIT:
            # A worker that was killed for the one before has started again.
            await start(pool)
            killed, begun = pool.counts.killed, time.perf_counter()
            found = await compared("x+1", text)
            seconds = time.perf_counter() - begun
            how = (
                "killed"
                if pool.counts.killed > killed
                else "at sight"
                if is_bait(text)
                else str(found)
            )
            name = text if len(text) < 40 else f"{text[:25]}... ({len(text):,} characters)"
            rows.append([name, f"{seconds:.3f}", how, within(bare, "x+1", text)])
        await start(pool)
        alive = await compared("x+2", "2+x")
    print(f"\nbait, after which a worker {'answers' if alive else 'DOES NOT ANSWER'}")
    print(table(["", "ours, s", "decided", "bare, s"], rows))


async def main() -> None:
    logging.disable(logging.CRITICAL)
    await compare("recorded answers", recorded_pairs())
    await compare("majority votes", majority_pairs())
    await bait()


if __name__ == "__main__":
    if not TRACES.is_dir():
        sys.exit(f"the recorded answers are not in {TRACES.parent}")
    print(machine())
    anyio.run(main)
