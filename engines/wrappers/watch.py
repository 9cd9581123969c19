"""An engine that tells how far its calls are, also while their callers read them whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..sampling import Sampling
from ..wrapper import EngineWrapper
from .parts import COARSE_INTERVAL, as_asked, in_parts


class WatchedEngine(EngineWrapper):
    """Tells new tokens, and their text, as they come.

    Inside what repeats calls it tells the tokens of every try, and a call that it shows in parts is still whole outside
    of it. Around that it tells what the caller gets, and nothing is repeated once it has told something.

    Args:
        inner: The engine.
        saw: Gets the path of a call's context, how many tokens are new, and their text.
        drafted: Gets the path, the name of a worker, and what it has just written of a step that is not in the text
            yet, what was put in for it too; only where several workers write.
        interval: Tokens in a part of a call that its caller reads whole, where the engine can choose.
    """

    def __init__(
        self,
        inner: Engine,
        saw: Callable[[str, int, str], None],
        drafted: Callable[[str, str, str], None] | None = None,
        *,
        interval: int = COARSE_INTERVAL,
    ) -> None:
        super().__init__(inner)
        self._saw = saw
        self._drafted = drafted
        self._interval = interval

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        team = sampling.collaboration
        # Each of the workers writes a token where one writer does.
        interval = self._interval if team is None else max(1, self._interval // len(team.workers))
        async with (
            self.inner.stream(context, sampling, in_parts(delivery, interval)) as chunks,
            aclosing(as_asked(self._watched(context, sampling, chunks), delivery)) as passing,
        ):
            yield passing

    async def _watched(
        self, context: Context, sampling: Sampling, chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[Chunk]:
        path, team = context.path, sampling.collaboration
        known = 0
        async for chunk in chunks:
            generated = chunk.usage.generated_tokens
            self._saw(path, generated - known, chunk.text)
            known = generated
            if self._drafted is not None and team is not None:
                for draft in chunk.drafts:
                    self._drafted(path, team.workers[draft.worker], draft.text)
            yield chunk
