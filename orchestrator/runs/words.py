"""How a run is put into words, on any screen. It knows neither terminals nor files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planners.description import describe as describe
from reasoning.thread_tree import MARKS as MARKS

from .run_statistics import NodeState, RunStatistics

_WIDEST = 90
_STATES: tuple[NodeState, ...] = ("running", "waiting", "ok", "truncated", "failed", "cancelled")

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
"""What is obeyed instead of shown, by terminals or browsers, or that nobody sees: controls but for tabs and newlines,
what turns the direction of writing, what has no width, halves of pairs, and letters in tags. The viewer's page has the
same ones."""


def printable(text: str) -> str:
    r"""The text for a terminal, with one sign in the place of every character that steers, or that nobody sees.

    >>> printable("red \x1b[31m, \u202eback")
    'red �[31m, �back'
    """
    return HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def short(text: str, limit: int = _WIDEST) -> str:
    """The text as one line of at most `limit` characters.

    >>> short("as long  as it takes", limit=10)
    'as long a…'
    """
    # What lies far behind the limit cannot come into the line, and splitting a long text takes time.
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(7.25), duration(75), duration(7500), duration(200_000)
    ('7.2 s', '1 min 15 s', '2 h 05 min', '2 d 7 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def in_states(counts: Mapping[NodeState, int]) -> str:
    """Numbers of nodes in words.

    >>> in_states({"ok": 1200, "running": 3})
    '3 running, 1,200 ok'
    """
    return ", ".join(f"{counts[state]:,} {state}" for state in _STATES if counts.get(state))


def figures(statistics: RunStatistics, tokens_per_second: float | None = None) -> str:
    """What a run's calls have come to; nothing where there is nothing to tell."""
    told = [f"calls {known}"] if (known := calls(statistics)) else []
    if statistics.new_tokens:
        rate = "" if tokens_per_second is None else f", {tokens_per_second:,.0f}/s"
        told.append(f"{statistics.new_tokens:,} tokens{rate}")
    return " · ".join([*told, *filter(None, [recap(statistics)])])


def calls(statistics: RunStatistics) -> str:
    """How many calls go on and how many have ended; nothing where there are none."""
    going, done, broken = statistics.calls_open, statistics.calls_finished, statistics.calls_broken
    if not going + done + broken:
        return ""
    lost = f", {broken:,} failed or left" if broken else ""
    return f"{going:,} open, {done:,} done{lost}"


def recap(statistics: RunStatistics) -> str:
    """What was unusual about a run's calls; nothing where nothing was."""
    told = [f"{count:,} {what}" for what, count in sorted(statistics.notices.items())]
    if statistics.calls_replayed:
        told.append(f"{statistics.calls_replayed:,} answered by the journal")
    return " · ".join(told)
