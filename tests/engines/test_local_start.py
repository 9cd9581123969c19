"""How the embedded engine is started, with something else in the place of vLLM."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engines import EngineError, FakeEngine, UsageError, local, local_engine
from engines.model_choice import FoundModel, ModelChoice
from tests.engines.adapter_files import write_adapter

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed"),
]


class Refusing:
    """Cannot start anything."""

    @staticmethod
    def runs_on_cpu() -> bool:
        return False

    class VllmEngine:
        @staticmethod
        async def start(model: str, **options: Any) -> FakeEngine:
            raise EngineError(f"vLLM cannot start {model}: no such model")


class LikeVllm:
    """Takes note of what it is started with."""

    def __init__(self, *, on_cpu: bool) -> None:
        self.options: dict[str, Any] = {}
        self.module = SimpleNamespace(
            runs_on_cpu=lambda: on_cpu, VllmEngine=SimpleNamespace(start=self._start)
        )

    async def _start(self, model: str, **options: Any) -> FakeEngine:
        self.options = options
        return FakeEngine("")


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text("{}")
    return str(tmp_path)


async def started_with(
    monkeypatch: pytest.MonkeyPatch, model: str, *, on_cpu: bool, **options: Any
) -> dict[str, Any]:
    vllm = LikeVllm(on_cpu=on_cpu)
    monkeypatch.setattr(local, "_import_adapter", lambda: vllm.module)
    async with local_engine(model, **options):
        return vllm.options


EXECUTOR = "distributed_executor_backend"


async def test_a_cpu_s_model_is_in_the_core_s_process(
    monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    options = await started_with(monkeypatch, model, on_cpu=True)
    assert options[EXECUTOR].endswith("UniProcExecutor")
    assert options["enforce_eager"] is True


async def test_a_gpu_s_workers_are_vllm_s_affair(
    monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    assert EXECUTOR not in await started_with(monkeypatch, model, on_cpu=False)


async def test_vllm_may_write_into_its_options(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    draft = {"method": "ngram"}
    options = await started_with(monkeypatch, model, on_cpu=False, speculative_config=draft)
    options["speculative_config"]["target"] = "the model"
    assert draft == {"method": "ngram"}


@pytest.mark.parametrize("name", ["tensor_parallel_size", "pipeline_parallel_size"])
async def test_so_are_several_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch, model: str, name: str
) -> None:
    options = await started_with(monkeypatch, model, on_cpu=True, **{name: 2})
    assert EXECUTOR not in options
    assert options["enforce_eager"] is True


async def test_the_caller_s_own_choice_stays(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    options = await started_with(monkeypatch, model, on_cpu=True, **{EXECUTOR: "mp"})
    assert options[EXECUTOR] == "mp"


async def test_a_model_that_cannot_be_is_told_before_vllm_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def find(choice: ModelChoice) -> FoundModel:
        raise UsageError("of another shape")

    monkeypatch.setattr(local, "_import_adapter", lambda: pytest.fail("imported"))
    monkeypatch.setattr(ModelChoice, "find", find)
    with pytest.raises(UsageError, match="another shape"):
        async with local_engine():
            pass


async def test_a_model_that_only_the_adapter_named_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local, "_import_adapter", lambda: Refusing)
    monkeypatch.setattr(local, "check_within_reach", lambda model: None)
    folder = write_adapter(tmp_path / "mine", base_model_name_or_path="org/other")
    with pytest.raises(
        EngineError, match=r"cannot start org/other: .* \(the adapter .*mine was trained on it\)"
    ):
        async with local_engine(str(folder)):
            pass
    with pytest.raises(EngineError, match=r"no such model$"):
        async with local_engine("org/model"):
            pass


async def test_a_model_out_of_reach_is_told_before_vllm_is_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def check(model: str) -> None:
        raise EngineError(f"{model} is out of reach")

    monkeypatch.setattr(local, "check_within_reach", check)
    monkeypatch.setattr(local, "_import_adapter", lambda: pytest.fail("imported"))
    folder = write_adapter(tmp_path / "mine", base_model_name_or_path="org/other")
    for model, told in (("org/model", "reach$"), (str(folder), r"reach \(the adapter .*mine was")):
        with pytest.raises(EngineError, match=rf"^org/\w+ is out of {told}"):
            async with local_engine(model):
                pass


@pytest.mark.parametrize("place", ["VLLM_USE_MODELSCOPE", "hf_config_path"])
async def test_where_vllm_may_look_elsewhere_the_hub_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(local, "check_within_reach", lambda model: pytest.fail("asked"))
    if place.isupper():
        monkeypatch.setenv(place, "1")
        await started_with(monkeypatch, "org/model", on_cpu=True)
    else:
        await started_with(monkeypatch, "org/model", on_cpu=True, **{place: "folder"})
