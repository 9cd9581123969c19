"""Starts an AsyncLLM in a thread, guarded, cancellable, and with a reason when it fails."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM

from .errors import EngineError
from .process_guard import first_error, guarded_children, kill_session
from .vllm_environment import START_LOCK, vllm_environment
from .vllm_statistics import StepCounts

_CORE = "EngineCore"
_SECONDS_BETWEEN_LOOKS = 0.1


class VllmStart:
    """One start of vLLM. `run` it once.

    Attributes:
        counts: Where the core's reports will be added up.
        log: What the core prints; to be removed when it has ended.
    """

    def __init__(self, model: str, options: dict[str, Any]) -> None:
        self.counts = StepCounts()
        descriptor, log = tempfile.mkstemp(prefix="forkjoin-engine-", suffix=".log")
        os.close(descriptor)
        self.log = Path(log)
        self._model = model
        self._options = options
        self._others: set[int | None] | None = None
        self._llm: AsyncLLM | None = None
        self._error: Exception | None = None
        self._cancelled = False
        self._ended = False

    async def run(self) -> AsyncLLM:
        """Builds the engine in a thread, which cannot be interrupted but ends when its core process does.

        Raises:
            EngineError: vLLM could not start, with the cause.
        """
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._kill_when_cancelled)
                try:
                    await anyio.to_thread.run_sync(self._build)
                finally:
                    # Also where the thread never began, since all are taken or it was cancelled before.
                    self._ended = True
                group.cancel_scope.cancel()
            await anyio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            self._discard()
            raise
        if self._llm is None:
            cause = self._cause()
            raise EngineError(f"vLLM cannot start {self._model}: {cause}") from self._error
        return self._llm

    def _build(self) -> None:
        try:
            while not START_LOCK.acquire(timeout=_SECONDS_BETWEEN_LOOKS):
                if self._cancelled:
                    return
            try:
                on_cpu = current_platform.is_cpu()
                with vllm_environment(on_cpu=on_cpu), guarded_children(self.log):
                    self._others = {process.pid for process in multiprocessing.active_children()}
                    if not self._cancelled:
                        arguments = AsyncEngineArgs(model=self._model, **self._options)
                        # vLLM chooses its defaults by who asks: those of a server run eight times as many
                        # sequences at once on a large GPU, and four times as many tokens in a step.
                        self._llm = AsyncLLM.from_engine_args(
                            arguments,
                            usage_context=UsageContext.OPENAI_API_SERVER,
                            stat_loggers=[self.counts.logger],
                        )
            finally:
                START_LOCK.release()
        except Exception as error:  # vLLM raises what it likes here.
            self._error = error

    async def _kill_when_cancelled(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                while not self._ended:
                    self._cancelled = True
                    self._kill()
                    await anyio.sleep(_SECONDS_BETWEEN_LOOKS)

    def _kill(self) -> None:
        """Kills the core process of this start; those of other engines were there before it."""
        if self._others is None:
            return
        for process in multiprocessing.active_children():
            if process.name.startswith(_CORE) and process.pid not in self._others:
                kill_session(process)

    def _discard(self) -> None:
        if self._llm is not None:
            self._kill()
            self._llm.shutdown()
        self.log.unlink(missing_ok=True)

    def _cause(self) -> str:
        """The cause in a line. Of a failed core vLLM's own message only says that the log has it."""
        if logged := first_error(self.log):
            return f"{logged} (its log: {self.log})"
        self.log.unlink()
        lines = [line.strip() for line in str(self._error).splitlines() if line.strip()]
        told = [line for line in lines if "validation error for" not in line]
        cause = (told or lines or [type(self._error).__name__])[0]
        if "connect to" in cause or "not a valid model identifier" in cause:
            return "there is no such folder, and the hub has no such model or cannot be reached: check the name"
        if "initialization failed" in cause:
            return "its core process ended before it could say why: look at what it printed above"
        return cause
