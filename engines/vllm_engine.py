"""vLLM in this process: `AsyncLLM`, whose core runs in a process of its own. Versions 0.25 to 0.32.

Importing this module imports vLLM, which takes some 15 s: `local_engine` does it in a thread. The only module that
may know asyncio, since an AsyncLLM belongs to the event loop that first uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import re
import tempfile
import threading
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from vllm import SamplingParams
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError
from vllm.v1.metrics.loggers import StatLoggerBase

from .chat_template import (
    ends_with_mark,
    marks_before,
    opens_generation,
    plain_marks,
    roles_of,
    skeleton,
)
from .completion import Chunk, Usage
from .context import Context, Role, Segment
from .engine import Capabilities, Engine, EngineStatistics
from .errors import ContextTooLong, EngineDead, EngineError, ForkjoinError, RequestRejected
from .process_guard import guarded_children, kill_session
from .sampling import Sampling
from .single_error import single_error

_CORE = "EngineCore"
_ONE_START_AT_A_TIME = threading.Lock()


class VllmEngine(Engine):
    """A model in vLLM. Made by `VllmEngine.start`; lives on the event loop that started it."""

    def __init__(self, llm: AsyncLLM, counts: _Counts, log: Path) -> None:
        self._llm = llm
        self._log = log
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._run = uuid.uuid4().hex[:8]
        self._closed = False
        config = llm.vllm_config
        self._model = str(config.model_config.served_model_name or config.model_config.model)
        self._capabilities = Capabilities(
            token_ids=True,
            constraints=frozenset({"choice", "regex", "json", "grammar"}),
            window=config.model_config.max_model_len,
            block_size=config.cache_config.block_size,
        )
        self._marks = lru_cache(maxsize=None)(self._render_marks)
        self._tokenizer: Any = llm.get_tokenizer()

    @classmethod
    async def start(cls, model: str, **options: Any) -> VllmEngine:
        """Loads a model; `options` are vLLM's engine arguments.

        Takes from half a minute to minutes. Cancelling it stops the processes started so far.

        Raises:
            EngineError: vLLM could not start; the message is its own.
        """
        counts = _Counts()
        start = _Start(AsyncEngineArgs(model=model, **options), counts)
        try:
            with single_error():
                async with anyio.create_task_group() as group:
                    group.start_soon(start.kill_when_cancelled)
                    llm = await anyio.to_thread.run_sync(start.build)
                    group.cancel_scope.cancel()
        except (RuntimeError, OSError, ValueError) as error:
            raise EngineError(f"vLLM cannot start {model}: {start.explain(error)}") from error
        return cls(llm, counts, start.log)

    @property
    def model(self) -> str:
        """The model's name or folder."""
        return self._model

    @property
    def capabilities(self) -> Capabilities:
        """Token ids and every kind of constraint."""
        return self._capabilities

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Generates on the core process."""
        self._check_usable()
        prompt = context.token_ids
        window = self._llm.vllm_config.model_config.max_model_len
        if len(prompt) >= window:
            raise ContextTooLong(len(prompt), window)
        request = f"{self._run}-{next(self._numbers)}"
        with _translated():
            parameters = _parameters(sampling)
        outputs = self._llm.generate({"prompt_token_ids": list(prompt)}, parameters, request)
        finished = False

        async def chunks() -> AsyncGenerator[Chunk, None]:
            nonlocal finished
            usage = Usage(prompt_tokens=len(prompt))
            # Around this loop only: an error of the caller's own passes through the block.
            with _translated():
                async for output in outputs:
                    usage = _usage_after(usage, output)
                    finished = output.finished
                    yield _chunk(output, usage)

        try:
            async with contextlib.aclosing(chunks()) as iterator:
                yield iterator
        finally:
            with anyio.CancelScope(shield=True):
                if not finished and not self._closed:
                    await self._llm.abort(request)
                await outputs.aclose()

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """Encodes with the model's own tokenizer and chat template."""
        self._check_usable()
        roles = roles_of(after)
        marks = "" if roles and roles[-1] == role else self._marks((*roles, role))
        ids = self._tokenizer.encode(marks + text, add_special_tokens=False)
        if marks and ends_with_mark(after, ids[0], self._tokenizer.decode([ids[0]])):
            ids = ids[1:]
        return Segment(role, text, tuple(ids))

    async def decode(self, token_ids: Sequence[int]) -> str:
        """Decodes with the model's own tokenizer."""
        self._check_usable()
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=False))

    async def statistics(self) -> EngineStatistics:
        """What the core process reported last, with the requests it has not heard of yet."""
        self._check_usable()
        return self._counts.statistics(self._llm.output_processor.get_num_unfinished_requests())

    async def aclose(self) -> None:
        """Stops the core process; what runs fails with `EngineDead`."""
        if self._closed:
            return
        self._closed = True
        # Its reader would take the end of the core for a crash, and say so.
        if self._llm.output_handler is not None:
            self._llm.output_handler.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._llm.shutdown)
        self._log.unlink(missing_ok=True)

    def _render_marks(self, roles: tuple[Role, ...]) -> str:
        generation = opens_generation(roles[-1])
        messages = skeleton(roles[:-1] if generation else roles)
        if self._tokenizer.chat_template is None:
            return plain_marks(roles)
        try:
            rendered = self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=generation
            )
        except Exception as error:  # Templates raise what they like.
            raise RequestRejected(
                f"the chat template of {self.model} refuses the turns {', '.join(roles)}: {error}"
            ) from error
        return marks_before(rendered, len(roles) - 1)

    def _check_usable(self) -> None:
        if self._closed:
            raise EngineDead("the engine is closed: open a new one")
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "this engine belongs to another event loop: use it on the loop that opened it, or open it with "
                "`with local_engine()` and use `run_sync`, which share one loop"
            )


