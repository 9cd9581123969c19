from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import anyio
import pytest

from engines import (
    Context,
    Engine,
    EngineDead,
    EngineUnavailable,
    FakeEngine,
    JsonSchema,
    RequestRejected,
    Sampling,
    UsageError,
    converse,
)
from orchestrator.batch import worker as worker_module
from orchestrator.batch.backend import LocalBackend
from orchestrator.batch.batch_settings import BatchSettings
from orchestrator.batch.row import Finished, Row, RowId
from orchestrator.batch.worker import check_settings, opened_worker
from orchestrator.commands.batch import command
from orchestrator.openai_api.model_request import ModelRequest
from tests.backends import run_virtually

Using = Callable[[Engine], None]


def settings(*options: str) -> BatchSettings:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return BatchSettings.kept(
        parser.parse_args(["in", "-o", "out", "--engine", "mine:it", *options])
    )


def row(line: int, name: RowId = "a", text: str = "Why?", **sampling: Any) -> Row:
    request = ModelRequest(turns=(("user", text),), sampling=sampling)
    return Row(line=line, id=name, kind="plain", request=request)


@pytest.fixture
def using(monkeypatch: pytest.MonkeyPatch) -> Using:
    """Makes every worker open this engine, which stays open for the next one."""

    def use(engine: Engine) -> None:
        monkeypatch.setattr(worker_module, "open_engine", lambda *_: nullcontext(engine))

    return use


def answered(rows: list[Row], *options: str) -> list[Finished]:
    """What becomes of rows one after another, in virtual time."""

    async def main() -> list[Finished]:
        async with opened_worker(settings(*options)) as worker:
            return [await worker.answer(one) for one in rows]

    return run_virtually(main)


def asked(engine: FakeEngine) -> list[Sampling]:
    return [call.sampling for call in engine.calls]


def test_a_row_is_sent_as_it_is_with_what_it_says_and_else_the_options(using: Using) -> None:
    engine = FakeEngine("{}")
    using(engine)
    constraint = JsonSchema(definition={"type": "object"})
    rows = [
        row(1),
        row(2, max_tokens=3, temperature=0.0, top_p=0.5, stop=("x",), constraint=constraint),
    ]
    answered(rows, "--max-tokens", "99")
    first, second = asked(engine)
    assert [turn.text for turn in engine.calls[0].context.turns] == ["Why?", ""]
    assert (first.max_tokens, first.stop, first.constraint) == (99, (), None)
    assert second == first.model_copy(update=dict(rows[1].request.sampling))


def test_seeds_come_from_the_option_and_the_id_or_the_row_itself(using: Using) -> None:
    engine = FakeEngine()
    using(engine)
    answered([row(1, "a"), row(2, "b"), row(3, "c", seed=5), row(4, "d", seed=5)], "--seed", "1")
    answered([row(9, "a")], "--seed", "1")
    answered([row(9, "a")], "--seed", "2")
    answered([row(9, "a")])
    a, b, c, d, again, other, none = [sampling.seed for sampling in asked(engine)]
    assert a == again
    assert c == d
    assert len({a, b, c, other}) == 4
    assert none is None


def test_a_method_thinks_in_branches_and_all_of_them_are_counted(using: Using) -> None:
    engine = FakeEngine("So it is \\boxed{4}.")
    using(engine)
    (done,) = answered(
        [row(1, temperature=0.2)], "--method", "self-consistency", "--set", "method.samples=3"
    )
    told = json.loads(done.text)
    assert [sampling.temperature for sampling in asked(engine)] == [0.2] * 3
    assert told["answer"] == "4"
    assert told["usage"]["completion_tokens"] == 3 * told["critical_path"]
    assert [thread["path"] for thread in told["threads"]] == [f"row/sample-{i}" for i in range(3)]
    assert "cached" not in done.text


