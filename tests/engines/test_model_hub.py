"""Models that are not here where the hub answers, or does not; nothing is really asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines import EngineError, hogwild_engine
from engines.hogwild import opening
from engines.model_hub import check_within_reach

errors = pytest.importorskip("huggingface_hub.errors")


@pytest.fixture
def answering(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Exception | None], list[str]]:
    """Has the hub say this, and the cache be empty; returns what it is asked for."""

    def answer(error: Exception | None) -> list[str]:
        asked: list[str] = []

        def metadata(url: str, **_: Any) -> None:
            asked.append(url.rpartition("/")[2])
            if error is not None:
                raise error

        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", metadata)
        return asked

    return answer


def test_a_model_of_a_hub_that_does_not_answer_is_out_of_reach(
    answering: Callable[[Exception | None], list[str]],
) -> None:
    asked = answering(ConnectionError("no host"))
    with pytest.raises(EngineError, match=r"hub cannot be reached \(ConnectionError\): check the"):
        check_within_reach("org/model")
    # Once.
    assert asked == ["config.json"]


def test_a_model_that_nobody_may_ask_for_is_out_of_reach(
    answering: Callable[[Exception | None], list[str]],
) -> None:
    answering(errors.OfflineModeIsEnabled("somewhere"))
    with pytest.raises(EngineError, match=r"^there is no folder org/model, .* HF_HUB_OFFLINE lets"):
        check_within_reach("org/model")


def test_what_the_hub_says_of_a_model_is_left_to_who_loads_it(
    answering: Callable[[Exception | None], list[str]],
) -> None:
    # Without the response that it is made of.
    refusal = errors.HfHubHTTPError.__new__(errors.HfHubHTTPError)
    for said in (None, refusal):
        asked = answering(said)
        check_within_reach("org/model")
        assert asked == ["config.json"]


def test_of_a_folder_and_of_what_is_in_the_cache_nobody_is_asked(
    answering: Callable[[Exception | None], list[str]], tmp_path: Path
) -> None:
    asked = answering(ConnectionError("no host"))
    (tmp_path / "models--org--model").mkdir()
    check_within_reach("org/model")
    check_within_reach(str(tmp_path))
    assert asked == []


@pytest.mark.anyio
async def test_the_engine_of_hogwild_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")

    def check(model: str) -> None:
        raise EngineError(f"{model} is out of reach")

    monkeypatch.setattr(opening, "check_within_reach", check)
    monkeypatch.setattr(opening, "_import_engine", lambda: pytest.fail("imported"))
    with pytest.raises(EngineError, match=r"^org/model is out of reach$"):
        async with hogwild_engine("org/model"):
            pass
