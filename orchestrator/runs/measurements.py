"""How fast things went and how long they got, from the events of earlier runs. Pure: see `measured_rates.py` for files.

Times are medians, since a few calls that hung say nothing of the others. Lengths are means, since a total is asked of
them, and token limits bound them anyway. Workers that write one call are as many threads, each with its share of it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
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
    cut: bool = False


@dataclass(slots=True)
class _Call:
    """A call of the engine that goes on, with the seconds of open threads before it."""

    started: float
    open_seconds: float
    workers: int = 1


class Measurements:
    """Feed it the events of one run after another: `begin_run`, then `apply` for each event."""

    def __init__(self) -> None:
        self._paces: defaultdict[int, list[float]] = defaultdict(list)
        self._tools: defaultdict[str, list[float]] = defaultdict(list)
        self._tokens: defaultdict[str, list[float]] = defaultdict(list)
        self._threads: defaultdict[str, list[int]] = defaultdict(list)
        self.begin_run()

    def begin_run(self, *, method: str = "", reducer: str = "", lengths: bool = True) -> None:
        """What comes now is of another run.

        Args:
            method: What its nodes think with that name no method; empty if it is not known.
            reducer: What takes the place of its nodes' reducers; empty if nothing does.
            lengths: Whether its calls got as long as those of other runs do, which they do under the same limits only.
        """
        self._method = method
        self._reducer = reducer
        self._lengths = lengths
        self._nodes: dict[str, Node] = {}
        self._begin_life(resumed=False)

    def _begin_life(self, *, resumed: bool) -> None:
        # What a resumed run has in its journal takes no time.
        self._resumed = resumed
        self._started: dict[str, float] = {}
        self._calls: dict[int, _Call] = {}
        self._threads_open = 0
        self._generating: dict[str, _Generating] = {}
        # Threads of calls that are open, summed over time: the mean while a call was is the difference by its time.
        self._open_seconds = 0.0
        self._time = 0.0

    def apply(self, event: Event) -> None:
        """Takes note of an event."""
        self._open_seconds += self._threads_open * max(0.0, event.time - self._time)
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
        self._calls[event.call] = _Call(event.time, self._open_seconds, event.workers)
        self._threads_open += event.workers
        node = self._generating.setdefault(event.node, _Generating())
        node.open += event.workers
        node.threads = max(node.threads, node.open)

    def _end_call(self, event: GenerationFinished) -> None:
        call = self._calls.pop(event.call, None)
        if call is None:
            call = _Call(event.time, self._open_seconds)
        else:
            self._threads_open -= call.workers
        tokens, seconds = event.usage.generated_tokens, event.time - call.started
        node = self._generating.setdefault(event.node, _Generating())
        node.open -= call.workers
        node.tokens += tokens
        node.cut = node.cut or event.limited_by is not None
        done = event.finish_reason in ("stop", "length") and not event.replayed
        if done and tokens and seconds > 0:
            at_once = (self._open_seconds - call.open_seconds) / seconds
            # Powers of two are fine enough, and have enough calls each.
            self._paces[round(math.log2(max(1.0, at_once)))].append(seconds * call.workers / tokens)

    def _end_node(self, event: NodeFinished) -> None:
        node = self._nodes.get(event.node)
        started = self._started.pop(event.node, None)
        generating = self._generating.pop(event.node, None) or _Generating()
        if event.status not in ("ok", "truncated") or node is None:
            return
        if isinstance(node, Call):
            if started is not None and not self._resumed:
                self._tools[node.tool].append(max(0.0, event.time - started))
        elif isinstance(node, Think | Reduce) and self._lengths and not generating.cut:
            threads = max(1, generating.threads)
            if name := configuration_of(node, self._method, self._reducer):
                self._tokens[name].append(generating.tokens / threads)
                self._threads[name].append(threads)

    def rates(self, source: str) -> Rates:
        """What was measured; what was not is guessed."""
        tools = {name: median(seconds) for name, seconds in self._tools.items()}
        steps = sorted(self._paces, reverse=True)
        # Beside others a thread is no faster, though what was measured alone may have been an engine's first calls.
        paces = accumulate((median(self._paces[step]) for step in steps), min)
        return Rates(
            pace={2**step: pace for step, pace in zip(steps, paces, strict=True)} or GUESSED_PACE,
            tools=tools,
            tool=median(tools.values()) if tools else GUESSED_TOOL,
            tokens={name: fmean(tokens) for name, tokens in self._tokens.items()},
            threads={name: round(median(most)) for name, most in self._threads.items()},
            source=source,
        )
