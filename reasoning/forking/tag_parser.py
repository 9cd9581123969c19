"""Finds the tags of a dialect in what a model writes, while it comes. Pure; it does not know which tags fit together.

    "<Goal><Out" "line>1: a</Outline>"  ─>  open Goal, open Outline, label 1, text " a", close Outline

Text is given out as a whole, at the tag after it, so that any way to cut the stream gives the same events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .dialect import LABEL, Dialect, closing, opening

_LABEL = re.compile(rf"\s*({LABEL})\s*:")


@dataclass(frozen=True, slots=True)
class Event:
    """A piece of the text. The pieces of all events, one after another, are the text.

    Attributes:
        kind: A tag that opens or closes an element, the label at the beginning of an outline or a thread, or text.
        name: The element, or the label; empty for text.
        text: The piece itself: a tag with its brackets, a label with its colon.
        start: Where it begins in the text.
    """

    kind: Literal["open", "close", "label", "text"]
    name: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends in the text."""
        return self.start + len(self.text)


class TagParser:
    """Makes events of text that comes in pieces; whatever the text, it never fails.

    >>> from reasoning.forking.dialect import MULTIVERSE
    >>> parser = TagParser(MULTIVERSE)
    >>> [(e.kind, e.name or e.text) for e in (*parser.feed("<Outline>1: a</Out"), *parser.feed("line>"))]
    [('open', 'Outline'), ('label', '1'), ('text', ' a'), ('close', 'Outline')]
    """

    def __init__(self, dialect: Dialect) -> None:
        tags = [tag(element) for element in dialect.elements for tag in (opening, closing)]
        self._tag = re.compile("|".join(map(re.escape, tags)))
        self._beginnings = {tag[:length] for tag in tags for length in range(1, len(tag))}
        self._labelled = (dialect.outline, dialect.thread)
        self._held = ""
        self._text: list[str] = []
        self._at = 0
        self._before = ""

    def feed(self, text: str) -> list[Event]:
        """The events that this piece completes."""
        return list(self._read(self._held + text))

    def close(self) -> list[Event]:
        """The events of what is left at the end."""
        self._text.append(self._held)
        self._held = ""
        return list(self._flush())

    def _read(self, text: str) -> Iterator[Event]:
        start = 0
        for tag in self._tag.finditer(text):
            self._text.append(text[start : tag.start()])
            yield from self._flush()
            yield self._tag_event(tag[0])
            start = tag.end()
        begun = text.rfind("<", start)
        # What may become a tag waits for what comes.
        held = begun if text[begun:] in self._beginnings else len(text)
        self._text.append(text[start:held])
        self._held = text[held:]

    def _tag_event(self, tag: str) -> Event:
        closes = tag.startswith("</")
        name = tag[2 if closes else 1 : -1]
        self._before = "" if closes else name
        return self._event("close" if closes else "open", name, tag)

    def _flush(self) -> Iterator[Event]:
        text = "".join(self._text)
        self._text.clear()
        label = _LABEL.match(text) if self._before in self._labelled else None
        if label:
            yield self._event("label", label[1], label[0])
            text = text[label.end() :]
        if text:
            yield self._event("text", "", text)

    def _event(
        self, kind: Literal["open", "close", "label", "text"], name: str, text: str
    ) -> Event:
        event = Event(kind, name, text, self._at)
        self._at = event.end
        return event
