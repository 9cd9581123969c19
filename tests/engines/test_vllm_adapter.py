"""An adapter in vLLM: how it is opened and that every request has it; and how vLLM is closed. vLLM is replaced.

That what is generated is what the merged weights generate was seen on an engine of its own, whose start costs a minute.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import weakref
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import anyio
import pytest

from engines import Context, EngineDead, EngineError, Sampling, Segment
from engines.adapters.adapter import read_adapter
from tests.engines.adapter_files import SHAPES, write_adapter

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed"),
]


class OutputProcessor:
    tokenizer = None
    tracing_enabled = False

    def __init__(self) -> None:
        self.request_states: dict[str, Any] = {}

    def process_outputs(self, outputs: Any) -> None:
        pass

    def propagate_error(self, error: Exception) -> None:
        pass

    def get_num_unfinished_requests(self) -> int:
        return 0


class Llm:
    """Instead of AsyncLLM: keeps what it is asked."""

    def __init__(self, refusal: Exception | None = None, executor: str = "mp") -> None:
        self.options: dict[str, Any] = {}
        self.loaded: list[Any] = []
        self.requests: list[Any] = []
        self.closed = False
        self.seconds_to_end: float | None = -1
        self.output_handler = None
        self._refusal = refusal
        nothing = SimpleNamespace(policy="priority", block_size=32)
        model = SimpleNamespace(
            served_model_name="base+mine",
            model="base",
            max_model_len=64,
            dtype="float32",
            quantization=None,
        )
        self.vllm_config = SimpleNamespace(
            model_config=model,
            cache_config=nothing,
            scheduler_config=nothing,
            parallel_config=SimpleNamespace(distributed_executor_backend=executor),
        )
        self.log_stats = True
        self.output_processor = OutputProcessor()

    def get_tokenizer(self) -> None:
        pass

    async def add_lora(self, request: Any) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.loaded.append(request)

    async def generate(self, *asked: Any, lora_request: Any, priority: int) -> AsyncIterator[Any]:
        self.requests.append(lora_request)
        written = SimpleNamespace(
            text="x", token_ids=[1], finish_reason="stop", stop_reason=None, logprobs=None
        )
        yield SimpleNamespace(outputs=[written], finished=True, num_cached_tokens=0)

    def shutdown(self, timeout: float | None) -> None:
        self.closed = True
        self.seconds_to_end = timeout


class Heap:
    """Instead of FrozenHeap: what was frozen and not thawed."""

    frozen: ClassVar[list[Heap]] = []

    def __init__(self) -> None:
        self.frozen.append(self)

    def thaw(self) -> None:
        self.frozen.remove(self)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`engines.vllm_engine`, with a tokenizer that is never used, and no effect on the tests' own memory."""
    module = importlib.import_module("engines.vllm_engine")
    monkeypatch.setattr(module, "FrozenHeap", Heap)
    monkeypatch.setattr(Heap, "frozen", [])
    monkeypatch.setattr(module, "decode_once", lambda tokenizer: None)
    monkeypatch.setattr(module, "TurnEncoder", lambda tokenizer, name: None)
    return module


