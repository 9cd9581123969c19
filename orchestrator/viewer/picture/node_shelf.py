"""The nodes of a picture: what the plan says of them, what became of them, and where they stand. Pure.

A run that is resumed plans anew, and its nodes run again, on answers of the journal. What had ended keeps its times
unless something new was done in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from planners import Call, Node, Reduce, Think
from planners.plan import Template

from ...ending import PLANNER
from ...output import OUTPUT
from ...runs.words import describe, short
from .layout import Place, laid_out
from .shelf import Changes, Entity, Shelf
from .usages import NOTHING, UsageData, added, cached_share
from .waited_for import CriticalPath, Round, Span, waited_for

LONGEST_TEXT = 2_000
"""Characters of what was asked and of a result; all of it is a text of its own."""

_LONGEST_LABEL = 80
_UNFINISHED = ("running", "deferred")


class NodeShelf(Shelf):
    """Nodes by their ids.

    Args:
        changes: Numbers the changes.
        method: That of nodes that name none.

    Attributes:
        whole: What was asked of nodes and what they gave where a picture has only the beginning, by the node's id.
        critical: What was waited for.
    """

    def __init__(self, changes: Changes, method: str = "") -> None:
        super().__init__(changes)
        self._method = method
        self.whole: dict[str, tuple[str, str]] = {}
        self.critical = CriticalPath()
        self._planned: dict[str, float] = {}
        self._critical: frozenset[str] = frozenset()
        self._layout: dict[str, Place] = {}
        self._new_edges = False
        # Ends of an earlier life, of nodes in which nothing new has been done since.
        self._ended: dict[str, float] = {}

    @property
    def counts(self) -> dict[str, int]:
        """How many nodes of the plan are in each state."""
        return dict(Counter(node["state"] for node in self if node["kind"] not in _BESIDE))

    def plan(self, node: Node, time: float) -> None:
        """A node came into the plan."""
        asked = _asked(node)
        # In a run that is resumed it comes at another time; what it waited for first is told.
        self._planned.setdefault(node.id, time)
        self._put(
            node.id,
            kind=node.kind,
            label=short(describe(node), _LONGEST_LABEL),
            what=_what(node, self._method),
            asked=asked[:LONGEST_TEXT],
            depends=[name for name in node.dependencies if name in self],
        )
        self._keep_whole(node.id, asked=asked)

    def start(self, id: str, time: float) -> None:
        """A node began."""
        node = self.known(id)
        start = time if node["start"] is None else node["start"]
        self.change(id, state="running", reason="", start=start, end=None)

    def finish(self, id: str, state: str, reason: str, result: Any, time: float) -> None:
        """A node ended."""
        node = self.known(id)
        # What never began has no time.
        end = None if node["start"] is None else self._ended.pop(id, time)
        text = None if result is None else result if isinstance(result, str) else _json(result)
        shown = None if text is None else text[:LONGEST_TEXT]
        self.change(id, state=state, reason=reason, result=shown, end=end)
        self._keep_whole(id, result=text or "")

    def wait(self, id: str, state: str, reason: str) -> None:
        """A node waits for somebody."""
        self.known(id)
        self.change(id, state=state, reason=reason)

    def count_call(self, id: str, usage: UsageData) -> None:
        """A call of a node ended."""
        node = self.known(id)
        usage = added(node["usage"], usage)
        self.change(id, usage=usage, calls=node["calls"] + 1, cached_share=cached_share(usage))
        self._ended.pop(id, None)

    def begin_again(self) -> None:
        """The run is resumed."""
        for node in self:
            if node["state"] in ("ok", "truncated") and node["end"] is not None:
                self._ended[node["id"]] = node["end"]
            elif node["state"] in _UNFINISHED:
                self.change(node["id"], state="waiting")

    def stop(self, time: float, reason: str) -> None:
        """Nobody works on the run any more: what ran does not."""
        for node in self:
            if node["state"] == "running":
                self.change(node["id"], state="cancelled", reason=reason, end=time)

    def known(self, id: str) -> Entity:
        """A node, also one that the plan does not have: the planner, the output, what a newer version planned."""
        if id not in self:
            # A node that a newer version planned may be of a kind that is not known here.
            kind = {PLANNER: "planner", OUTPUT: "output"}.get(id, "call")
            last = [node["id"] for node in self if node["kind"] not in _BESIDE][-1:]
            depends = last if kind == "output" else []
            label = id if kind == "call" else kind
            self._put(id, kind=kind, label=label, what="", asked="", depends=depends)
        return self[id]

    def settle(self, now: float, rounds: Sequence[Round], ended: bool) -> None:
        """Works out what follows from all nodes together: where they stand, and what was waited for."""
        if self._new_edges:
            needs = {node["id"]: node["depends"] for node in self}
            self._layout = laid_out(needs, self._layout)
            self._new_edges = False
            for id, place in self._layout.items():
                self.change(id, layer=place.layer, place=place.place)
        self._settle_critical(now, rounds, ended)

    def _settle_critical(self, now: float, rounds: Sequence[Round], ended: bool) -> None:
        spans = {
            node["id"]: Span(
                needs=node["depends"],
                planned=self._planned.get(node["id"], 0.0),
                start=node["start"],
                end=now if node["end"] is None else node["end"],
            )
            for node in self
            if node["start"] is not None and node["kind"] != "planner"
        }
        # Of a run that has ended it is the way to the answer.
        answer = next((node["id"] for node in reversed(list(self)) if node["id"] in spans), None)
        last = [OUTPUT] if OUTPUT in spans else [answer] if ended and answer else list(spans)
        self.critical = waited_for(spans, last, rounds)
        critical = frozenset(self.critical.nodes)
        if self.critical.planner:
            critical |= {PLANNER}
        for id in self._critical ^ critical:
            if id in self:
                self.change(id, critical=id in critical)
        self._critical = critical

    def _put(self, id: str, **fields: Any) -> None:
        if id in self:
            self._new_edges |= self[id]["depends"] != fields["depends"]
            self.change(id, **fields)
            return
        self._new_edges = True
        self.add(id, {"id": id, **fields, **_fresh()})

    def _keep_whole(self, id: str, *, asked: str | None = None, result: str | None = None) -> None:
        before = self.whole.get(id, (self[id]["asked"], self[id]["result"] or ""))
        asked, result = asked or before[0], before[1] if result is None else result
        if len(asked) > LONGEST_TEXT or len(result) > LONGEST_TEXT:
            self.whole[id] = asked, result
            if self[id]["text"] is None:
                self.change(id, text=f"n{self._places[id]}")


_BESIDE = ("planner", "output")


def _fresh() -> Entity:
    return {
        "state": "waiting",
        "reason": "",
        "start": None,
        "end": None,
        "critical": False,
        "layer": 0,
        "place": 0,
        "usage": NOTHING,
        "calls": 0,
        "cached_share": None,
        "result": None,
        "text": None,
    }


def _what(node: Node, method: str) -> str:
    if isinstance(node, Call):
        return node.tool
    if isinstance(node, Think):
        return node.method or method
    return node.reducer if isinstance(node, Reduce) else ""


def _asked(node: Node) -> str:
    """A node's prompt, or its arguments as JSON, as the plan has them."""
    if isinstance(node, Call):
        return _json(node.model_dump(mode="json", by_alias=True)["arguments"])
    text = node.prompt if isinstance(node, Think | Reduce) else node.text
    if not isinstance(text, Template):
        return text
    parts = (part if isinstance(part, str) else f"${part.node}" for part in text.parts)
    return "".join(parts)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
