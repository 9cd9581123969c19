"""What a run's events and texts become for a client, while it goes on. Pure.

    PlanText ─────────────────> Reasoning     as it comes
    the end of a call ────────> Reasoning     a thread's whole text, under its name
    AnswerText ───────────────> Said          as it comes, where one call gives the answer
    the other events ─────────> Told          without what is for the operator only

It does not know how the run ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engines import Choice, Sampling, Usage

from ...events import (
    AnswerText,
    Event,
    GenerationFinished,
    NodeFinished,
    NodeStarted,
    PlanText,
    RunStarted,
    TokensGenerated,
)
from ...openai_api.pieces import Piece, Reasoning, Said, Told
from .refusals import Refusals

# What nodes think begins behind the question; planners and outputs have contexts of their own.
_ROOT = "root/"
_OUTPUT = "(output)"
# So often a client is told how far a node is, in seconds.
_TOKENS_EVERY = 0.5
# Reasons name files and addresses, and results are of tools that are the server's own; the rest is told elsewhere.
_NOT_TOLD = {"reason", "result", "data", "question", "model", "answer", "remark"}


class Telling:
    """What one client is told of its run.

    Args:
        streamed: Whether it hears of things while they happen; else what threads say is told once the answer is known.
        events: Whether it hears of events, and not only of texts.
        says: Whether the answer's text is what the client is to read, and not a value that is made of it.

    Attributes:
        said: The answer's text so far.
        before: What earlier requests of the same run took.
        refusals: Which calls there was no room for.
    """

    def __init__(self, *, streamed: bool, events: bool, says: bool) -> None:
        self.said = ""
        self.before = Usage()
        self.refusals = Refusals()
        self._streamed = streamed
        self._events = streamed and events
        self._says = says
        self._running: set[str] = set()
        self._texts: list[tuple[str, str]] = []
        self._tokens: dict[str, _Tokens] = {}

    def overhear(self, path: str, sampling: Sampling, text: str) -> None:
        """Takes the text of a call that has ended, for the next event to tell it."""
        is_thought = path.startswith(_ROOT) and _OUTPUT not in path
        if is_thought and not _is_mark(sampling) and text.strip():
            self._texts.append((path.removeprefix(_ROOT), text))

    def pieces(self, event: Event) -> Iterator[Piece]:
        """What a client gets for an event."""
        match event:
            case PlanText(delta=delta):
                yield Reasoning(delta)
            case AnswerText(delta=delta):
                yield from self._answer(delta)
            case TokensGenerated():
                yield from self._counted(event)
            case _:
                self._follow(event)
                if self._streamed and isinstance(event, GenerationFinished):
                    yield from self.thoughts(self.said)
                yield from self._told(event)

    def thoughts(self, answer: str) -> Iterator[Piece]:
        """What threads have said that was not told yet, but for the answer, which led to no other."""
        for path, text in self._texts:
            if text != answer:
                yield Reasoning(f"[{path}]\n{text.strip()}\n\n")
        self._texts.clear()

    def _follow(self, event: Event) -> None:
        if isinstance(event, GenerationFinished):
            self.refusals.follow(event)
        match event:
            case RunStarted(usage=usage):
                self.before = usage
            case NodeStarted(node=node):
                self._running.add(node)
            case NodeFinished(node=node):
                self._running.discard(node)

    def _answer(self, delta: str) -> Iterator[Piece]:
        """Text of the thread that answers; the whole text that a run tells at its end is the result's too."""
        if self._says and self._running:
            self.said += delta
            yield Said(delta)

    def _counted(self, event: TokensGenerated) -> Iterator[Piece]:
        tokens = self._tokens.setdefault(event.node, _Tokens(event.time))
        tokens.untold += event.tokens
        if event.time - tokens.told >= _TOKENS_EVERY:
            yield from self._told(event.model_copy(update={"tokens": tokens.untold}))
            self._tokens[event.node] = _Tokens(event.time)

    def _told(self, event: Event) -> Iterator[Piece]:
        if self._events:
            yield Told(_data(event))


class _Tokens:
    """Of a node's tokens: when some were told last, and how many came since."""

    def __init__(self, told: float) -> None:
        self.told = told
        self.untold = 0


def _is_mark(sampling: Sampling) -> bool:
    """Whether one token or a choice is all that a call says: what a judge finds of a thread."""
    return sampling.max_tokens == 1 or isinstance(sampling.constraint, Choice)


def _data(event: Event) -> dict[str, Any]:
    return event.model_dump(mode="json", by_alias=True, exclude=_NOT_TOLD, exclude_none=True)
