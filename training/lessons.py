"""Endless lessons, in rows that depend on a seed and a step only: a run that goes on sees what it would have seen.

seed, step ─> random ─> lessons of skills, drawn by their shares ─> tries ─> rows

Making them takes longer than learning from them, so that processes beside the GPU's make them ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from random import Random
from typing import Any

import anyio

from .rows import Rows, packed
from .skills.catalogue import SKILLS
from .teacher_engine import units_of
from .trie import Trie, trie_of

# So many steps for each process lie ready.
_AHEAD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What rows are made of.

    Attributes:
        tokenizer: The folder that holds it.
        shares: How often each skill is drawn, beside the others.
        rows: How many at each step.
        length: Tokens of each.
        seed: Two sources with the same one make the same rows.
    """

    tokenizer: str
    shares: tuple[tuple[str, float], ...]
    rows: int
    length: int
    seed: int

    def at(self, step: int) -> Rows:
        """The rows of a step."""
        random = Random(f"{self.seed}/{step}")
        return packed(self._tries(random), self.rows, self.length)

    def _tries(self, random: Random) -> Iterator[Trie]:
        names = [name for name, _ in self.shares]
        weights = [share for _, share in self.shares]
        tokenizer = _tokenizer(self.tokenizer)
        while True:
            skill = SKILLS[random.choices(names, weights)[0]].skill
            trie = trie_of(anyio.run(units_of, skill.lesson(random), tokenizer))
            # One in thousands may be, and is not worth the end of a run.
            if len(trie) <= self.length:
                yield trie


def ahead(source: Source, steps: range, processes: int) -> Iterator[Rows]:
    """The rows of these steps, made by so many processes ahead of who takes them; without any, by this one."""
    if not processes:
        yield from map(source.at, steps)
        return
    # Not a copy of this one, which may hold a GPU.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    waiting: deque[Future[Rows]] = deque()
    coming = iter(steps)
    try:
        while True:
            while len(waiting) < _AHEAD * processes and (step := next(coming, None)) is not None:
                waiting.append(pool.submit(source.at, step))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def shares_of(names: Sequence[str] = ()) -> tuple[tuple[str, float], ...]:
    """The shares of these skills, or of all; an unknown one is a KeyError."""
    chosen: Mapping[str, Any] = {name: SKILLS[name] for name in names} if names else SKILLS
    return tuple((name, taught.share) for name, taught in chosen.items())


@lru_cache(maxsize=1)
def _tokenizer(folder: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)
