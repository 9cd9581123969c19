"""vLLM in this process: `AsyncLLM`, whose core runs in a process of its own. Versions 0.25 to 0.32.

Importing this module imports vLLM, which takes some 15 s: `local_engine` does it in a thread. The only module that
may know asyncio, since an AsyncLLM belongs to the event loop that first uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from vllm import SamplingParams
from vllm.lora.request import LoRARequest
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from .adapters.adapter import LoraAdapter
from .completion import Chunk, Usage
from .context import Context, Role, Segment
from .delivery import STREAMED, Delivery
from .engine import Capabilities, Engine, EngineStatistics, require_capabilities
from .errors import ContextTooLong, EngineDead, EngineError, ForkjoinError
from .frozen_heap import FrozenHeap
from .sampling import Sampling
from .turn_encoder import TurnEncoder
from .vllm_errors import as_ours
from .vllm_logprobs import decode_once, read_logprobs
from .vllm_start import VllmStart
from .vllm_statistics import StepCounts

_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
_HAS_INTERVAL = "stream_interval" in inspect.signature(SamplingParams).parameters


class VllmEngine(Engine):
    """A model in vLLM. Made by `VllmEngine.start`; lives on the event loop that started it."""

    def __init__(
        self,
        llm: AsyncLLM,
        counts: StepCounts,
        log: Path,
        digest: str = "",
        adapter: LoraAdapter | None = None,
    ) -> None:
        self._llm = llm
        self._adapter = None if adapter is None else _request_for(adapter)
        self._log = log
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._run = uuid.uuid4().hex[:8]
        self._closed = False
        self._died = False
        self._heap: FrozenHeap | None = None
        config = llm.vllm_config
        self._model = str(config.model_config.served_model_name or config.model_config.model)
        self._capabilities = Capabilities(
            token_ids=True,
            constraints=frozenset({"choice", "regex", "json", "grammar"}),
            window=config.model_config.max_model_len,
            block_size=config.cache_config.block_size,
        )
        # Without priority scheduling vLLM refuses any other.
        self._takes_priority = config.scheduler_config.policy == "priority"
        kind = f"{config.model_config.dtype} {config.model_config.quantization}"
        self._fingerprint = f"{self._model} {kind} {digest}".rstrip()
        self._encoder = TurnEncoder(llm.get_tokenizer(), self._model)
        # The one that logprobs are told with; with the engine's own, or a copy of it.
        decode_once(llm.output_processor.tokenizer)

    @classmethod
    async def start(
        cls, model: str, *, digest: str = "", adapter: LoraAdapter | None = None, **options: Any
    ) -> VllmEngine:
        """Loads a model.

        Takes from half a minute to minutes. Cancelling it stops the processes started so far.

        Args:
            model: A folder, or a name on the Hugging Face hub.
            digest: What tells its weights from others of the same name, if the name does not.
            adapter: What is added to its weights in every request.
            options: vLLM's engine arguments.

        Raises:
            EngineError: vLLM could not start, or cannot load the adapter; the message is its own.
        """
        if adapter is not None:
            options = {**_lora_options(adapter), **options}
        start = VllmStart(model, options)
        engine = cls(await start.run(), start.counts, start.log, digest, adapter)
        try:
            start.counts.count_tokens_of(engine._llm)
            await engine._load_adapter()
            engine._heap = FrozenHeap()
        except BaseException:
            await engine.aclose()
            raise
        return engine

    @property
    def model(self) -> str:
        """The model's name or folder."""
        return self._model

    @property
    def fingerprint(self) -> str:
        """The model's name with its number format, and what tells its weights from others."""
        return self._fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """Token ids and every kind of constraint."""
        return self._capabilities

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Generates on the core process."""
        self._check_usable()
        require_capabilities(self, sampling)
        prompt = context.token_ids
        window = self._llm.vllm_config.model_config.max_model_len
        if len(prompt) >= window:
            raise ContextTooLong(len(prompt), window)
        request = f"{self._run}-{next(self._numbers)}"
        with self._translated():
            parameters = _parameters(sampling, delivery)
        outputs = self._llm.generate(
            # What vLLM makes of a prompt. One that it has to look at first waits for a thread, and takes it 50 us.
            {"type": "token", "prompt_token_ids": list(prompt)},
            parameters,
            request,
            lora_request=self._adapter,
            priority=self._priority(delivery),
        )
        finished = False

        async def chunks() -> AsyncGenerator[Chunk, None]:
            nonlocal finished
            usage = Usage(prompt_tokens=len(prompt))
            # Around this loop only: an error of the caller's own passes through the block.
            with self._translated():
                async for output in outputs:
                    usage = _usage_after(usage, output)
                    finished = output.finished
                    yield _chunk(output, usage, sampling.logprobs or 0)

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
        return self._encoder.encode(text, role, after)

    async def decode(self, token_ids: Sequence[int]) -> str:
        """Decodes with the model's own tokenizer."""
        self._check_usable()
        return self._encoder.decode(token_ids)

    async def statistics(self) -> EngineStatistics:
        """What the core process reported last, with the requests it has not heard of yet."""
        self._check_usable()
        return self._counts.statistics(self._llm.output_processor.get_num_unfinished_requests())

    async def aclose(self) -> None:
        """Stops the core process; what runs fails with `EngineDead`."""
        if self._closed:
            return
        self._closed = True
        # Its reader would take the end of the core for a crash, and say so; it also tells the calls that wait.
        if self._llm.output_handler is not None:
            self._llm.output_handler.cancel()
        self._llm.output_processor.propagate_error(EngineDeadError())
        try:
            with anyio.CancelScope(shield=True):
                shutdown = partial(self._llm.shutdown, timeout=self._seconds_to_end())
                await anyio.to_thread.run_sync(shutdown)
            # Those that came to it meanwhile.
            self._llm.output_processor.propagate_error(EngineDeadError())
        finally:
            # Whoever keeps the engine would keep it too, until the interpreter ends, where its own clean-up fails.
            del self._llm
            if self._heap is not None:
                self._heap.thaw()
            if not self._died:
                self._log.unlink(missing_ok=True)

    def _seconds_to_end(self) -> float | None:
        """How long the core may take to end by itself; None is what vLLM gives it.

        With a CPU's model in its own process it would use them up, and leaves nothing behind when it is killed. Killed
        workers leave their shared memory.
        """
        executor = str(self._llm.vllm_config.parallel_config.distributed_executor_backend)
        return 0 if runs_on_cpu() and executor.endswith("UniProcExecutor") else None

    async def _load_adapter(self) -> None:
        """Has it loaded before the first request, which would be the one to fail."""
        if self._adapter is None:
            return
        try:
            await self._llm.add_lora(self._adapter)
        except Exception as error:  # vLLM raises what it likes here.
            cause = " ".join(str(error).split())
            raise EngineError(
                f"vLLM cannot load the adapter {self._adapter.lora_path}: {cause}"
            ) from error

    def _priority(self, delivery: Delivery) -> int:
        return delivery.priority if self._takes_priority else 0

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """vLLM's errors as ours."""
        try:
            yield
        except EngineDeadError as error:
            if self._closed:
                raise EngineDead("the engine was closed while it worked: open a new one") from error
            self._died = True
            raise EngineDead(
                f"vLLM's core process is gone (its log: {self._log}): open the engine again"
            ) from error
        except ForkjoinError:
            raise
        except Exception as error:
            ours = as_ours(error)
            if ours is None:
                raise
            raise ours from error

    def _check_usable(self) -> None:
        if self._closed:
            raise EngineDead("the engine is closed: open a new one")
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "this engine belongs to another event loop: use it on the loop that opened it, or open it with "
                "`with local_engine()` and use `run_sync`, which share one loop"
            )


