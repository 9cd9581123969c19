"""Which nodes a run waited for: the chain that ends last, each node held up by the last of what it needed. Pure.

    a ████          b waited for c, not for a: the critical path is c ─ b
    c ████████
    b         ████

A node that came into the plan after all that it needs had ended was waited for in the plan: in a round of the planner,
which may itself have waited for nodes to judge. It is about the time that passed, queues and retries included; tokens
one after another are another measure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a node ran.

    Attributes:
        needs: The nodes that it needed.
        planned: When it came into the plan.
        start: When it began.
        end: When it ended, or now.
    """

    needs: Sequence[str] = ()
    planned: float = 0.0
    start: float
    end: float


class Round(NamedTuple):
    """When the planner wrote."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPath:
    """What was waited for.

    Attributes:
        nodes: From the first to the last.
        planner: Whether the planner was among it.
        seconds: For how long one of them ran.
    """

    nodes: tuple[str, ...] = ()
    planner: bool = False
    seconds: float = 0.0


def waited_for(
    spans: Mapping[str, Span], last: Iterable[str], rounds: Sequence[Round] = ()
) -> CriticalPath:
    """The chain of nodes that led to the last end.

    Args:
        spans: The nodes that have begun.
        last: Those of which one gives the answer, as far as is known: the chain ends in the last of them.
        rounds: Those of the planner, the first first.

    >>> a, b = Span(start=0, end=4), Span(start=0, end=8)
    >>> waited_for({"a": a, "b": b, "c": Span(needs=("a", "b"), start=8, end=12)}, ["c"]).nodes
    ('b', 'c')
    """
    return _Walk(spans, rounds).back_from(_latest(last, spans))


class _Walk:
    def __init__(self, spans: Mapping[str, Span], rounds: Sequence[Round]) -> None:
        self._spans = spans
        self._rounds = rounds
        self._ends = sorted((span.end, name) for name, span in spans.items())
        self._nodes: list[str] = []
        self._seen: set[str] = set()
        self._seconds = 0.0
        self._planner = False

    def back_from(self, node: str | None) -> CriticalPath:
        until = float("inf")
        if self._rounds and (node is None or self._rounds[-1].end > self._spans[node].end):
            # It is the planner that is waited for.
            node, until = self._through_planner(until)
        while node is not None and node not in self._seen:
            span = self._spans[node]
            self._seen.add(node)
            self._nodes.append(node)
            self._seconds += max(0.0, min(span.end, until) - span.start)
            held = _latest(span.needs, self._spans)
            until = 0.0 if held is None else self._spans[held].end
            if self._rounds and span.planned >= until:
                held, until = self._through_planner(span.planned)
            node = held
        return CriticalPath(
            nodes=tuple(reversed(self._nodes)), planner=self._planner, seconds=self._seconds
        )

    def _through_planner(self, until: float) -> tuple[str | None, float]:
        """What the planner waited for last before it wrote what it had written by then."""
        for number in range(len(self._rounds) - 1, -1, -1):
            start, end = self._rounds[number]
            if start > until:
                continue
            self._planner = True
            self._seconds += max(0.0, min(end, until) - start)
            before = self._rounds[number - 1].end if number else 0.0
            place = bisect_right(self._ends, start, key=lambda end: end[0]) - 1
            if number and place >= 0 and self._ends[place][0] > before:
                return self._ends[place][1], start
            until = start
        return None, 0.0


def _latest(names: Iterable[str], spans: Mapping[str, Span]) -> str | None:
    return max((name for name in names if name in spans), key=lambda n: spans[n].end, default=None)
