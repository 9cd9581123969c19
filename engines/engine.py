"""The engine interface: contexts in, tokens out.

    encode ─> Segment ─> Context ─> generate / stream ─> Completion

Everything above works on this class only. What cuts across engines (retry, limits, budgets, recording) wraps an
engine and is one; it is never a flag on an engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from .completion import Chunk, Completion, collect
from .context import Context, Role, Segment
from .delivery import STREAMED, WHOLE, Delivery
from .errors import CapabilityMissing
from .sampling import Sampling

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can do.

    Attributes:
        token_ids: Whether contexts are token ids; without them a turn of the model cannot be continued.
        constraints: The kinds of constraint that it enforces (`choice`, `regex`, `json`, `grammar`).
        window: The longest sequence in tokens, prompt and completion together; None where unknown.
        block_size: Prefixes are shared in blocks of this many tokens; None where unknown.
        collaboration: Whether several workers can write one completion over one cache.
    """

    token_ids: bool
    constraints: frozenset[str]
    window: int | None = None
    block_size: int | None = None
    collaboration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatistics:
    """What an engine is doing, by its own count.

    Attributes:
        running: Requests being decoded.
        waiting: Requests queued.
        kv_usage: The share of the KV cache in use, 0 to 1.
        prompt_tokens: Prompt tokens of all requests so far.
        generated_tokens: Tokens generated so far.
    """

    running: int
    waiting: int
    kv_usage: float
    prompt_tokens: int
    generated_tokens: int


class Engine(ABC):
    """Turns contexts into tokens."""

    @property
    @abstractmethod
    def model(self) -> str:
        """The model's name."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this engine can do."""

    @property
    def fingerprint(self) -> str:
        """What a completion depends on beside the request: two engines with the same one give the same."""
        return self.model

    @abstractmethod
    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """Generates after `context`; leaving the block early aborts the request in the engine.

        Raises:
            ContextTooLong: No token fits into the window after the context.
            CapabilityMissing: The engine cannot enforce the constraint, or cannot continue this context.
            RequestRejected: The engine refuses the request.
            EngineUnavailable: The engine does not answer.
            EngineDead: The engine is gone or closed.
        """

    @abstractmethod
    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """Makes the segment that says `text` as `role` after the context `after`.

        Where the role changes, the chat template's marks between the two turns come first; where it stays, the
        text goes on with the turn. An empty text as `assistant` opens the model's turn.
        """

    @abstractmethod
    async def decode(self, token_ids: Sequence[int]) -> str:
        """The text of these ids, special tokens included."""

    @abstractmethod
    async def statistics(self) -> EngineStatistics:
        """What the engine is doing now, by its own count."""

    @abstractmethod
    async def aclose(self) -> None:
        """Aborts what runs and frees everything. A second call does nothing."""

    async def generate(
        self, context: Context, sampling: Sampling, delivery: Delivery = WHOLE
    ) -> Completion:
        """Generates after `context` to the end; raises what `stream` raises."""
        async with self.stream(context, sampling, delivery) as chunks:
            return await collect(context, chunks)

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        """Takes a decision that depends on time, such as who was first.

        A journal keeps it, so that a run that is resumed takes the same way without choosing again.

        Args:
            path: The decision's name, unique in a run.
            choose: Takes it. What it returns has to be JSON data.
        """
        return await choose()

    async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
        """What a journal holds of a durable call that its run did not live to finish; to be gone on from."""
        return ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def require_capabilities(engine: Engine, sampling: Sampling) -> None:
    """Fails early where an engine would have to ignore what is asked of it.

    Raises:
        CapabilityMissing: The engine does not enforce this kind of constraint, or workers cannot share its cache.
    """
    if sampling.collaboration is not None and not engine.capabilities.collaboration:
        instead = ", or take the method blackboard" if engine.capabilities.token_ids else ""
        raise CapabilityMissing(
            f"workers cannot share the attention cache of {engine.model} here: "
            f"open the model with --engine hogwild{instead}"
        )
    constraint = sampling.constraint
    if constraint is not None and constraint.kind not in engine.capabilities.constraints:
        raise CapabilityMissing(
            f"{engine.model} cannot decode under a {constraint.kind} constraint here: use vLLM, "
            f"as a server or with --engine local"
        )


async def converse(
    engine: Engine,
    turns: Sequence[tuple[Role, str]],
    *,
    after: Context | None = None,
    name: str | None = None,
) -> Context:
    """Adds turns to a conversation, or begins one; with a `name`, on a fork called so."""
    context = after
    for role, text in turns:
        segment = await engine.encode(text, role=role, after=context)
        if context is None or name is not None:
            context = Context(segment, context, name)
            name = None
        else:
            context = context.extend(segment)
    if context is None:
        raise ValueError("a conversation needs a turn")
    return context
