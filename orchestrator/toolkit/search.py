"""A search in documents that are given, for benchmarks and tests that must not depend on the network.

The document with the query for its title, or else the one that has most of its words in common with it, weighted as
BM25 does (Robertson and Zaragoza 2009). The same query always finds the same.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import anyio

from engines import UsageError

from ..tools.definition import Tool, tool

_WORD = re.compile(r"\w+")
# How soon a word that comes often counts no more, and how much long documents are held back: the usual values.
_SATURATION = 1.5
_LENGTH = 0.75


def canned_search(documents: Mapping[str, str] | str | Path, *, latency: float = 0.0) -> Tool:
    r"""A tool `search(query)` over documents.

    Args:
        documents: Texts by their titles, or a file with a line `{"title": ..., "text": ...}` for each.
        latency: Seconds that a search takes.

    Raises:
        UsageError: The file cannot be read, or a line is no document.

    >>> search = canned_search({"Paris": "The capital of France.", "Rome": "The capital of Italy."})
    >>> anyio.run(search, "Which one is in Italy?")
    'Rome: The capital of Italy.'
    """
    index = SearchIndex(documents if isinstance(documents, Mapping) else _read(Path(documents)))

    @tool(pure=True, timeout=60.0 + latency)
    async def search(query: str) -> str:
        """Searches an encyclopedia and returns the beginning of the best article.

        Args:
            query: The title of an article, or a few words.
        """
        await anyio.sleep(latency)
        title = index.find(query)
        return (
            f"nothing found for {query!r}"
            if title is None
            else f"{title}: {index.documents[title]}"
        )

    return search


class SearchIndex:
    """Finds documents by their words. Pure.

    Args:
        documents: Texts by their titles.
    """

    def __init__(self, documents: Mapping[str, str]) -> None:
        self.documents = documents
        self._titles: dict[str, str] = {}
        self._lengths: dict[str, int] = {}
        self._counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for title, text in documents.items():
            words = _words(f"{title} {text}")
            self._titles.setdefault(_normal(title), title)
            self._lengths[title] = len(words)
            for word, count in Counter(words).items():
                self._counts[word][title] = count
        self._mean_length = sum(self._lengths.values()) / max(1, len(documents))

    def find(self, query: str) -> str | None:
        """The title of the best document; None if no word of the query is in any."""
        exact = self._titles.get(_normal(query))
        if exact is not None:
            return exact
        scores: defaultdict[str, float] = defaultdict(float)
        for word in dict.fromkeys(_words(query)):
            found = self._counts.get(word, {})
            rarity = math.log1p((len(self.documents) - len(found) + 0.5) / (len(found) + 0.5))
            for title, count in found.items():
                scores[title] += rarity * self._weight(count, self._lengths[title])
        # Of equals, the one that was given first.
        return max(
            (title for title in self.documents if title in scores),
            key=scores.__getitem__,
            default=None,
        )

    def _weight(self, count: int, length: int) -> float:
        relative = 1 - _LENGTH + _LENGTH * length / self._mean_length
        return count * (_SATURATION + 1) / (count + _SATURATION * relative)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _normal(title: str) -> str:
    return " ".join(_words(title))


def _read(path: Path) -> dict[str, str]:
    documents: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                documents.update(_document(line, f"{path}, line {number}"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the documents {path} cannot be read: {error}") from None
    return documents


def _document(line: str, place: str) -> dict[str, str]:
    if not line.strip():
        return {}
    try:
        found = json.loads(line)
        title, text = found["title"], found["text"]
    except (ValueError, TypeError, KeyError):
        title = text = None
    if not isinstance(title, str) or not isinstance(text, str):
        raise UsageError(f'{place}: expected {{"title": "...", "text": "..."}}')
    return {title: text}
