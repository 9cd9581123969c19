"""A part of the headline table: what it is given, and the figures that it makes. It does not know who runs it.

    Part   async (setting) ─> figures ─> printed, and in OUT/gpu.json

A part is a module of `parts`, with a function `measure` of this shape.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from engines import Engine, ForkjoinError

from ..vllm_options import at_once_on_a_gpu
from .figure import Figure
from .models import WINDOW

# A step computes at most as many tokens as a server's by default; `LLM.generate` would take twice as many, and could
# not be compared.
_USUAL: Mapping[str, Any] = {"max_model_len": WINDOW, "max_num_batched_tokens": 8192}
_CALLS = 1024
_SMALL: Mapping[str, Any] = {"max_model_len": WINDOW, "max_num_seqs": 64}

HALF: Mapping[str, Any] = {"gpu_memory_utilization": 0.44}
"""Options of an engine that shares the GPU with another one, and with what this process itself holds."""

Open = Callable[..., AbstractAsyncContextManager[Engine]]
"""Opens an engine: of a model, with options of vLLM."""


class Engines:
    """At most one engine at a time, kept open for the next part that wants the same options; a start takes a minute.

    Args:
        opened: Opens one.
        model: Whose; None is the embedded one.
        options: Of vLLM, for all of them.
    """

    def __init__(self, opened: Open, model: str | None, options: Mapping[str, Any]) -> None:
        self._opened = opened
        self._model = model
        self._options = options
        self._stack = AsyncExitStack()
        self._open: tuple[Engine, Mapping[str, Any]] | None = None

    async def get(self, **options: Any) -> Engine:
        """An engine with these options of vLLM, beside those for all; whatever else was open is closed."""
        wanted = {**options, **self._options}
        if self._open is None or self._open[1] != wanted:
            await self.close()
            engine = await self._stack.enter_async_context(self._opened(self._model, **wanted))
            self._open = engine, wanted
        return self._open[0]

    async def close(self) -> None:
        """Frees the GPU, for a part that fills it with something else."""
        self._open = None
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every part is given.

    Attributes:
        engines: Where it gets its engine from. A part that starts something else on the GPU closes them before.
        model: The folder of the model, for what is not opened through `engines`.
        options: Of vLLM, for the same.
        small: Whether to measure next to nothing, only to see that all of it works: on a CPU, in a test.
        draft: The folder of a draft model, an EAGLE or a Medusa head for the model; None where there is none.
        say: Tells somebody who waits what is being done, in a line.
    """

    engines: Engines
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    small: bool = False
    draft: str | None = None
    say: Callable[[str], None] = print

    async def engine(self, **options: Any) -> Engine:
        """The engine that most parts share; with options of its own, another one."""
        return await self.engines.get(**{**self.usual, **options})

    @property
    def usual(self) -> Mapping[str, Any]:
        """Options of vLLM that let a thousand calls run at once, in captured graphs."""
        return _SMALL if self.small else {**_USUAL, **at_once_on_a_gpu(self.options, _CALLS)}

    def sized(self, full: int, small: int) -> int:
        """How many of something."""
        return small if self.small else full


Part = Callable[[Setting], Awaitable[Sequence[Figure]]]
"""Measures something, and says it in figures."""


class Incomplete(ForkjoinError):
    """A part could not measure all that it should.

    Args:
        figures: The others, which are good.
        problem: What could not be measured, and why.
    """

    def __init__(self, figures: Sequence[Figure], problem: str) -> None:
        super().__init__(problem)
        self.figures = figures
