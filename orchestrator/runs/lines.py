"""A run as plain lines, for logs and pipes: one for what begins, ends or goes wrong."""

from __future__ import annotations

from typing import IO

from ..events import (
    ApprovalAsked,
    CallNoticed,
    Event,
    GenerationStarted,
    NodeFinished,
    NodeStarted,
)
from .run_view import NodeView, RunView
from .words import MARKS, printable, recap, short


class Lines:
    """Writes lines about a run.

    Args:
        file: Where to.
        view: What is known of the run.
    """

    def __init__(self, file: IO[str], view: RunView) -> None:
        self._file = file
        self._view = view
        self._planned = ""
        # How deep the searches are of which it was told.
        self._depths: dict[str, int] = {}

    def say(self, headline: str, *, lasting: bool = True) -> None:
        """Writes what is going on, if that lasts."""
        if lasting:
            self._write(headline)

    def add_to_plan(self, text: str) -> None:
        """Writes the plan's lines that have become complete."""
        *complete, self._planned = (self._planned + text).split("\n")
        for line in filter(None, complete):
            self._write(f"plan  {line}")

    def end_plan(self) -> None:
        """Writes the plan's last line."""
        self.add_to_plan("\n")

    def tell(self, event: Event) -> None:
        """Writes what happened to a node or a call."""
        match event:
            case NodeStarted():
                what = " ".join(self._view.nodes[event.node].what.split())
                self._write(f"▶ {event.node}  {what}")
            case NodeFinished():
                self._write(_ended(self._view.nodes[event.node]))
            case GenerationStarted():
                self._tell_depth(event.node)
            case ApprovalAsked():
                self._write(f"  {event.node}  {event.tool} waits for approval")
            case CallNoticed():
                self._write(f"  {event.node}  {event.what}: {short(event.reason)}")

    def end(self) -> None:
        """Writes what was unusual about the run's calls."""
        if told := recap(self._view.statistics()):
            self._write(told)

    def open(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Nothing is to be done."""

    def _tell_depth(self, name: str) -> None:
        """Writes that a search goes a step deeper."""
        node = self._view.nodes.get(name)
        if node is not None and node.depth > self._depths.get(name, 0):
            self._depths[name] = node.depth
            done, tokens = node.calls_ended, node.tokens
            self._write(f"  {name}  step {node.depth}  ({done:,} calls done, {tokens:,} tokens)")

    def _write(self, line: str) -> None:
        # By rich it would take a hundred times as long.
        self._file.write(f"{printable(line)}\n")


def _ended(node: NodeView) -> str:
    """What became of a node and what it took; one that needed no model took no tokens."""
    tokens = node.tokens + node.streamed
    taken = f"{tokens:,} tokens, {node.seconds:.1f} s" if tokens else f"{node.seconds:.1f} s"
    return f"{MARKS[node.state]} {node.id}  {short(node.outcome)}  ({taken})"
