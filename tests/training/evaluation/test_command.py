from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import (
    Engine,
    EngineError,
    FakeEngine,
    ForkjoinError,
    Sampling,
    UsageError,
    converse,
)
from tests.engines.adapter_files import write_adapter
from training.evaluation import command
from training.evaluation.catalogue import PARTS, Listed
from training.evaluation.command import evaluate
from training.evaluation.part import PLAIN, TRAINED, Options, Table


class Bench:
    """Parts that say what they were given, and engines that are counted."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.opened: list[tuple[str | None, dict[str, Any]]] = []
        self.measured: list[tuple[str, str]] = []
        self.broken: set[str] = set()
        self.broken_of: set[tuple[str, str]] = set()
        self.endless: set[str] = set()
        self.stopping: dict[str, signal.Signals] = {}
        self.closed = 0
        self.file: str | None = None
        self.dead = False
        self.engine = FakeEngine()

    def run(self, *arguments: str) -> None:
        parts = {
            "sums": Listed(measure=self.part("sums"), file=self.file),
            "words": Listed(measure=self.part("words"), models=(PLAIN, TRAINED)),
        }
        evaluate(["--out", str(self.out), *arguments], self.open, parts)

    @asynccontextmanager
    async def open(self, model: str | None, **options: Any) -> AsyncIterator[Engine]:
        self.opened.append((model, options))
        if self.dead:
            raise EngineError("it does not start")
        try:
            self.engine = FakeEngine()
            yield self.engine
        finally:
            self.closed += 1

    def part(self, name: str) -> Any:
        async def measure(engine: Engine, options: Options) -> Sequence[Table]:
            if name in self.broken or (name, options.model) in self.broken_of:
                raise ExceptionGroup("of a task group", [EngineError(f"{name} is broken")])
            stop = {name, f"{name} of {options.model}"} & self.stopping.keys()
            if stop:
                os.kill(os.getpid(), self.stopping[stop.pop()])
                await anyio.sleep_forever()
            if name in self.endless:
                await anyio.sleep_forever()
            self.measured.append((name, options.model))
            title = f"{name} of the {options.model} model, {options.problems} problems"
            return [Table(title=title, headers=("system", "n"), rows=[["chain", "3"]])]

        return measure


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_all_parts_are_measured_on_one_engine_after_the_other(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run("--problems", "5", "--plain", "me/a", "--model", "me/b", "--vllm", "max_num_seqs=64")
    assert bench.opened == [("me/a", {"max_num_seqs": 64}), ("me/b", {"max_num_seqs": 64})]
    assert bench.measured == [("words", PLAIN), ("sums", TRAINED), ("words", TRAINED)]
    shown = capsys.readouterr()
    titles = [line for line in shown.out.splitlines() if "problems" in line]
    assert titles == [f"{name} of the trained model, 5 problems" for name in ("sums", "words")]
    assert "words: plain model" in shown.err
    kept = json.loads((bench.out / "evaluation.json").read_text())["parts"]
    assert (set(kept["words"]), set(kept["sums"])) == ({PLAIN, TRAINED}, {TRAINED})


def test_a_run_whose_time_is_up_is_gone_on_with(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.endless = {"words"}
    with pytest.raises(SystemExit) as stopped:
        bench.run("--part", "sums", "--minutes", "0")
    assert (stopped.value.code, bench.measured) == (75, [])
    bench.run("--part", "sums")
    with pytest.raises(SystemExit) as stopped:
        bench.run("--minutes", "0.001")
    assert stopped.value.code == 75
    assert f"the same command goes on in {bench.out}" in capsys.readouterr().err
    bench.endless = set()
    bench.run("--minutes", "9")
    assert bench.measured == [("sums", TRAINED), ("words", PLAIN), ("words", TRAINED)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_a_signal_stops_closes_its_engine_and_is_gone_on_with(
    bench: Bench, number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    bench.run("--part", "sums")
    bench.stopping = {"words": number}
    with pytest.raises(SystemExit) as stopped:
        bench.run()
    assert (stopped.value.code, bench.closed) == (code, len(bench.opened))
    assert capsys.readouterr().err.endswith(f"stopped; the same command goes on in {bench.out}\n")
    assert signal.getsignal(number) is before
    bench.stopping = {}
    bench.run()
    assert bench.measured == [("sums", TRAINED), ("words", PLAIN), ("words", TRAINED)]


def test_what_is_measured_is_shown_without_an_engine(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run("--part", "sums")
    bench.run("--part", "sums")
    assert (len(bench.opened), bench.measured) == (1, [("sums", TRAINED)])
    assert capsys.readouterr().out.count("sums of the trained model") == 2
    bench.run("--part", "all")
    assert bench.measured[1:] == [("words", PLAIN), ("words", TRAINED)]


def test_a_part_that_fails_leaves_the_others_alone_and_is_tried_again(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.broken.add("sums")
    with pytest.raises(SystemExit) as error:
        bench.run()
    assert error.value.code == 1
    assert "sums: sums is broken\n" in capsys.readouterr().err
    assert bench.measured == [("words", PLAIN), ("words", TRAINED)]
    bench.broken.clear()
    bench.run()
    assert bench.measured[2:] == [("sums", TRAINED)]


def test_other_problems_are_refused_before_an_engine_starts(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run("--part", "sums", "--problems", "2")
    for given in (["--problems", "3"], ["--problems", "2", "--seed", "1"], []):
        with pytest.raises(UsageError, match=r"was measured with --\w+ .*: choose another --out"):
            bench.run("--part", "words", *given)
    assert len(bench.opened) == 1
    bench.run("--part", "words", "--problems", "2")
    assert "words of the trained model, 2 problems" in capsys.readouterr().out


def test_a_part_of_which_the_plain_model_comes_later_is_told_with_both(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.broken_of = {("words", PLAIN)}
    with pytest.raises(SystemExit):
        bench.run("--part", "words")
    assert bench.measured == [("words", TRAINED)]
    bench.broken_of = set()
    # Stopped between the two, it goes on with the second.
    bench.stopping = {"words of trained": signal.SIGTERM}
    with pytest.raises(SystemExit):
        bench.run("--part", "words")
    bench.stopping = {}
    capsys.readouterr()
    bench.run("--part", "words")
    assert bench.measured == [("words", TRAINED), ("words", PLAIN), ("words", TRAINED)]
    assert "words of the trained model" in capsys.readouterr().out


def test_figures_of_an_adapter_that_was_trained_anew_in_its_folder_are_refused(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    bench.run("--part", "sums", "--model", str(adapter))
    # The same elsewhere, as on another machine, is the same.
    shutil.copytree(adapter, tmp_path / "elsewhere")
    bench.run("--part", "sums", "--model", str(tmp_path / "elsewhere"))
    assert len(bench.opened) == 1
    assert capsys.readouterr().out.count("sums of the trained model") == 2
    write_adapter(adapter, seed=2)
    for part in ("sums", "words"):
        with pytest.raises(UsageError, match=r"measured with the trained model .*: choose another"):
            bench.run("--part", part, "--model", str(adapter))
    assert len(bench.opened) == 1
    assert "sums of the trained model" not in capsys.readouterr().out


def test_an_engine_that_does_not_start_leaves_the_folder_to_any_model(bench: Bench) -> None:
    bench.dead = True
    with pytest.raises(EngineError, match="it does not start"):
        bench.run("--part", "sums", "--model", "me/a")
    bench.dead = False
    bench.run("--part", "sums", "--model", "me/b")
    assert bench.measured == [("sums", TRAINED)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--vllm", "eager"], "--vllm eager: write KEY=VALUE"),
        (["--vllm", "eager=["], "--vllm eager=[: the value is no YAML"),
        (["--problems", "0"], "0: give 1 or more"),
        (["--model", "nowhere"], "there is no model 'nowhere'"),
        (["--part", "nothing"], "invalid choice: 'nothing'"),
    ],
)
def test_what_is_wrong_is_told_before_an_engine_starts(
    bench: Bench, given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((SystemExit, UsageError)) as error:
        bench.run(*given)
    assert told in f"{error.value} {capsys.readouterr().err}"
    assert not bench.opened


def test_what_is_not_there_is_told_before_an_engine_starts_and_only_where_it_is_needed(
    bench: Bench,
) -> None:
    bench.file = "rows.jsonl"
    data = ("--data", str(bench.out))
    with pytest.raises(UsageError, match=rf"sums needs rows\.jsonl, which is not in {bench.out}"):
        bench.run(*data)
    assert not bench.opened
    (bench.out / "rows.jsonl").touch()
    bench.run(*data)
    (bench.out / "rows.jsonl").unlink()
    bench.run(*data)
    assert len(bench.opened) == 2


def test_the_folder_of_data_is_told_and_is_that_of_the_variable_where_none_is_given(
    bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench.file = "rows.jsonl"
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        folder.mkdir()
        (folder / "rows.jsonl").touch()
    monkeypatch.setenv("DATA", str(own))
    bench.run("--part", "words")
    assert "files of benchmarks" not in capsys.readouterr().err
    bench.run("--part", "sums")
    assert f"files of benchmarks are those in {own}\n" in capsys.readouterr().err
    bench.out = tmp_path / "second"
    bench.run("--part", "sums", "--data", str(other))
    assert f"files of benchmarks are those in {other}\n" in capsys.readouterr().err
    monkeypatch.delenv("DATA")
    monkeypatch.setattr(command, "_BESIDE", tmp_path / "nowhere")
    bench.out = tmp_path / "third"
    with pytest.raises(UsageError, match=r"sums needs rows\.jsonl, which is nowhere: give its"):
        bench.run("--part", "sums")


@pytest.mark.parametrize("on_cpu", [True, False])
def test_on_a_cpu_fewer_problems_are_recommended_to_who_gives_no_number(
    bench: Bench,
    on_cpu: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "_computes_on_cpu", lambda: on_cpu)
    bench.run("--part", "sums")
    assert ("on a CPU try --problems 10" in capsys.readouterr().err) is on_cpu
    # Nothing is left to measure.
    bench.run("--part", "sums")
    bench.out = tmp_path / "few"
    bench.run("--part", "sums", "--problems", "3")
    assert "--problems 10" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("on_cpu", "given", "options"),
    [
        (True, [], {}),
        (False, [], {"max_num_seqs": 1024, "max_cudagraph_capture_size": 1024}),
        (
            False,
            ["--concurrency", "64", "--vllm", "dtype=half"],
            {"max_num_seqs": 64, "max_cudagraph_capture_size": 64, "dtype": "half"},
        ),
    ],
)
def test_on_a_gpu_an_engine_is_opened_that_runs_all_calls_at_once(
    bench: Bench,
    on_cpu: bool,
    given: list[str],
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "_computes_on_cpu", lambda: on_cpu)
    bench.run("--part", "sums", *given)
    assert bench.opened == [(None, options)]


def test_what_wants_the_engine_for_itself_has_it_and_others_stand_back_for_what_is_first(
    bench: Bench,
) -> None:
    running: set[str] = set()
    beside: dict[str, set[str]] = {}

    def part(name: str) -> Any:
        async def measure(engine: Engine, options: Options) -> Sequence[Table]:
            running.add(name)
            context = await converse(engine, [("user", "1"), ("assistant", "")], name=name)
            await engine.generate(context, Sampling())
            beside[name] = running - {name}
            await anyio.sleep(0.05)
            running.remove(name)
            return []

        return measure

    parts = {
        "slow": Listed(measure=part("slow")),
        "timed": Listed(measure=part("timed"), alone=True),
        "long": Listed(measure=part("long"), first=True),
        "also timed": Listed(measure=part("also timed"), alone=True),
    }
    evaluate(["--out", str(bench.out)], bench.open, parts)
    assert beside["timed"] == beside["also timed"] == set()
    assert {"slow", "long"} & (beside["slow"] | beside["long"])
    calls = {call.context.path.split("/")[0]: call for call in bench.engine.calls}
    priorities = {name: call.delivery.priority for name, call in calls.items()}
    assert priorities["long"] == priorities["timed"] == 0 < priorities["slow"]


def test_a_place_that_is_a_file_is_told_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ForkjoinError, match="file is a file; choose another with --out"):
        Bench(tmp_path / "file").run()


def test_the_parts_that_are_published_are_there() -> None:
    published = {"latency", "products", "words", "game24", "longer", "scale", "paired"}
    assert set(PARTS) == published
