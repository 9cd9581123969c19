"""A run as a picture: nodes, threads, calls and decisions, as JSON data that can be asked for what is new in it. Pure.

    events ─────┐
    journal ────┼─> fold ─> entities, each with the number of the change that it was last part of
    samples ────┘

Each change may touch a few entities. Times are in seconds since the run began, all its lives together. It takes what
there is, in any order: events without a journal, a journal whose events are torn, the lives of a run that was killed
and resumed. It knows no files, and no browser.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...ending import PLANNER
from ...events import (
    ApprovalAsked,
    ApprovalDecided,
    CallDeferred,
    CallNoticed,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    PlanFinished,
    RunFinished,
    RunStarted,
)
from ...output import OUTPUT
from .call_matching import CallMatching, EndedCall, KeptRow
from .node_shelf import NodeShelf
from .run_facts import RunFacts
from .search_decision import selection_of
from .shelf import Changes, Shelf
from .thread_shelf import ThreadShelf
from .usages import NOTHING, UsageData, added, usage_data
from .waited_for import Round

SCHEMA_VERSION = 1

_KILLED = "the run stopped while it ran"
_MOST_DATA = 4_000
# Of calls without a text.
_KEPT_LATER = "its prompt and output are kept when it ends"
_NOT_KEPT = "it came to no end, and its text is not kept"


class Picture:
    """A run that grows.

    Args:
        facts: What is known of it from elsewhere than its events.

    Attributes:
        nodes_of_texts: The node of each text that can be asked for.
        plan_text: What the planner wrote, where it told it.
    """

    def __init__(self, facts: RunFacts | None = None) -> None:
        self.facts = facts or RunFacts()
        self._changes = Changes()
        self.nodes = NodeShelf(self._changes, self.facts.method)
        self.threads = ThreadShelf(self._changes)
        self.calls = Shelf(self._changes)
        self.decisions = Shelf(self._changes)
        self.nodes_of_texts: dict[str, str] = {}
        self.plan_text = ""
        self._matching = CallMatching()
        self._numbers: Counter[str] = Counter()
        self._usage: UsageData = NOTHING
        self._question = self._model = ""
        self._end: RunFinished | None = None
        # Where the times and numbers of this life begin.
        self._zero = 0.0
        self._first_call = self._last_call = 0
        self._begun = self._stopped = False
        self._time = 0.0
        self._lives: list[float] = []
        self._open: dict[int, None] = {}
        self._settled = (-1, 0.0)

    @property
    def version(self) -> int:
        """The number of the last change."""
        return self._changes.number

    def apply(self, event: Event) -> None:
        """Takes an event, in the order in which they were written."""
        self._changes.begin()
        if isinstance(event, RunStarted):
            self._begin_life(event)
        time = self._time = round(self._zero + event.time, 6)
        match event:
            case GenerationStarted():
                self._begin_call(event, time)
            case GenerationFinished():
                self._end_call(event, time)
            case NodePlanned():
                self.nodes.plan(event.node, time)
            case NodeStarted():
                self.nodes.start(event.node, time)
                self.threads.begin_node(event.node)
            case NodeFinished():
                self.nodes.finish(event.node, event.status, event.reason, event.result, time)
                self.threads.end_node(event.node, event.status, time)
            case CallNoticed():
                self._notice(event)
            case ApprovalAsked():
                self.nodes.wait(event.node, "running", "waits for approval")
            case ApprovalDecided():
                self.nodes.wait(event.node, "running", event.reason)
            case CallDeferred():
                self.nodes.wait(
                    event.node, "deferred", "waits for somebody outside to make the call"
                )
            case PlanFinished():
                self._finish_plan(event, time)
            case RunFinished():
                self._finish_run(event, time)
            case _:
                # What is for the eyes only, and kinds that came later.
                pass

    def take_row(self, row: KeptRow) -> None:
        """Takes a call as the journal has it."""
        self._changes.begin()
        self._match(self._matching.add_row(row))

    def take_tool(self, id: int, node: str) -> None:
        """Takes a call of a tool as the journal has it."""
        self._changes.begin()
        key = f"t{id}"
        # What a run inside a node calls is told as the node's.
        outer = node.partition("/")[0]
        self.nodes_of_texts[key] = outer
        if node in self.nodes:
            self.nodes.change(node, text=key)

    def take_decision(self, path: str, value: str) -> None:
        """Takes a decision as the journal has it; `value` is JSON."""
        self._changes.begin()
        selection = selection_of(path, _loaded(value))
        if selection is None:
            decided = path.rpartition("#")[2]
            kind = "join" if decided.partition("-")[0] == "join" else "other"
            number = decided.rpartition("-")[2]
            wave = int(number) if number.isdecimal() else 0
            data: dict[str, Any] = {"value": value[:_MOST_DATA]}
        else:
            kind, wave, data = "selection", selection.wave, selection.data()
            for verdict in selection.verdicts():
                self.threads.judge(verdict)
        if path in self.decisions:
            self.decisions.change(path, data=data)
        else:
            self.decisions.add(path, {"path": path, "kind": kind, "wave": wave, "data": data})

    def take_samples(self, rows: Iterable[Any]) -> None:
        """Takes what the samples say of each node's threads."""
        self._changes.begin()
        for row in rows:
            if isinstance(row, Mapping) and isinstance(row.get("threads"), list):
                self.threads.take_samples(str(row.get("id")), row["threads"])

    def note(self, what: str) -> None:
        """Something cannot be shown."""
        if what != self.facts.note:
            self._changes.begin()
            self.facts = replace(self.facts, note=what)

    @property
    def resumed(self) -> int:
        """How often the run was resumed."""
        return len(self._lives)

    @property
    def has_stopped(self) -> bool:
        """Whether nothing goes on any more, as far as is known."""
        return self._end is not None or self._stopped

    def stop(self) -> None:
        """Nobody works on the run, which may have come to no end."""
        self._stopped = True
        if self._end is None:
            self._changes.begin()
            self._leave_calls()
            self._leave_nodes(self._time, _KILLED)

    @property
    def life_began(self) -> float:
        """When the run was resumed last, in its own seconds; 0 in its first life."""
        return self._zero

    def data(self, since: int = 0, *, live: bool = False, now: float = 0.0) -> dict[str, Any]:
        """The picture as JSON data.

        Args:
            since: Only entities of later changes are given; 0 gives all, and so does a change that has not been yet:
                whoever knows of it has seen another picture.
            live: Whether somebody works on the run.
            now: Seconds since the run began, all its lives together.
        """
        now = max(now, self._time)
        # What is critical, and for how long, may change while nothing else does: a node runs.
        if self._settled < (self.version, now):
            self._changes.begin()
            self.nodes.settle(now, self._rounds(now), self._end is not None)
            self._settled = self.version, now
        since = since if since <= self.version else 0
        return {
            "schema_version": SCHEMA_VERSION,
            "version": self.version,
            "live": live,
            "run": self._run_data(live, now),
            "nodes": self.nodes.since(since),
            "threads": self.threads.since(since),
            "calls": self.calls.since(since),
            "decisions": self.decisions.since(since),
        }

    def _run_data(self, live: bool, now: float) -> dict[str, Any]:
        end = self._end
        # Of a call that was read as a whole and left, only the run's own count tells.
        usage = self._usage if end is None or live else usage_data(end.usage)
        state = "running" if live else "interrupted" if end is None else end.status
        critical = self.nodes.critical
        return {
            **self.facts.data(),
            "question": self.facts.question or self._question,
            "model": self._model,
            "state": state,
            "seconds": round(now if live else self._time, 6),
            "answer": None if end is None else end.answer,
            "remark": "" if end is None else end.remark,
            "reason": "" if end is None else end.reason,
            "usage": usage,
            "critical_path": None if end is None else end.critical_path,
            "critical_seconds": round(critical.seconds, 6),
            "nodes": self.nodes.counts,
            "threads": self.threads.counts,
            "calls": {"open": len(self._open), **self._numbers},
            "lives": self._lives,
        }

    def _begin_life(self, event: RunStarted) -> None:
        self._question, self._model, self._end = event.question, event.model, None
        begun = self._begun or bool(self.calls or self.nodes)
        self._begun, self._stopped = True, False
        if not begun:
            return
        self._leave_calls()
        self.nodes.begin_again()
        self._lives.append(self._time)
        self._zero, self._first_call = self._time, self._last_call

    def _begin_call(self, event: GenerationStarted, time: float) -> None:
        id = self._first_call + event.call
        if id in self.calls:
            id = self._id_in_a_life_whose_beginning_is_lost(event.call)
        self._open[id] = None
        self.threads.begin_call(event.node, event.path, time)
        if event.node in (PLANNER, OUTPUT):
            self.nodes.start(event.node, time)
        self._add_call(id, event.node, event.path, time, event.workers)

    def _id_in_a_life_whose_beginning_is_lost(self, call: int) -> int:
        # Numbers begin anew in each life.
        self._first_call = self._last_call
        return self._first_call + call

    def _add_call(self, id: int, node: str, path: str, start: float, workers: int) -> None:
        call = {
            "id": id,
            "node": node,
            "thread": path,
            "start": start,
            "end": None,
            "state": "running",
            "usage": NOTHING,
            "limited_by": None,
            "replayed": False,
            "notices": [],
            "workers": workers,
            "preview": "",
            "text": None,
            "note": _KEPT_LATER,
        }
        self.calls.add(id, call)
        self._last_call = max(self._last_call, id)

    def _end_call(self, event: GenerationFinished, time: float) -> None:
        id, usage = self._first_call + event.call, usage_data(event.usage)
        if id in self.calls and self.calls[id]["thread"] != event.path:
            id = self._id_in_a_life_whose_beginning_is_lost(event.call)
        if id not in self.calls:
            # Its beginning is lost.
            start = max(self._zero, time - event.seconds)
            self.threads.begin_call(event.node, event.path, start)
            self._add_call(id, event.node, event.path, round(start, 6), 1)
        self._open.pop(id, None)
        state, reason = str(event.finish_reason), _limit(event)
        self.calls.change(
            id,
            end=time,
            state=state,
            usage=usage,
            limited_by=event.limited_by,
            replayed=event.replayed,
            note=_NOT_KEPT if state in ("aborted", "failed") else "",
        )
        # What an earlier life did is counted there.
        counts = not (event.replayed and self._lives)
        self.threads.end_call(event.path, time, state, usage, reason, counts=counts)
        if counts:
            self.nodes.count_call(event.node, usage)
            self._usage = added(self._usage, usage)
        broken = "broken" if state in ("aborted", "failed") else "finished"
        self._numbers["replayed" if event.replayed else broken] += 1
        tokens, life = event.usage.generated_tokens, len(self._lives)
        ended = EndedCall(id, event.path, state, tokens, life, event.replayed)
        self._match(self._matching.add_call(ended))

    def _match(self, found: Iterable[tuple[EndedCall, KeptRow]]) -> None:
        for call, row in found:
            key = f"c{row.id}"
            self.calls.change(call.id, preview=row.preview, text=key, note="")
            self.nodes_of_texts.setdefault(key, self.calls[call.id]["node"])

    def _leave_calls(self) -> None:
        """Calls that went on when the process was killed."""
        for id in self._open:
            call = self.calls.change(id, state="aborted", end=self._time, note=_NOT_KEPT)
            self.threads.end_call(call["thread"], self._time, "aborted", NOTHING, "", counts=True)
            self._numbers["broken"] += 1
        self._open.clear()

    def _notice(self, event: CallNoticed) -> None:
        # The one that began last on this path; a hedge has two, which are one call here.
        for id in reversed(self._open):
            call = self.calls[id]
            if (call["node"], call["thread"]) == (event.node, event.path):
                notice = {"what": event.what, "reason": event.reason}
                self.calls.change(id, notices=[*call["notices"], notice])
                return

    def _finish_plan(self, event: PlanFinished, time: float) -> None:
        self.plan_text = event.text
        if not event.text and PLANNER not in self.nodes:
            return
        self.nodes.known(PLANNER)
        if self.nodes[PLANNER]["start"] is None:
            self.nodes.start(PLANNER, self._zero)
        self.nodes.finish(PLANNER, "ok", "", event.text or None, time)
        self.threads.end_node(PLANNER, "ok", time)
        if event.text:
            self.nodes.change(PLANNER, text="plan", what=self.facts.planner)
            self.nodes_of_texts["plan"] = PLANNER

    def _finish_run(self, event: RunFinished, time: float) -> None:
        self._end = event
        beside = "ok" if event.status in ("ok", "deferred") else event.status
        for id in (PLANNER, OUTPUT):
            node = self.nodes.get(id)
            if node is not None and node["state"] == "running":
                result = event.answer if id == OUTPUT else None
                self.nodes.finish(id, beside, event.reason, result, time)
                self.threads.end_node(id, beside, time)
        self._leave_calls()
        if event.status != "deferred":
            self._leave_nodes(time, event.reason or "the run ended before it")

    def _leave_nodes(self, time: float, reason: str) -> None:
        """What ran when the run ended."""
        self.nodes.stop(time, reason)
        self.threads.stop(time)

    def _rounds(self, now: float) -> list[Round]:
        calls = (call for call in self.calls if call["node"] == PLANNER)
        rounds = [Round(c["start"], now if c["end"] is None else c["end"]) for c in calls]
        return sorted(rounds)


def _limit(event: GenerationFinished) -> str:
    if event.limited_by is not None:
        return f"the budget's {event.limited_by} cut it"
    return "it reached its token limit" if event.finish_reason == "length" else ""


def _loaded(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None
