"""Lessons of three kinds: threads that think in different ways, and what is made of threads.

    thinking      question ─┬─> hint, or none ─> a way          (the calls of ParaThinker and of SelfConsistency)
                            └─> hint, or none ─> another way
    summarising   question + findings [1. right 2. wrong 3. cut] ─> tally ─> the result      (of ParaThinker)
    judging       question ─┬─> right ─> "is it correct?" ─> Yes                             (the calls of BestOfN)
                            └─> wrong ─> "is it correct?" ─> No

A summary is asked for on its own, so that threads which are only read stand in one prompt only. It is the very prompt
that ParaThinker sends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from engines import Context, Engine, Sampling, converse
from reasoning import (
    Answer,
    BestOfN,
    ChainOfThought,
    Majority,
    ParaThinker,
    Synthesise,
)
from reasoning.parathinking.strategies import STRATEGIES

from ...lesson import Lesson, Said, asked_of
from ..products.expression import Expression, Term
from ..products.settings import BARE_CHAIN, CHAIN
from ..products.wording import TASK_INSTRUCTIONS, question
from .summary import summary_of
from .threads import Thread, cut, mistaken, solved
from .ways import OTHERS, WAY_OF, Way, by_digits

TAIL_TOKENS = 64
"""What a summary needs to read of a thread: its last lines, with the result."""

# About 1,200 tokens.
_MOST_CHARACTERS = 1700
# Of what is read of a thread by its end only.
_TAIL_CHARACTERS = 110

_SHAPES = ((2, 1), (3, 1), (4, 1), (2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (4, 3), (4, 4))
# A summary that reads ends only reads results of longer ones as well.
_LONG = ((5, 3), (6, 3), (7, 3), (8, 3))
_SMALL = ((2, 1), (3, 1), (2, 2), (3, 2))
_MOST_THREADS = 8
# Of a prompt with a hint.
_AROUND = 100
_USUAL = 0.9
# Of threads where many err.
_REPEATED = 0.3
_HINTED = 0.6
_SUMS = 0.2
_ENDS_ONLY = 0.6
_WITH_INSTRUCTION_OF_A_TASK = 0.4
_JUDGED_WRONG = 0.5


def thinking(random: Random) -> Lesson:
    """A question, and threads that answer it: each by its hint, or without one, mostly the usual way."""
    expression = _expression(random, _SHAPES)
    asked, method = _asked(expression, random)
    hinted = random.random() < _HINTED
    hints = random.sample(STRATEGIES, len(STRATEGIES)) if hinted else [""] * 3
    ways = [WAY_OF[hint] if hint else _unhinted(random) for hint in hints]
    threads = [solved(expression, [way] * len(expression.terms)) for way in ways]
    while not _fits(asked, threads):
        threads.pop()
    hints = hints[: len(threads)]
    paths = ParaThinker(
        threads=len(hints), method=method, hints=tuple(hints), reducer=Majority(), tuned="no"
    )

    def reply(context: Context, sampling: Sampling) -> str:
        return threads[_number("thread", context)].text

    return Lesson(solve=asked_of(paths, asked), reply=reply)


def judging(random: Random) -> Lesson:
    """A question, threads of which some have a mistake, and whether each is right, as BestOfN asks."""
    expression = _expression(random, _SHAPES)
    asked, method = _asked(expression, random)
    threads: list[Thread] = []
    for _ in range(4):
        ways = [_unhinted(random)] * len(expression.terms)
        wrong = random.random() < _JUDGED_WRONG
        threads.append(mistaken(expression, ways, random) if wrong else solved(expression, ways))
    while not _fits(asked, threads):
        threads.pop()

    def reply(context: Context, sampling: Sampling) -> Said:
        judged = "verify-" in context.path
        thread = threads[_number("verify" if judged else "sample", context)]
        right = thread.result == expression.value
        return Said("Yes" if right else "No") if judged else Said(thread.text, learned=right)

    return Lesson(solve=asked_of(BestOfN(samples=len(threads), method=method), asked), reply=reply)


def summarising(random: Random) -> Lesson:
    """A question, threads of which some have a mistake or were cut, and the summary of them."""
    tail = TAIL_TOKENS if random.random() < _ENDS_ONLY else None
    expression = _expression(random, (*_SHAPES, *_LONG) if tail else _SMALL)
    asked, _ = _asked(expression, random)
    threads, text = _summed_up(expression, random, _TAIL_CHARACTERS if tail else _MOST_CHARACTERS)
    summary = Synthesise(sampling=Sampling(max_tokens=4096), tail_tokens=tail)

    async def solve(engine: Engine) -> object:
        context = await converse(engine, [("user", asked)], name="question")
        opened = await converse(engine, [("assistant", "")], after=context)
        candidates = [await _said(thread.text, opened, engine) for thread in threads]
        return await summary.reduce(candidates, context, engine)

    return Lesson(solve=solve, reply=lambda context, sampling: text)


async def _said(text: str, opened: Context, engine: Engine) -> Answer:
    """What a thread said, as if it had generated it."""
    said = await engine.encode(text, role="assistant", after=opened)
    return Answer(text=text, token_ids=said.token_ids or (), truncated=True)


def _asked(expression: Expression, random: Random) -> tuple[str, ChainOfThought]:
    """A question, and how threads think: without their usual instruction where a task's stands behind the question."""
    asked = question(random, [expression])
    if random.random() < _WITH_INSTRUCTION_OF_A_TASK:
        return asked + random.choice(TASK_INSTRUCTIONS), BARE_CHAIN
    return asked, CHAIN