class _Start:
    """Builds an AsyncLLM in a thread. The thread cannot be interrupted, but it ends when its core process dies."""

    def __init__(self, arguments: AsyncEngineArgs, counts: _Counts) -> None:
        self._arguments = arguments
        self._counts = counts
        self._others: set[int | None] = set()
        self._cancelled = False
        self._ended = False
        descriptor, log = tempfile.mkstemp(prefix="forkjoin-engine-", suffix=".log")
        os.close(descriptor)
        self.log = Path(log)

    def build(self) -> AsyncLLM:
        try:
            with _ONE_START_AT_A_TIME, guarded_children(self.log):
                self._others = {process.pid for process in multiprocessing.active_children()}
                if self._cancelled:
                    raise RuntimeError("cancelled")
                return AsyncLLM.from_engine_args(
                    self._arguments, stat_loggers=[self._counts.logger]
                )
        finally:
            self._ended = True

    async def kill_when_cancelled(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self._cancelled = True
            with anyio.CancelScope(shield=True):
                while not self._ended:
                    self._kill()
                    await anyio.sleep(0.1)

    def explain(self, error: Exception) -> str:
        """The cause in a line; vLLM's own message only says that the core's log has it."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        causes = [line for line in lines if re.search(r"\b\w*(?:Error|Exception): ", line)]
        if not causes:
            self.log.unlink()
            return str(error).strip().split("\n")[0]
        # The first is what happened, later ones are what it led to; each begins with vLLM's log prefix.
        cause = re.sub(r"^.*?(?=\b\w*(?:Error|Exception): )", "", causes[0])
        return f"{cause} (its log: {self.log})"

    def _kill(self) -> None:
        for process in multiprocessing.active_children():
            if process.name.startswith(_CORE) and process.pid not in self._others:
                kill_session(process)


class _Counts:
    """Keeps what the core process reports with each step."""

    def __init__(self) -> None:
        self._running = 0
        self._waiting = 0
        self._kv_usage = 0.0
        self._prompt_tokens = 0
        self._generated_tokens = 0

    def logger(self, config: Any, engine_index: int = 0) -> StatLoggerBase:
        """A vLLM statistics logger that writes here."""
        return _Logger(self)

    def record(self, scheduler: Any, iteration: Any) -> None:
        if scheduler is not None:
            self._running = scheduler.num_running_reqs
            self._waiting = scheduler.num_waiting_reqs
            self._kv_usage = scheduler.kv_cache_usage
        if iteration is not None:
            self._prompt_tokens += iteration.num_prompt_tokens
            self._generated_tokens += iteration.num_generation_tokens

    def statistics(self, unfinished: int) -> EngineStatistics:
        return EngineStatistics(
            running=self._running,
            waiting=max(self._waiting, unfinished - self._running),
            kv_usage=self._kv_usage,
            prompt_tokens=self._prompt_tokens,
            generated_tokens=self._generated_tokens,
        )


class _Logger(StatLoggerBase):  # type: ignore[misc]  # vLLM is not type-checked here
    def __init__(self, counts: _Counts) -> None:
        self._counts = counts

    def record(
        self,
        scheduler_stats: Any,
        iteration_stats: Any,
        mm_cache_stats: Any = None,
        engine_idx: int = 0,
    ) -> None:
        self._counts.record(scheduler_stats, iteration_stats)

    def log_engine_initialized(self) -> None:
        pass


def _parameters(sampling: Sampling) -> SamplingParams:
    constraint = sampling.constraint
    return SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        seed=sampling.seed,
        stop=list(sampling.stop),
        stop_token_ids=list(sampling.stop_token_ids),
        ignore_eos=sampling.ignore_eos,
        structured_outputs=None
        if constraint is None
        else StructuredOutputsParams(**{constraint.kind: constraint.value}),
        output_kind=RequestOutputKind.DELTA,
    )


def _usage_after(usage: Usage, output: Any) -> Usage:
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=output.num_cached_tokens or usage.cached_tokens,
        generated_tokens=usage.generated_tokens + len(output.outputs[0].token_ids),
    )


def _chunk(output: Any, usage: Usage) -> Chunk:
    generated = output.outputs[0]
    if output.finished and generated.finish_reason not in ("stop", "length"):
        raise EngineError(f"vLLM ended the request: {generated.finish_reason}")
    return Chunk(
        text=generated.text,
        token_ids=tuple(generated.token_ids),
        usage=usage,
        finish_reason=generated.finish_reason if output.finished else None,
        stop_reason=generated.stop_reason if output.finished else None,
    )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """vLLM's errors as ours."""
    try:
        yield
    except EngineDeadError as error:
        raise EngineDead("vLLM's core process is gone: open the engine again") from error
    except ForkjoinError:
        raise
    except Exception as error:
        # 0.25 raises ValueError for what 0.32 calls VLLMClientError; both blame the request.
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if kinds & {"ValueError", "VLLMClientError"}:
            raise RequestRejected(f"vLLM refuses the request: {error}") from error
        raise


def runs_on_cpu() -> bool:
    """Whether this vLLM computes on a CPU."""
    return bool(current_platform.is_cpu())
