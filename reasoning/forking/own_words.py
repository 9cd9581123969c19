r"""What a person is shown of a sequence: what the model says itself, without tags and without what threads say. Pure.

So: <Parallel> outlines, threads <Conclusion> It is 4. </Conclusion> </Parallel> Done.
─┬─                              ─────┬─────                                    ──┬──
 └────────────────────────────────────┴───────────────────────────────────────────┘
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .dialect import Dialect, closing, opening
from .tag_parser import Event, TagParser

_BEGUN_TAG = re.compile(r"</?\w*$")


def own_words(text: str, dialect: Dialect, *, in_thread: bool = False) -> str:
    """What stands outside of blocks, with the conclusions; all words where that is nothing.

    Args:
        text: Of a sequence, as it was written.
        dialect: The tags.
        in_thread: Whether it is the text of a thread, which goes on from its label.

    >>> from reasoning.forking.dialect import MULTIVERSE
    >>> own_words(": 3 * 12 = 36.</Path>", MULTIVERSE, in_thread=True)
    '3 * 12 = 36.'
    """
    if in_thread:
        text = text.lstrip().removeprefix(":")
    parser = TagParser(dialect)
    events = (*parser.feed(text), *parser.close())
    return _joined(_outside(events, dialect), dialect) or _joined(events, dialect)


def _outside(events: Sequence[Event], dialect: Dialect) -> list[Event]:
    """The events within no element but conclusions of blocks that are not in threads or outlines."""
    own: list[Event] = []
    within: list[str] = []
    spoken = {dialect.parallel, dialect.conclusion}
    for event in events:
        if event.kind == "open":
            within.append(event.name)
        elif event.kind == "close" and event.name in within:
            del within[_last(within, event.name) :]
        elif within[-1:] != [dialect.parallel] and spoken.issuperset(within):
            own.append(event)
    return own


def _last(names: Sequence[str], name: str) -> int:
    return max(place for place, known in enumerate(names) if known == name)


def _joined(events: Sequence[Event], dialect: Dialect) -> str:
    tags = [tag(element) for element in dialect.elements for tag in (opening, closing)]

    def whole(match: re.Match[str]) -> str:
        """Without a tag that was cut while it was written."""
        return "" if any(tag.startswith(match[0]) for tag in tags) else match[0]

    texts = [event.text for event in events if event.kind in ("text", "label")]
    return "\n".join(filter(None, (_BEGUN_TAG.sub(whole, text.strip()) for text in texts))).strip()
