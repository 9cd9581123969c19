"""A model on PyTorch in this process, whose attention several workers can share (Rodionov et al. 2025).

    stream ─> turn ─> thread: some rounds ─> chunk ─┐
               └────────────────────────────────────┘    calls that run side by side take turns

Importing this module imports PyTorch and transformers, which takes some seconds: `hogwild_engine` does it in a thread.
It computes in a thread and never on the loop, for one call at a time; what is computed is the `Call`'s matter.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import anyio
import anyio.to_thread
from anyio.lowlevel import EventLoopToken, current_token

from ..completion import Chunk, Usage, as_whole
from ..context import Context, Role, Segment
from ..delivery import STREAMED, Delivery
from ..engine import Capabilities, Engine, EngineStatistics, require_capabilities
from ..errors import EngineDead
from ..sampling import Sampling
from ..turn_encoder import TurnEncoder
from ..wrappers.limiter import CallLimiter
from .call import Call
from .model.loading import load
from .model.tokenizing import ModelTokenizer
from .model.torch_model import TorchModel


class HogwildEngine(Engine):
    """A model on PyTorch. Made by `HogwildEngine.start`; lives on the event loop that first uses it.

    Args:
        model: The model, which other engines may share as long as they do not compute at the same time.
        tokenizer: Its tokenizer.
        name: What it is called.
        digest: What tells its weights from others of the same name, if the name does not.
    """

    def __init__(
        self, model: TorchModel, tokenizer: ModelTokenizer, name: str, digest: str = ""
    ) -> None:
        self._model: TorchModel | None = model
        self._tokenizer = tokenizer
        self._encoder = TurnEncoder(tokenizer.whole, name)
        self._name = name
        self._capabilities = Capabilities(
            token_ids=True, constraints=frozenset(), window=model.window, collaboration=True
        )
        self._fingerprint = f"{name} {model.dtype} hogwild {digest}".rstrip()
        self._loop: EventLoopToken | None = None
        self._turns = CallLimiter(1)
        # One of its own, since tools may fill the one that all share.
        self._threads = anyio.CapacityLimiter(1)
        self._calls: set[Call] = set()
        self._prompt_tokens = 0
        self._generated_tokens = 0

    @classmethod
    async def start(
        cls,
        path: str,
        *,
        name: str | None = None,
        digest: str = "",
        dtype: str | None = None,
        device: str | None = None,
    ) -> HogwildEngine:
        """Loads a model.

        Args:
            path: A folder, or a name on the Hugging Face hub.
            name: What it is called; None is the path.
            digest: What tells its weights from others of the same name, if the name does not.
            dtype: Of weights and cache; None is float32 on a CPU, and the model's own on CUDA.
            device: None is CUDA where there is one.

        Raises:
            UsageError: There is no such model, device or dtype, or the model is not supported.
        """
        # Not as a result: see `_go_on`.
        loaded: list[tuple[TorchModel, ModelTokenizer]] = []
        await anyio.to_thread.run_sync(
            lambda: loaded.append(load(path, dtype, device)), abandon_on_cancel=True
        )
        return cls(*loaded.pop(), name or path, digest)

    @property
    def model(self) -> str:
        """The model's name or folder."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """The model's name with its number format and that it is not vLLM, and what tells its weights from others."""
        return self._fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """Token ids and collaborations, and no constraints."""
        return self._capabilities

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Generates in a thread, a turn at a time; nothing is computed while nobody asks for a chunk."""
        require_capabilities(self, sampling)
        call = Call(context.token_ids, sampling, delivery)
        call.check(self._usable())
        self._calls.add(call)
        try:
            chunks = self._chunks(call)
            async with aclosing(as_whole(chunks) if delivery.whole else chunks) as passing:
                yield passing
        finally:
            self._calls.remove(call)
            call.free()

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """Encodes with the model's own tokenizer and chat template."""
        self._usable()
        return self._encoder.encode(text, role, after)

    async def decode(self, token_ids: Sequence[int]) -> str:
        """Decodes with the model's own tokenizer."""
        self._usable()
        return self._encoder.decode(token_ids)

    async def statistics(self) -> EngineStatistics:
        """Calls and the tokens of their chunks, and the share of the memory for caches that is taken."""
        model = self._usable()
        running = sum(call.has_begun for call in self._calls)
        taken = sum(call.cache_bytes for call in self._calls)
        return EngineStatistics(
            running=running,
            waiting=len(self._calls) - running,
            kv_usage=taken / (taken + model.free_bytes),
            prompt_tokens=self._prompt_tokens,
            generated_tokens=self._generated_tokens,
        )

    async def aclose(self) -> None:
        """Waits for the rounds that are being computed and frees the model; what runs fails with `EngineDead`."""
        self._model = None
        with anyio.CancelScope(shield=True):
            async with self._turns.slot(priority=-math.inf):
                """Nothing computes any more."""

    async def _chunks(self, call: Call) -> AsyncGenerator[Chunk]:
        told = Usage()
        while True:
            async with self._turns.slot(priority=call.delivery.priority):
                chunk = await anyio.to_thread.run_sync(self._go_on, call, limiter=self._threads)
            if chunk is None:
                continue
            self._count(told, chunk.usage)
            told = chunk.usage
            yield chunk
            if chunk.finish_reason is not None:
                return

    def _go_on(self, call: Call) -> Chunk | None:
        """What the thread does.

        It is given no tensors and returns none: a thread of anyio lets go of what it was given a moment after all
        others go on, and one that frees tensors while the interpreter ends aborts the process.
        """
        if self._model is None:
            raise EngineDead("the engine was closed while it worked: open a new one")
        return call.go_on(self._model, self._tokenizer)

    def _count(self, told: Usage, usage: Usage) -> None:
        """Counts what a call has cost since it told so the last time."""
        self._prompt_tokens += usage.prompt_tokens - told.prompt_tokens
        self._generated_tokens += usage.generated_tokens - told.generated_tokens

    def _usable(self) -> TorchModel:
        if self._model is None:
            raise EngineDead("the engine is closed: open a new one")
        self._loop = self._loop or current_token()
        if current_token() != self._loop:
            raise RuntimeError(
                "this engine belongs to another event loop: use it on the loop that used it first, or open it with "
                "`with hogwild_engine()` and use `run_sync`, which share one loop"
            )
        return self._model