@pytest.mark.parametrize(
    ("sampling", "name"),
    [({"stop": ("x",)}, "stop"), ({"constraint": JsonSchema(definition={})}, "response_format")],
)
def test_what_only_one_call_can_honour_is_refused_by_methods_of_many(
    using: Using, sampling: dict[str, Any], name: str
) -> None:
    engine = FakeEngine()
    using(engine)
    (done,) = answered([row(1, **sampling)], "--method", "self-consistency")
    assert done.end == "failed"
    assert name in json.loads(done.text)["error"]["message"]
    assert engine.calls == []


@pytest.mark.parametrize("method", ["chain-of-thought", "self-consistency"])
@pytest.mark.parametrize(
    ("error", "end"),
    [(RequestRejected("no\nnever"), "failed"), (EngineUnavailable("busy"), "unavailable")],
)
def test_a_failure_that_may_pass_is_told_from_one_that_does_not(
    using: Using, method: str, error: Exception, end: str
) -> None:
    def reply(context: Context, sampling: Sampling) -> Any:
        return error if "bad" in context.turns[0].text else "ok"

    using(FakeEngine(reply))
    bad, good = answered([row(1, "a", "bad"), row(2, "b")], "--method", method)
    assert (bad.end, good.end) == (end, "answered")
    told = json.loads(bad.text)
    assert (told["line"], told["id"]) == (1, "a")
    assert str(error).split()[0] in told["error"]["message"]


def test_a_call_is_tried_as_often_as_the_options_say(using: Using) -> None:
    engine = FakeEngine([EngineUnavailable("busy"), EngineUnavailable("busy"), "4"])
    using(engine)
    (done,) = answered([row(1)], "--attempts", "3")
    assert done.end == "answered"


def test_a_call_that_hangs_is_unavailable(using: Using) -> None:
    using(FakeEngine("4", latency=1000))
    (done,) = answered([row(1)], "--timeout", "5", "--attempts", "2")
    assert done.end == "unavailable"


def silent(*options: str) -> list[Finished]:
    """What becomes of 1,000 rows, all of which nobody answers; the batch stops."""
    done: list[Finished] = []
    rows = (row(line, line) for line in range(1, 1001))
    with pytest.raises(EngineUnavailable, match=r"20 rows in a row got no answer.*: nobody there"):
        run_virtually(lambda: LocalBackend(settings(*options)).run(rows, done.append))
    return done


@pytest.mark.parametrize("method", ["chain-of-thought", "self-consistency"])
def test_a_batch_does_not_try_all_rows_of_an_engine_that_is_gone(using: Using, method: str) -> None:
    using(FakeEngine(lambda context, sampling: EngineUnavailable("nobody there")))
    # The first one, and those that were begun after it.
    assert len(silent("--width", "1", "--method", method)) == 20
    # Rows that failed together count as one, and those that took their places decide; how many there are by then
    # depends on the jitter of their second attempts.
    assert 20 < len(silent("--width", "50", "--attempts", "2", "--method", method)) < 100


def test_a_server_that_starts_anew_ends_no_batch(using: Using) -> None:
    async def reply(context: Context, sampling: Sampling) -> Any:
        await anyio.sleep(1)
        down = 10 < anyio.current_time() < 12
        return EngineUnavailable("starting") if down else "ok"

    using(FakeEngine(reply))
    done: list[Finished] = []
    rows = (row(line, line) for line in range(1, 1001))
    width = settings("--width", "50", "--attempts", "1")
    run_virtually(lambda: LocalBackend(width).run(rows, done.append))
    assert len(done) == 1000
    assert {one.end for one in done} == {"answered", "unavailable"}


@pytest.mark.parametrize(
    ("replies", "options"),
    [
        # Every other is answered; a refusal is an answer; so is what takes too long.
        ([EngineUnavailable("busy"), "ok"], []),
        ([EngineUnavailable("busy"), RequestRejected("no")], []),
        (["ok"], ["--timeout", "0.5"]),
    ],
)
def test_a_batch_goes_on_while_somebody_is_there(
    using: Using, replies: list[Any], options: list[str]
) -> None:
    using(FakeEngine(replies * 50, latency=1))
    rows = [row(line, str(line)) for line in range(1, 51)]
    assert len(answered(rows, "--attempts", "1", *options)) == 50