def started_with(llm: Llm, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Start:
        counts = module.StepCounts()
        log = Path("/nowhere")

        def __init__(self, model: str, options: dict[str, Any]) -> None:
            llm.options = options

        async def run(self) -> Llm:
            return llm

    monkeypatch.setattr(module, "VllmStart", Start)


async def generate(engine: Any) -> None:
    await engine.generate(Context(Segment("user", "", (1, 2))), Sampling(max_tokens=1))
    await engine.aclose()


def test_every_request_has_the_adapter(
    module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    llm = Llm()
    started_with(llm, module, monkeypatch)
    adapter = read_adapter(write_adapter(tmp_path / "mine"))

    async def main() -> None:
        engine = await module.VllmEngine.start(
            "base", digest=adapter.digest, adapter=adapter, max_model_len=64
        )
        assert engine.fingerprint == f"base+mine float32 None {adapter.digest}"
        await generate(engine)

    anyio.run(main)
    assert llm.options == {"enable_lora": True, "max_lora_rank": 8, "max_model_len": 64}
    (loaded,) = llm.loaded
    assert (loaded.lora_name, loaded.lora_path) == ("mine", str(tmp_path / "mine"))
    assert llm.requests == [loaded]


@pytest.mark.parametrize(("rank", "room"), [(1, 8), (8, 8), (9, 16), (64, 64), (100, 128)])
def test_there_is_room_for_its_rank(
    module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rank: int, room: int
) -> None:
    llm = Llm()
    started_with(llm, module, monkeypatch)
    shapes = {
        name: (rank, shape[1]) if "lora_A" in name else (shape[0], rank)
        for name, shape in SHAPES.items()
    }
    adapter = read_adapter(write_adapter(tmp_path, shapes=shapes, r=rank))
    anyio.run(lambda: module.VllmEngine.start("base", adapter=adapter))
    assert llm.options["max_lora_rank"] == room


def test_without_an_adapter_nothing_changes(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    llm = Llm()
    started_with(llm, module, monkeypatch)

    async def main() -> None:
        engine = await module.VllmEngine.start("base")
        assert engine.fingerprint == "base+mine float32 None"
        await generate(engine)

    anyio.run(main)
    assert (llm.options, llm.loaded, llm.requests) == ({}, [], [None])


def test_an_adapter_that_vllm_refuses_closes_the_engine_that_was_started(
    module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    llm = Llm(ValueError("expected target modules\nin x"))
    started_with(llm, module, monkeypatch)
    adapter = read_adapter(write_adapter(tmp_path))
    with pytest.raises(
        EngineError, match=r"cannot load the adapter .*: expected target modules in"
    ):
        anyio.run(lambda: module.VllmEngine.start("base", adapter=adapter))
    assert llm.closed
    assert not Heap.frozen


def test_what_vllm_loaded_is_frozen_until_the_engine_is_closed(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started_with(Llm(), module, monkeypatch)

    async def main() -> None:
        engine = await module.VllmEngine.start("base")
        assert len(Heap.frozen) == 1
        await engine.aclose()
        assert not Heap.frozen
        await engine.aclose()

    anyio.run(main)


def test_an_engine_whose_tokens_cannot_be_counted_is_closed(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = Llm()
    del llm.output_processor.request_states
    started_with(llm, module, monkeypatch)
    with pytest.raises(AttributeError, match="request_states"):
        anyio.run(lambda: module.VllmEngine.start("base"))
    assert llm.closed


@pytest.mark.parametrize(
    ("executor", "on_cpu", "seconds"),
    [
        ("vllm.v1.executor.uniproc_executor.UniProcExecutor", True, 0),
        # Its workers would leave their shared memory behind.
        ("mp", True, None),
        ("uni", False, None),
    ],
)
def test_only_a_core_that_leaves_nothing_behind_is_killed_at_once(
    module: Any, monkeypatch: pytest.MonkeyPatch, executor: str, on_cpu: bool, seconds: int | None
) -> None:
    llm = Llm(executor=executor)
    started_with(llm, module, monkeypatch)
    monkeypatch.setattr(module, "runs_on_cpu", lambda: on_cpu)

    async def main() -> None:
        await (await module.VllmEngine.start("base")).aclose()

    anyio.run(main)
    assert llm.seconds_to_end == seconds


def test_a_closed_engine_lets_vllm_go_and_says_that_it_is_closed(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    llms = [Llm()]
    started_with(llms[0], module, monkeypatch)

    async def main() -> None:
        engine = await module.VllmEngine.start("base")
        told = (engine.model, engine.fingerprint, engine.capabilities)
        await engine.aclose()
        # What is left of it when the interpreter ends can no longer shut itself down.
        kept = weakref.ref(llms.pop())
        monkeypatch.undo()
        # The thread that shut it down forgets it a moment after it has told so.
        with anyio.fail_after(300):
            while kept() is not None:
                await anyio.sleep(0.01)
                gc.collect()
        assert (engine.model, engine.fingerprint, engine.capabilities) == told
        for call in (
            engine.statistics,
            partial(engine.encode, "x", role="user"),
            partial(engine.decode, [1]),
            partial(generate, engine),
        ):
            with pytest.raises(EngineDead, match="the engine is closed: open a new one"):
                await call()
        await engine.aclose()

    anyio.run(main)