def _request_for(adapter: LoraAdapter) -> LoRARequest:
    """The adapter as vLLM has it: the only one of its engine."""
    return LoRARequest(lora_name=adapter.folder.name, lora_int_id=1, lora_path=str(adapter.folder))


def _lora_options(adapter: LoraAdapter) -> dict[str, Any]:
    """vLLM reserves room for adapters, in ranks of its own."""
    rank = next((rank for rank in _LORA_RANKS if rank >= adapter.rank), adapter.rank)
    return {"enable_lora": True, "max_lora_rank": rank}


def _parameters(sampling: Sampling, delivery: Delivery) -> SamplingParams:
    constraint = sampling.constraint
    kind = RequestOutputKind.FINAL_ONLY if delivery.whole else RequestOutputKind.DELTA
    # 0.25 has no interval for one request.
    interval = {"stream_interval": delivery.interval} if _HAS_INTERVAL else {}
    return SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        seed=sampling.seed,
        stop=list(sampling.stop),
        stop_token_ids=list(sampling.stop_token_ids),
        ignore_eos=sampling.ignore_eos,
        logprobs=sampling.logprobs,
        flat_logprobs=True,
        structured_outputs=None
        if constraint is None
        else StructuredOutputsParams(**{constraint.kind: constraint.value}),
        output_kind=kind,
        # They are of one request, and need not be copied for it.
        skip_clone=True,
        **interval,
    )


def _usage_after(usage: Usage, output: Any) -> Usage:
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=output.num_cached_tokens or usage.cached_tokens,
        generated_tokens=usage.generated_tokens + len(output.outputs[0].token_ids),
    )


def _chunk(output: Any, usage: Usage, most_logprobs: int) -> Chunk:
    generated = output.outputs[0]
    if output.finished and generated.finish_reason not in ("stop", "length"):
        raise EngineError(f"vLLM ended the request: {generated.finish_reason}")
    return Chunk(
        text=generated.text,
        token_ids=tuple(generated.token_ids),
        usage=usage,
        finish_reason=generated.finish_reason if output.finished else None,
        stop_reason=generated.stop_reason if output.finished else None,
        logprobs=()
        if generated.logprobs is None
        else read_logprobs(generated.token_ids, generated.logprobs, most_logprobs),
    )


def runs_on_cpu() -> bool:
    """Whether this vLLM computes on a CPU."""
    return bool(current_platform.is_cpu())