@pytest.mark.parametrize("method", ["chain-of-thought", "self-consistency"])
def test_nothing_goes_on_without_an_engine(using: Using, method: str) -> None:
    using(FakeEngine(lambda context, sampling: EngineDead("gone")))
    with pytest.raises(EngineDead, match="gone"):
        answered([row(1)], "--method", method)


def test_a_budget_is_for_all_rows_together(using: Using) -> None:
    using(FakeEngine("12345"))
    found = answered([row(line, str(line)) for line in range(1, 6)], "--budget", "calls=3")
    assert [one.end for one in found] == ["answered"] * 3 + ["unavailable"] * 2
    assert json.loads(found[-1].text)["error"]["code"] == "budget_exhausted"


def test_what_a_budget_cut_is_no_answer(using: Using) -> None:
    using(FakeEngine("a" * 100))
    (done,) = answered([row(1)], "--budget", "tokens=60")
    assert done.end == "unavailable"
    assert json.loads(done.text)["error"]["message"] == "the budget's tokens cut it"


def test_rows_run_at_once_and_only_so_many_calls(using: Using) -> None:
    running = most = 0

    async def reply(context: Context, sampling: Sampling) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(1)
        running -= 1
        return "ok"

    using(FakeEngine(reply))
    pulled: list[int] = []

    def rows() -> Iterator[Row]:
        for line in range(1, 21):
            pulled.append(line)
            yield row(line, line)

    done: list[Finished] = []

    def finished(one: Finished) -> None:
        done.append(one)
        # Nobody reads ahead.
        assert len(pulled) <= len(done) + 4

    async def main() -> float:
        await LocalBackend(settings("--width", "4")).run(rows(), finished)
        return anyio.current_time()

    assert run_virtually(main) == pytest.approx(5)
    assert sorted(one.line for one in done) == list(range(1, 21))
    assert most == 4


@pytest.mark.parametrize(
    "options",
    [
        ["--method", "none"],
        ["--set", "planner.max_steps=3"],
        ["--set", "method.samples=3"],
        ["--method", "hogwild"],
        ["--width", "0"],
        ["--width", "N{SUPERSCRIPT TWO}"],
        ["--budget", "hours=3"],
        ["--attempts", "0"],
        ["--max-tokens", "0"],
        ["--engine", "nowhere"],
        ["--engine", "localhost:8000"],
    ],
)
def test_options_that_cannot_be_are_refused(options: list[str]) -> None:
    with pytest.raises(UsageError):
        check_settings(settings(*options))


@pytest.mark.anyio
async def test_an_engine_is_closed_with_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(worker_module, "open_engine", lambda *_: engine)
    async with opened_worker(settings()) as worker:
        assert (await worker.answer(row(1))).end == "answered"
    context = await converse(engine, [("user", "Why?"), ("assistant", "")])
    with pytest.raises(EngineDead):
        await engine.generate(context, Sampling())


@pytest.mark.parametrize("budget", ["calls=12", "tokens=1100"])
def test_a_row_of_whose_calls_the_budget_cut_some_is_not_answered(
    using: Using, budget: str
) -> None:
    engine = FakeEngine("\\boxed{1}", seconds_per_token=0.01)
    using(engine)
    options = ["--method", "self-consistency", "--set", "method.samples=8", "--max-tokens", "20"]
    rows = [row(1, "a"), row(2, "b")]
    whole, starved = answered(rows, *options, "--budget", budget)
    assert (whole.end, starved.end) == ("answered", "unavailable")
    assert starved.out_of == budget.partition("=")[0]
    assert "budget" in starved.text
