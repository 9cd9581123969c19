from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import (
    Context,
    Engine,
    EngineDead,
    EngineError,
    FakeEngine,
    Sampling,
    Usage,
)
from evals.evaluation.reading import read_evaluation
from evals.evaluation.rows import Key
from orchestrator import Budget, GenerationFinished, NodeFinished, RunFinished, RunFolderError
from reasoning import METHODS, Answer, SelfConsistency
from tests.backends import run_virtually
from tests.evals.evaluation.making_samples import Made, make, problems, thinks
from tests.reasoning import method_rules
from tests.reasoning.method_rules import moody_engine, seeded

pytestmark = pytest.mark.anyio

no_threads = pytest.fixture(method_rules.comparing_at_sight)

RIGHT = "\\boxed{0}"
# Of blocks that no prompt fills nothing is cached, so that it makes no difference who comes first.
UNFILLED = 10**6


def sum_of(made: Made) -> Usage:
    return sum((row.usage for row in made.rows), Usage())


async def test_a_sample_is_a_row_with_what_it_said_and_cost(tmp_path: Path) -> None:
    engine = FakeEngine(f"so {RIGHT}")
    made = await make(engine, tmp_path, asked=problems(1), k=1)
    (row,) = made.rows
    assert (row.status, row.text, row.value) == ("ok", f"so {RIGHT}", "0")
    assert row.critical_path == row.usage.generated_tokens == len(row.text)
    assert (row.reason, row.remark, row.threads) == ("", "", [])


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.usefixtures("no_threads")
def test_of_every_method_the_rows_cost_what_the_engine_did(name: str, tmp_path: Path) -> None:
    engine = moody_engine(3)

    async def main() -> tuple[Made, tuple[int, int]]:
        made = await make(engine, tmp_path, system=thinks(METHODS[name](seeded(7))), width=4)
        counts = await engine.statistics()
        return made, (counts.prompt_tokens, counts.generated_tokens)

    made, counted = run_virtually(main)
    assert len(made.rows) == 6
    usage = sum_of(made)
    assert (usage.prompt_tokens, usage.generated_tokens) == counted
    assert all(row.critical_path <= row.usage.generated_tokens for row in made.rows)


async def test_samples_of_a_problem_differ_and_share_their_prompt(tmp_path: Path) -> None:
    engine = FakeEngine(RIGHT)
    await make(engine, tmp_path, asked=problems(2), k=3)
    paths = [call.context.path for call in engine.calls]
    assert paths[:4] == ["sums/p0/0", "sums/p0/1", "sums/p0/2", "sums/p1/0"]
    assert len({call.sampling.seed for call in engine.calls}) == 6
    roots = {id(call.context.lineage[0]) for call in engine.calls}
    assert len(roots) == 2


@pytest.mark.parametrize(("threads", "begun"), [(1, 6), (5, 2)])
async def test_as_many_samples_begin_as_keep_the_engine_busy(
    threads: int, begun: int, tmp_path: Path
) -> None:
    """Calls are limited: four samples of one call, or one of five; and the next, so that no slot waits."""
    engine = FakeEngine(RIGHT, latency=10)
    system = thinks(SelfConsistency(samples=threads, method=thinks().method))  # type: ignore[attr-defined]
    made = Made()
    async with anyio.create_task_group() as group:
        group.start_soon(
            lambda: make(
                engine, tmp_path, system=system, asked=problems(50), width=4, k=1, made=made
            )
        )
        await anyio.wait_all_tasks_blocked()
        assert len(engine.calls) == 4
        assert len(made.runner._work) == begun
        group.cancel_scope.cancel()


async def test_a_sample_whose_method_fails_is_a_row_and_the_others_go_on(tmp_path: Path) -> None:
    def script(context: Context, sampling: Sampling) -> str | EngineError:
        return EngineError("it broke") if "/p1/" in context.path else RIGHT

    made = await make(FakeEngine(script), tmp_path)
    failed = [row for row in made.rows if row.status == "failed"]
    assert {(row.problem, row.reason) for row in failed} == {("p1", "it broke")}
    assert len(made.rows) == 6


async def test_what_lost_threads_cost_is_in_the_row_of_a_sample_that_failed(tmp_path: Path) -> None:
    engine = FakeEngine([EngineError("gone"), EngineError("gone too")])
    vote = SelfConsistency(samples=2, method=thinks().method)  # type: ignore[attr-defined]
    made = await make(engine, tmp_path, system=thinks(vote), asked=problems(1), k=1)
    (row,) = made.rows
    assert row.status == "failed"
    assert {thread["reason"] for thread in row.threads} == {"gone", "gone too"}


class Broken:
    """A method with a mistake in it."""

    async def solve(self, context: Context, engine: Engine) -> Answer:
        raise ZeroDivisionError("a mistake")