def _number(what: str, context: Context) -> int:
    return int(re.findall(rf"/{what}-(\d+)", context.path)[-1])


def _expression(random: Random, shapes: Sequence[tuple[int, int]]) -> Expression:
    if random.random() < _SUMS:
        return Expression(tuple(_product(random, random.choice(_SMALL)) for _ in range(2)))
    return Expression((_product(random, random.choice(shapes)),))


def _product(random: Random, digits: tuple[int, int]) -> Term:
    while True:
        a, b = (random.randrange(max(2, 10 ** (n - 1)), 10**n) for n in digits)
        term = Term((a, b))
        if not term.is_held_out:
            return term


def _unhinted(random: Random) -> Way:
    return by_digits if random.random() < _USUAL else random.choice(OTHERS)


def _summed_up(expression: Expression, random: Random, most_read: int) -> tuple[list[Thread], str]:
    """Threads, and their summary; never such by which a wrong result is the most frequent."""
    while True:
        threads = _mixed(expression, random)
        text = summary_of(expression, [thread.result for thread in threads])
        fits = _fits(text, threads, most_read)
        if fits and text.endswith(f"\\boxed{{{expression.value}}}"):
            return threads, text


def _mixed(expression: Expression, random: Random) -> list[Thread]:
    """Threads as a model makes them that errs now and then: how often differs from question to question."""
    wrong, unfinished = random.choice((0.0, 0.3, 0.5, 0.7)), random.choice((0.0, 0.0, 0.0, 0.4))
    threads: list[Thread] = []
    for _ in range(random.randint(2, _MOST_THREADS)):
        if threads and random.random() < wrong * _REPEATED:
            threads.append(random.choice(threads))
            continue
        way = _unhinted(random) if random.random() < 0.5 else random.choice([*WAY_OF.values()])
        ways = [way] * len(expression.terms)
        right = random.random() >= wrong
        thread = solved(expression, ways) if right else mistaken(expression, ways, random)
        threads.append(cut(thread, random) if random.random() < unfinished else thread)
    return threads


def _fits(text: str, threads: Sequence[Thread], most_read: int = _MOST_CHARACTERS) -> bool:
    """Whether a text and threads, which stand in prompts of their own or in one, are short enough for a lesson."""
    read = sum(min(len(thread.text), most_read) for thread in threads)
    return len(text) + read + _AROUND * len(threads) <= _MOST_CHARACTERS
