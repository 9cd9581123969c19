"""Which recorded sample a call gets: told by its text, its path and its seed alone. Pure.

So a run that is resumed, and calls that end in another order, get the same. A question is known by its text, with the
task's prompt around it, or where a prompt puts it otherwise, by its name in the path; samples are told apart by the
numbers that forks have:

    aime24/2024-I-3/0                the first sample                          an evaluation's sample 0
    aime24/2024-I-3/1                the second                                an evaluation's sample 1
    aime24/2024-I-3/64               none, where 64 were recorded              an evaluation's sample 64
    root/sample-2                    the third                                 a vote on its own
    aime24/2024-I-3/1/sample-2       the third behind one that /1/ picks       votes of an evaluation's samples differ
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from .recording import Recorded

_NUMBER = re.compile(r"\d{1,18}")
# Questions are looked for by their first characters, of which most that begin alike are one question.
_HEAD = 16


class QuestionIndex:
    """Finds a recorded question in what a call asks. How words are spaced does not matter.

    Args:
        questions: Their texts.
        names: Which question has a name. Plain numbers are left out: samples have such names too.
    """

    def __init__(self, questions: Iterable[str], names: Mapping[str, str] | None = None) -> None:
        self._names = {name: text for name, text in (names or {}).items() if not name.isdigit()}
        self._questions = {_normal(question): question for question in questions}
        self._heads: dict[str, list[str]] = {}
        for question in self._questions:
            self._heads.setdefault(question[:_HEAD], []).append(question)
        self._lengths = sorted(set(map(len, self._heads)))

    def find(self, turns: Sequence[str], path: str = "") -> str | None:
        """The question that a turn is, or else the longest that stands in one, the later one of two as long.

        It does not count where it is a part of a longer word or number. It takes as long as the turns are long, however
        many questions there are that begin otherwise. Where none is found, it is the one that has a name of the path.

        >>> QuestionIndex(["2 + 2?", "What is 2 + 2?"]).find(["Think. What  is 2 + 2? End with a number."])
        'What is 2 + 2?'
        """
        texts = [_normal(turn) for turn in reversed(turns)]
        exact = next((text for text in texts if text in self._questions), None)
        found = [exact] if exact else [part for text in texts for part in self._within(text)]
        return self._questions[max(found, key=len)] if found else self._named(path)

    def _named(self, path: str) -> str | None:
        # An evaluation writes the slash of a name as %2F.
        names = map(unquote, reversed(path.split("/")))
        return next((self._names[name] for name in names if name in self._names), None)

    def _within(self, text: str) -> Iterable[str]:
        """The questions that stand in a text, from its end."""
        for place in range(len(text) - 1, -1, -1):
            if _joins(text, place):
                continue
            for length in self._lengths:
                for question in self._heads.get(text[place : place + length], ()):
                    if text.startswith(question, place) and not _joins(text, place + len(question)):
                        yield question


def pick(samples: Sequence[Recorded], said: str, path: str, seed: int | None) -> Recorded | None:
    """The sample that a call gets.

    Args:
        samples: Those of its question, at least one.
        said: What the model's turn says already, which the sample has to begin with.
        path: The context's.
        seed: Picks, where the path has no number.

    Returns:
        The sample of the call's number; where that begins otherwise, one of those that begin so; None if none does.
    """
    number = sample_number(path, seed)
    sample = samples[number % len(samples)]
    if sample.text.startswith(said):
        return sample
    begun = [sample for sample in samples if sample.text.startswith(said)]
    return begun[number % len(begun)] if begun else None


def named_sample(path: str) -> int | None:
    """The number of the sample that the path asks for outright, as an evaluation does: there is no other for it.

    >>> named_sample("gsm8k/7/3"), named_sample("gsm8k/7/3/sample-2"), named_sample("root/sample-2")
    (3, None, None)
    """
    last = _last_number(path)
    return last.number if last is not None and last.is_name else None


def sample_number(path: str, seed: int | None) -> int:
    """The number of the sample that is meant, to be taken modulo their number.

    It is the last number in the path. One that is a whole name is taken as it is: an evaluation's samples have such
    names. Any other is turned by what stands before it, if there is a number too, by which other branches differ.

    >>> sample_number("gsm8k/7/3", None), sample_number("root/sample-2", None), sample_number("root", None)
    (3, 2, 0)
    """
    last = _last_number(path)
    if last is None:
        return seed or 0
    if last.is_name or not _NUMBER.search(last.before):
        return last.number
    digest = hashlib.blake2b(last.before.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return last.number + int.from_bytes(digest, "big")


class _LastNumber(NamedTuple):
    number: int
    before: str
    is_name: bool


def _last_number(path: str) -> _LastNumber | None:
    numbers = list(_NUMBER.finditer(path))
    if not numbers:
        return None
    start, end = numbers[-1].span()
    before = path[:start]
    is_name = before[-1:] in ("", "/") and path[end : end + 1] in ("", "/")
    return _LastNumber(int(path[start:end]), before, is_name)


def _normal(text: str) -> str:
    return " ".join(text.split())


def _joins(text: str, place: int) -> bool:
    """Whether the characters on both sides of a place are of one word or number."""
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()