async def test_a_bug_in_a_method_is_raised_as_itself(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        await make(FakeEngine(), tmp_path, system=thinks(Broken()))


async def test_a_dead_engine_ends_it_all(tmp_path: Path) -> None:
    engine = FakeEngine(lambda context, sampling: EngineDead("its process is gone"))
    made = Made()
    with pytest.raises(EngineDead):
        await make(engine, tmp_path, asked=problems(100), made=made)
    assert made.rows == []
    end = made.events[-1]
    assert isinstance(end, RunFinished)
    assert (end.status, end.reason) == ("failed", "its process is gone")


async def test_what_cannot_be_written_ends_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise RunFolderError("the disk is full")

    monkeypatch.setattr("evals.evaluation.folder.SampleFile.append", full)
    with pytest.raises(RunFolderError):
        await make(FakeEngine(RIGHT), tmp_path)


@pytest.mark.parametrize(
    "budget", [Budget(calls=5), Budget(tokens=330), Budget(seconds=35)], ids=repr
)
async def test_a_budget_that_is_used_up_ends_it_in_good_order(
    budget: Budget, tmp_path: Path, anyio_backend_name: str
) -> None:
    if budget.seconds is not None and anyio_backend_name != "trio":
        pytest.skip("time is real there")
    latency = 10 if budget.seconds is not None else 0
    engine = FakeEngine(RIGHT, latency=latency)
    made = await make(engine, tmp_path, asked=problems(50), width=1, budget=budget)
    what = next(name for name in ("calls", "tokens", "seconds") if getattr(budget, name))
    assert made.runner.limited_by == what
    good = [row for row in made.rows if row.counts]
    cut = [row for row in made.rows if not row.counts]
    assert 1 <= len(good) <= 5
    assert len(cut) <= 2
    assert {row.status for row in cut} == {"cancelled"}
    assert {row.reason for row in cut} == {f"the budget of the evaluation ran out of {what}"}
    end = made.events[-1]
    assert isinstance(end, RunFinished)
    assert what in end.remark


async def test_of_a_vote_that_a_budget_made_smaller_there_is_no_sample(tmp_path: Path) -> None:
    vote = SelfConsistency(samples=4, method=thinks().method)  # type: ignore[attr-defined]
    made = await make(
        FakeEngine(RIGHT), tmp_path, system=thinks(vote), asked=problems(3), budget=Budget(calls=6)
    )
    # The second vote would have had two voters.
    assert min(made.rows, key=lambda row: row.key).status == "ok"
    assert sum(row.counts for row in made.rows) == 1


async def test_what_is_done_is_not_done_again_and_costs_nothing(tmp_path: Path) -> None:
    engine = FakeEngine(RIGHT)
    first = await make(engine, tmp_path, k=1)
    made = await make(engine, tmp_path, k=3, done=frozenset(first.keys))
    assert sorted(made.keys) == [Key("sums", f"p{n}", k) for n in range(3) for k in (1, 2)]
    assert len(engine.calls) == 9


async def test_finished_calls_of_a_sample_that_was_cut_answer_from_the_journal(
    tmp_path: Path,
) -> None:
    vote = SelfConsistency(samples=3, method=thinks().method)  # type: ignore[attr-defined]
    slow = ["sums/p0/0/sample-2"]

    async def script(context: Context, sampling: Sampling) -> str:
        if context.path in slow:
            await anyio.sleep_forever()
        return RIGHT

    engine = FakeEngine(script, block_size=UNFILLED)
    made = Made()
    async with anyio.create_task_group() as group:
        group.start_soon(
            lambda: make(engine, tmp_path, system=thinks(vote), asked=problems(1), k=1, made=made)
        )
        await made.wait_until(lambda: made.count("generation-finished") == 2)
        group.cancel_scope.cancel()
    assert (await engine.statistics()).running == 0
    assert made.rows == []
    slow.clear()
    made = await make(engine, tmp_path, system=thinks(vote), asked=problems(1), k=1)
    assert len(engine.calls) == 4
    undisturbed = await make(
        FakeEngine(RIGHT, block_size=UNFILLED),
        new_folder(tmp_path),
        system=thinks(vote),
        asked=problems(1),
        k=1,
    )
    assert made.rows[0].model_copy(update={"seconds": 0.0}) == undisturbed.rows[0].model_copy(
        update={"seconds": 0.0}
    )


def new_folder(path: Path) -> Path:
    (path / "other").mkdir()
    return path / "other"


async def test_events_tell_of_samples_as_of_nodes(tmp_path: Path) -> None:
    made = await make(FakeEngine(RIGHT), tmp_path, asked=problems(1), k=1)
    kinds = [event.kind for event in made.events]
    assert kinds == [
        "run-started",
        "node-started",
        "generation-started",
        "generation-finished",
        "node-finished",
        "run-finished",
    ]
    (ended,) = [event for event in made.events if isinstance(event, NodeFinished)]
    assert (ended.node, ended.result) == ("sums/p0/0", "0")
    (call,) = [event for event in made.events if isinstance(event, GenerationFinished)]
    assert call.node == "sums/p0/0"


async def test_rows_are_there_as_soon_as_their_samples_end(tmp_path: Path) -> None:
    async def script(context: Context, sampling: Sampling) -> str:
        if "/p1/" in context.path:
            await anyio.sleep_forever()
        return RIGHT

    (tmp_path / "problems.jsonl").touch()
    made = Made()
    async with anyio.create_task_group() as group:
        group.start_soon(
            lambda: make(FakeEngine(script), tmp_path, asked=problems(2), k=1, made=made)
        )
        await made.wait_until(lambda: made.count("node-finished") == 1)
        assert list(read_evaluation(tmp_path).samples) == [Key("sums", "p0", 0)]
        group.cancel_scope.cancel()
