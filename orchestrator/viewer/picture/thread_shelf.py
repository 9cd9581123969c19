"""The threads of a picture: what calls, the decisions of searches and, in the end, samples tell of them. Pure.

Calls come first, and tell that a thread is and how far it has come. A search's decision tells why it does not go on;
the samples, once the run has ended, whether it was chosen, its score and its answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...runs.words import short
from .path_trie import PathTrie
from .search_decision import Verdict, known_score
from .shelf import Changes, Shelf
from .usages import NOTHING, UsageData, added

_STATES = {"stop": "ok", "length": "truncated", "aborted": "cancelled", "failed": "failed"}
_PASSED_OVER = "passed over"
_LONGEST_VALUE = 200


class ThreadShelf(Shelf):
    """Threads by their paths.

    Args:
        changes: Numbers the changes.
    """

    def __init__(self, changes: Changes) -> None:
        super().__init__(changes)
        self._tries: dict[str, PathTrie] = {}
        self._open: Counter[str] = Counter()
        self._verdicts: dict[str, Verdict] = {}
        # Of each node, those that only are where others fork.
        self._forks: dict[str, list[str]] = {}

    @property
    def counts(self) -> dict[str, int]:
        """How many threads are in each state."""
        return dict(Counter(thread["state"] for thread in self))

    def begin_call(self, node: str, path: str, time: float) -> None:
        """A call began on this path."""
        self._known(node, path, time)
        self._open[path] += 1
        start = self[path]["start"]
        self.change(path, state="running", start=time if start is None else start)

    def end_call(
        self, path: str, time: float, state: str, usage: UsageData, reason: str, *, counts: bool
    ) -> None:
        """A call on this path ended; one that does not count was made in an earlier life of the run already."""
        thread = self[path]
        self._open[path] -= 1
        if counts:
            self.change(
                path, end=time, usage=added(thread["usage"], usage), calls=thread["calls"] + 1
            )
        if self._open[path] <= 0:
            self.change(path, state=_STATES[state], reason=reason)
            self._judge(path)

    def judge(self, verdict: Verdict) -> None:
        """A search decided about a thread, which may not be known yet."""
        self._verdicts[verdict.path] = verdict
        self._judge(verdict.path)

    def begin_node(self, node: str) -> None:
        """A node began; in a run that is resumed, the forks in it go on that had been left."""
        for path in self._forks.get(node, ()):
            if not self[path]["calls"] and self[path]["state"] == "cancelled":
                self.change(path, state="running", end=None)

    def end_node(self, node: str, state: str, time: float) -> None:
        """A node ended, and so do the forks in it."""
        ended = state if state in ("ok", "truncated", "failed") else "cancelled"
        for path in self._forks.get(node, ()):
            if not self[path]["calls"]:
                self.change(path, state=ended, end=time)

    def stop(self, time: float) -> None:
        """Nobody works on the run any more: forks in nodes that came to no end do not go on."""
        for thread in self:
            if thread["state"] == "running":
                self.change(thread["id"], state="cancelled", end=time)

    def take_samples(self, node: str, threads: Sequence[Any]) -> None:
        """What the samples say of a node's threads."""
        # Deep searches are deeper than Python calls itself.
        beneath = list(reversed(threads))
        while beneath:
            sample = beneath.pop()
            if isinstance(sample, Mapping) and isinstance(sample.get("path"), str):
                self._take_sample(node, sample)
                beneath += reversed(sample.get("threads") or ())

    def _take_sample(self, node: str, sample: Mapping[str, Any]) -> None:
        path, status = sample["path"], str(sample.get("status", "ok"))
        reason = str(sample.get("reason") or "")
        answer, score = sample.get("answer"), known_score(sample.get("score"))
        self._known(node, path, None)
        state = "passed-over" if (status, reason) == ("cancelled", _PASSED_OVER) else status
        verdict = self._verdicts.get(path)
        if state == "passed-over" and verdict is not None and verdict.reason:
            reason = verdict.reason
        self.change(
            path,
            state=state,
            reason=reason,
            chosen=bool(sample.get("chosen")),
            score=self[path]["score"] if score is None else score,
            value=None if answer is None else short(str(answer), _LONGEST_VALUE),
        )

    def _known(self, node: str, path: str, time: float | None) -> None:
        """Sees to it that a thread is there, with those that become threads by that."""
        if path in self:
            return
        trie = self._tries.get(node) or self._tries.setdefault(node, PathTrie(node))
        for thread in trie.add(path):
            if thread.path in self:
                self.change(thread.path, parent=thread.parent, name=thread.name)
                continue
            if thread.path != path:
                self._forks.setdefault(node, []).append(thread.path)
            self.add(thread.path, _entity(node, thread.path, thread.parent, thread.name, time))
            self._judge(thread.path)

    def _judge(self, path: str) -> None:
        verdict, thread = self._verdicts.get(path), self.get(path)
        if verdict is None or thread is None:
            return
        if verdict.score is not None:
            self.change(path, score=verdict.score)
        if verdict.went_on and thread["state"] == "passed-over":
            self.change(path, state="ok", reason="")
        elif not verdict.went_on and thread["state"] in ("ok", "truncated"):
            self.change(path, state="passed-over", reason=verdict.reason)


def _entity(
    node: str, path: str, parent: str | None, name: str, time: float | None
) -> dict[str, Any]:
    return {
        "id": path,
        "parent": parent,
        "node": node,
        "name": name,
        "state": "running" if time is not None else "cancelled",
        "chosen": False,
        "score": None,
        "reason": "",
        "value": None,
        "start": time,
        "end": None,
        "usage": NOTHING,
        "calls": 0,
    }
