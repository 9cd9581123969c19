"""How long samples took in processes that were stopped before these ended. Pure: a fold over an evaluation's events.

    sample begins ─ calls that are kept ─> the oldest call begins that was lost ─ ... ─> the process is stopped
          └──────────────── counts ────────────────┘

What the journal kept takes no time when the sample is made again; a lost call is made again, and takes all of its own.
So the sum is what the sample would have taken in one process, or a little less, where its threads do not wait for one
another: the time of those that were ahead of the oldest lost call is counted for none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator import (
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodeStarted,
    RunStarted,
)

_BROKEN = ("aborted", "failed")


@dataclass(slots=True)
class _Try:
    """A sample in one process.

    Attributes:
        began: When it did.
        kept: When the last of its calls ended well.
        open: When those began that go on, by their number.
        broken: When those began that broke since anything else of it went on.
    """

    began: float
    kept: float
    open: dict[int, float] = field(default_factory=dict)
    broken: list[float] = field(default_factory=list)

    def begin(self, event: GenerationStarted) -> None:
        # It goes on without what broke: a method that had enough let it go.
        self.broken.clear()
        self.open[event.call] = event.time

    def end(self, event: GenerationFinished) -> None:
        began = self.open.pop(event.call, event.time)
        if event.finish_reason in _BROKEN or event.limited_by is not None:
            self.broken.append(began)
        else:
            self.broken.clear()
            self.kept = event.time

    @property
    def seconds(self) -> float:
        return min((*self.open.values(), *self.broken), default=self.kept) - self.began


def earlier_seconds(events: Iterable[Event]) -> Mapping[str, float]:
    """What counts of earlier processes, by the nodes of samples that are to be made again.

    Args:
        events: Of all processes, one after another.
    """
    seconds: dict[str, float] = defaultdict(float)
    running: dict[str, _Try] = {}

    def stop() -> None:
        for node, one in running.items():
            seconds[node] += one.seconds
        running.clear()

    for event in events:
        match event:
            case RunStarted():
                stop()
            case NodeStarted(node=node, time=time):
                running[node] = _Try(began=time, kept=time)
            case GenerationStarted(node=node) if node in running:
                running[node].begin(event)
            case GenerationFinished(node=node) if node in running:
                running[node].end(event)
            case NodeFinished(node=node, status="failed" | "cancelled") if node in running:
                seconds[node] += running.pop(node).seconds
            case NodeFinished(node=node):
                running.pop(node, None)
    stop()
    return seconds
