"""How fast things went and how long they got, from the events of earlier runs. Pure: see `measured_rates.py` for files.

Times are medians, since a few calls that hung say nothing of the others. Lengths are means, since a total is asked of
them, and token limits bound them anyway.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean, median

from planners import Call, Node, Reduce, Think

from ..events import (
    ApprovalAsked,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    RunStarted,
)
from ..execution.critical_path import configuration_of
from ..forecasting.rates import GUESSED_PACE, GUESSED_TOOL, Rates


@dataclass(slots=True)
class _Generating:
    """A node that calls the engine."""

    open: int = 0
    threads: int = 0
    tokens: int = 0


class Measurements:
    """Feed it the events of one run after another: `begin_run`, then `apply` for each event."""

    def __init__(self) -> None:
        self._paces: defaultdict[int, list[float]] = defaultdict(list)
        self._tools: defaultdict[str, list[float]] = defaultdict(list)
        self._tokens: defaultdict[str, list[float]] = defaultdict(list)
        self._threads: defaultdict[str, list[int]] = defaultdict(list)
        self.begin_run()

    def begin_run(self, *, method: str = "", reducer: str = "") -> None:
        """What comes now is of another run.

        Args:
            method: What its nodes think with that name no method; empty if it is not known.
            reducer: What takes the place of its nodes' reducers; empty if nothing does.
        """
        self._method = method
        self._reducer = reducer
        self._nodes: dict[str, Node] = {}
        self._begin_life(resumed=False)

    def _begin_life(self, *, resumed: bool) -> None:
        # What a resumed run has in its journal takes no time.
        self._resumed = resumed
        self._started: dict[str, float] = {}
        self._calls: dict[int, tuple[float, float]] = {}
        self._generating: dict[str, _Generating] = {}
        # Calls that are open, summed over time: the mean while a call was is the difference by its time.
        self._open_seconds = 0.0
        self._time = 0.0

    def apply(self, event: Event) -> None:
        """Takes note of an event."""
        self._open_seconds += len(self._calls) * max(0.0, event.time - self._time)
        self._time = max(self._time, event.time)
        match event:
            case RunStarted():
                self._begin_life(resumed=event.resumed)
            case NodePlanned():
                self._nodes[event.node.id] = event.node
            case NodeStarted():
                self._started[event.node] = event.time
            case ApprovalAsked():
                # A person's time is not the tool's.
                self._started.pop(event.node, None)
            case GenerationStarted():
                self._begin_call(event)
            case GenerationFinished():
                self._end_call(event)
            case NodeFinished():
                self._end_node(event)

    def _begin_call(self, event: GenerationStarted) -> None:
        self._calls[event.call] = (event.time, self._open_seconds)
        node = self._generating.setdefault(event.node, _Generating())
        node.open += 1
        node.threads = max(node.threads, node.open)

    def _end_call(self, event: GenerationFinished) -> None:
        started, open_seconds = self._calls.pop(event.call, (event.time, self._open_seconds))
        tokens, seconds = event.usage.generated_tokens, event.time - started
        node = self._generating.setdefault(event.node, _Generating())
        node.open -= 1
        node.tokens += tokens
        done = event.finish_reason in ("stop", "length") and not event.replayed
        if done and tokens and seconds > 0:
            at_once = (self._open_seconds - open_seconds) / seconds
            # Powers of two are fine enough, and have enough calls each.
            self._paces[round(math.log2(max(1.0, at_once)))].append(seconds / tokens)

    def _end_node(self, event: NodeFinished) -> None:
        node = self._nodes.get(event.node)
        started = self._started.pop(event.node, None)
        generating = self._generating.pop(event.node, None) or _Generating()
        if event.status not in ("ok", "truncated") or node is None:
            return
        if isinstance(node, Call):
            if started is not None and not self._resumed:
                self._tools[node.tool].append(max(0.0, event.time - started))
        elif isinstance(node, Think | Reduce):
            threads = max(1, generating.threads)
            if name := configuration_of(node, self._method, self._reducer):
                self._tokens[name].append(generating.tokens / threads)
                self._threads[name].append(threads)

    def rates(self, source: str) -> Rates:
        """What was measured; what was not is guessed."""
        tools = {name: median(seconds) for name, seconds in self._tools.items()}
        return Rates(
            pace={2**step: median(paces) for step, paces in self._paces.items()} or GUESSED_PACE,
            tools=tools,
            tool=median(tools.values()) if tools else GUESSED_TOOL,
            tokens={name: fmean(tokens) for name, tokens in self._tokens.items()},
            threads={name: round(median(most)) for name, most in self._threads.items()},
            source=source,
        )
