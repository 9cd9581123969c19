"""Endless lessons, in rows that depend on a seed and a step only: a run that goes on sees what it would have seen.

seed, step ─> random ─> lessons of skills, drawn by their shares ─> tries ─> rows

Who makes them ahead, beside the GPU, is told in `lesson_processes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from random import Random
from typing import Any

import anyio

from engines import ForkjoinError, UsageError

from .rows import Rows, TooLong, packed
from .skills.catalogue import SKILLS
from .teacher_engine import WrongReply, units_of
from .trie import Trie, trie_of

# A lesson that no row has room for may come once in thousands; so many one after the other mean rows too short.
_MOST_TOO_LONG = 50
# So many of each skill take a few seconds, and tell the share that does not fit to five points or so.
_LOOKED_AT = 100


class NotWanted(Exception):
    """Nobody waits for the rows any more."""


class WrongSkill(UsageError):
    """A skill makes a lesson that fails, or in which the teacher says what no model could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What rows are made of.

    Attributes:
        tokenizer: The folder that holds it.
        shares: How often each skill is drawn, beside the others.
        rows: How many at each step.
        length: Tokens of each.
        seed: Two sources with the same one make the same rows.
        vocabulary: What tells the tokenizer from others, wherever it lies, as `vocabulary_of` does.
    """

    tokenizer: str
    shares: tuple[tuple[str, float], ...]
    rows: int
    length: int
    seed: int
    vocabulary: str = ""

    def at(self, step: int, stopped: Callable[[], bool] = lambda: False) -> Rows:
        """The rows of a step.

        Args:
            step: Its number.
            stopped: Is asked after each lesson whether the rows are not wanted any more.

        Raises:
            NotWanted: They are not.
            TooLong: No row has room for lessons such as these.
            WrongSkill: In one of them the teacher says too much, or what a constraint forbids; or its method failed.
        """
        return packed(self._fitting(step, stopped), self.rows, self.length)

    def left_out(self) -> Mapping[str, float]:
        """The share of each skill's lessons that are left out since no row has room for them, by the first ones.

        Raises:
            TooLong: All of a skill would be.
            WrongSkill: One of them is wrong, as in `at`.
        """
        shares = {}
        for name, _ in self.shares:
            drawn = islice(replace(self, shares=((name, 1.0),))._drawn(0), _LOOKED_AT)
            sizes = [len(trie) for trie in drawn]
            if min(sizes) > self.length:
                raise TooLong(
                    f"lessons of the skill {name} do not fit into rows of {self.length}, the shortest of {len(sizes)} "
                    f"has {min(sizes)} tokens: make rows longer with --length"
                )
            shares[name] = sum(size > self.length for size in sizes) / len(sizes)
        return shares

    def _fitting(self, step: int, stopped: Callable[[], bool]) -> Iterator[Trie]:
        too_long = 0
        for trie in self._drawn(step):
            too_long = too_long + 1 if len(trie) > self.length else 0
            if not too_long:
                yield trie
            elif too_long > _MOST_TOO_LONG:
                raise TooLong(
                    f"{too_long} lessons one after the other, the last of {len(trie)} tokens, do not fit into rows "
                    f"of {self.length}: make rows longer with --length"
                )
            if stopped():
                raise NotWanted

    def _drawn(self, step: int) -> Iterator[Trie]:
        random = Random(f"{self.seed}/{step}")
        names = [name for name, _ in self.shares]
        weights = [share for _, share in self.shares]
        tokenizer = tokenizer_in(self.tokenizer)
        while True:
            name = random.choices(names, weights)[0]
            # Whatever a skill has done wrong, it does again at the same step.
            place = f"a lesson of the skill {name}, at step {step} with the seed {self.seed}"
            try:
                trie = trie_of(anyio.run(units_of, SKILLS[name].skill.lesson(random), tokenizer))
            except (WrongReply, ForkjoinError) as error:
                raise WrongSkill(f"{place}, is wrong: {error}; mend the skill") from error
            except Exception as error:
                error.add_note(f"in {place}")
                raise
            yield trie


def shares_of(names: Sequence[str] = ()) -> tuple[tuple[str, float], ...]:
    """The shares of these skills, or of all; an unknown one is a KeyError."""
    chosen: Mapping[str, Any] = {name: SKILLS[name] for name in names} if names else SKILLS
    return tuple((name, taught.share) for name, taught in chosen.items())


@lru_cache(maxsize=1)
def tokenizer_in(folder: str) -> Any:
    """The tokenizer that lies there; loaded once in a process.

    Raises:
        UsageError: There is none, or it is damaged.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    # What is raised of a damaged file is of no kind of its own.
    except Exception as error:
        raise UsageError(
            f"no tokenizer can be read from {folder}: give the folder of one with --tokenizer"
        ) from error


def vocabulary_of(tokenizer: Any) -> str:
    """Twelve digits that tell a tokenizer's tokens, and how it writes a conversation, from those of others."""
    told = repr((sorted(tokenizer.get_vocab().items()), tokenizer.chat_template))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]
