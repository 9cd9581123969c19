"""The part about workers over one cache: what it makes of the rates that another process tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks import hogwild, hogwild_runs
from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.models import DUMMY
from benchmarks.gpu.part import Engines, Setting
from benchmarks.gpu.parts.hogwild import arguments, figures, rates_of


def setting(model: str, options: Mapping[str, Any], *, small: bool) -> Setting:
    def opened(model: str | None, **options: Any) -> Any:
        raise AssertionError("no engine is needed")

    return Setting(engines=Engines(opened, None, {}), model=model, options=options, small=small)


def line(workers: int, way: str, rate: float, history: int = 64) -> str:
    return json.dumps(
        {"history": history, "workers": workers, "way": way, "tokens_per_second": rate}
    )


def test_ratios_are_those_of_rounds() -> None:
    told = ["some model", '{"workers": 4, "way": "draws", "history": 64, "milliseconds": 1.0}']
    for one, four in ((100, 350), (50, 150), (100, 400)):
        told += [line(1, "with steps", one), line(4, "with steps", four)]
        told.append(line(4, "independent, static cache", 80))
    # Time ran out before the others of this round.
    told.append(line(1, "with steps", 1))
    [figure] = figures(rates_of(told))
    assert figure.value == 3.5
    assert (figure.goal, figure.reached) == (3.4, True)
    assert figure.detail == "350 beside 100 tokens/s; 4 independent ones in transformers 80"


def test_histories_and_workers_are_told_apart() -> None:
    rates = {(1, 64): 10, (2, 64): 20, (4, 64): 30, (1, 4096): 5, (8, 4096): 20}
    told = [
        line(workers, "with steps", rate, history) for (workers, history), rate in rates.items()
    ]
    found = [(figure.what, figure.value, figure.reached) for figure in figures(rates_of(told))]
    assert found == [
        ("2 workers over one cache, a history of 64 tokens", 2, None),
        ("4 workers over one cache, a history of 64 tokens", 3, False),
        ("8 workers over one cache, a history of 4,096 tokens", 4, None),
    ]


def test_without_rates_there_is_no_figure() -> None:
    with pytest.raises(Mismeasured, match="told no rates"):
        figures(rates_of([line(4, "with steps", 100), line(1, "passes", 100)]))


def test_rounds_are_in_turns_and_a_shape_is_called_by_its_name() -> None:
    words = arguments(setting("/out/models/qwen3-8b", DUMMY, small=False))
    assert words[:2] == ["--shape", "qwen3-8b"]
    assert words[2:15] == ["--workers", *"1248", *"2481", *"4812"]
    assert arguments(setting("/models/some", {}, small=False))[:2] == ["--model", "/models/some"]


def test_the_command_understands_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], one_torch_thread: None
) -> None:
    monkeypatch.setattr(hogwild_runs, "STEP_TOKENS", 4)
    words = arguments(setting("/out/models/tiny", DUMMY, small=True))
    monkeypatch.setattr("sys.argv", ["hogwild", *words, "--device", "cpu", "--threads", "1"])
    hogwild.main()
    found = figures(rates_of(capsys.readouterr().out.splitlines()))
    assert [figure.data["workers"] for figure in found] == [2, 4]
    for figure in found:
        assert len(figure.data["tokens_per_second"]) == 2
        assert len(figure.data["tokens_per_second_independent"]) == 2
        assert len(figure.data["tokens_per_second_within_steps"]) == 2
