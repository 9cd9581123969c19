"""Starts an AsyncLLM in a thread, guarded, cancellable, and with a reason when it fails."""

from __future__ import annotations

import multiprocessing
import os
import re
import tempfile
import threading
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.v1.engine.async_llm import AsyncLLM

from .error_groups import single_error
from .errors import EngineError
from .process_guard import guarded_children, kill_session
from .vllm_statistics import StepCounts

_CORE = "EngineCore"
_ONE_AT_A_TIME = threading.Lock()


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
        self._others: set[int | None] = set()
        self._cancelled = False
        self._ended = False

    async def run(self) -> AsyncLLM:
        """Builds the engine in a thread, which cannot be interrupted but ends when its core process does.

        Raises:
            EngineError: vLLM could not start, with the cause.
        """
        try:
            with single_error():
                async with anyio.create_task_group() as group:
                    group.start_soon(self._kill_when_cancelled)
                    llm = await anyio.to_thread.run_sync(self._build)
                    group.cancel_scope.cancel()
        except Exception as error:  # vLLM raises what it likes here.
            raise EngineError(f"vLLM cannot start {self._model}: {self._cause(error)}") from error
        return llm

    def _build(self) -> AsyncLLM:
        try:
            arguments = AsyncEngineArgs(model=self._model, **self._options)
            with _ONE_AT_A_TIME, guarded_children(self.log):
                self._others = {process.pid for process in multiprocessing.active_children()}
                if self._cancelled:
                    raise RuntimeError("cancelled")
                return AsyncLLM.from_engine_args(arguments, stat_loggers=[self.counts.logger])
        finally:
            self._ended = True

    async def _kill_when_cancelled(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            if not self._ended:
                self._cancelled = True
                with anyio.CancelScope(shield=True):
                    while not self._ended:
                        self._kill()
                        await anyio.sleep(0.1)
                self.log.unlink(missing_ok=True)

    def _cause(self, error: Exception) -> str:
        """The cause in a line. Of a failed core vLLM's own message only says that the log has it."""
        logged = re.findall(r"\b\w*(?:Error|Exception): .*", self.log.read_text(errors="replace"))
        if logged:
            # The first is what happened, later ones are what it led to.
            return f"{logged[0]} (its log: {self.log})"
        self.log.unlink()
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = [line for line in lines if "validation error for" not in line]
        return (told or lines or [type(error).__name__])[0]

    def _kill(self) -> None:
        for process in multiprocessing.active_children():
            if process.name.startswith(_CORE) and process.pid not in self._others:
                kill_session(process)
