"""The worker in an actor's process, without Ray, and what is said where Ray or its cluster is missing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import anyio
import pytest

from engines import Context, Engine, EngineDead, FakeEngine, MissingExtra, Sampling, UsageError
from orchestrator.batch import ray_actors
from orchestrator.batch import worker as worker_module
from orchestrator.batch.ray_actors import Ended, RayWorker, connected
from tests.orchestrator.batch.test_worker import row, settings
from tests.ports import held_port

Opening = Callable[[Engine | UsageError], RayWorker]


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Opening:
    """Makes workers that open an engine, or fail to."""
    monkeypatch.chdir(tmp_path)

    def make(engine: Engine | UsageError) -> RayWorker:
        def open_engine(*_: object) -> nullcontext[Engine]:
            if isinstance(engine, UsageError):
                raise engine
            return nullcontext(engine)

        monkeypatch.setattr(worker_module, "open_engine", open_engine)
        return RayWorker(settings("--width", "8"), str(tmp_path))

    return make


class Work:
    """A call of `work` that goes on beside a test's own calls."""

    ended: Ended | None = None

    async def of(self, worker: RayWorker) -> None:
        self.ended = await worker.work()


@pytest.mark.anyio
async def test_rows_come_back_as_soon_as_some_are_finished(opening: Opening) -> None:
    def reply(context: Context, sampling: Sampling) -> str:
        return context.turns[-2].text

    worker = opening(FakeEngine(reply, seconds_per_token=0.002, chunk_tokens=1))
    async with anyio.create_task_group() as group:
        group.start_soon(Work().of, worker)
        assert await worker.opened() == 8
        first = await worker.exchange([row(1, text="a"), row(2, text="b" * 100), row(3, text="c")])
        assert first is not None
        assert {finished.line for finished in first} == {1, 3}
        second = await worker.exchange([row(4, text="d")])
        assert second is not None
        assert [finished.line for finished in second] == [4]
        third = await worker.exchange([])
        assert third is not None
        assert [finished.line for finished in third] == [2]
        await worker.close()


@pytest.mark.anyio
async def test_every_row_comes_back_once_however_they_end(opening: Opening) -> None:
    async def reply(context: Context, sampling: Sampling) -> str:
        for _ in range(len(context.turns[-2].text)):
            await anyio.sleep(0.001)
        return "yes"

    worker = opening(FakeEngine(reply))
    seen: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(Work().of, worker)
        rows = [row(line, text="x" * (line * 7 % 40)) for line in range(100)]
        given = await worker.opened()
        while len(seen) < 100:
            back = await worker.exchange(rows[:given])
            assert back is not None
            seen += [finished.line for finished in back]
            rows, given = rows[given:], len(back)
        await worker.close()
    assert sorted(seen) == list(range(100))


@pytest.mark.anyio
async def test_an_engine_that_dies_ends_the_worker_after_what_it_finished(opening: Opening) -> None:
    worker, work = opening(FakeEngine(["yes", EngineDead("it is\ngone")])), Work()
    async with anyio.create_task_group() as group:
        group.start_soon(work.of, worker)
        await worker.opened()
        first = await worker.exchange([row(1)])
        assert first is not None
        assert first[0].end == "answered"
        assert await worker.exchange([row(2)]) is None
        assert await worker.exchange([row(3)]) is None
    assert work.ended is not None
    assert work.ended.replaceable
    assert work.ended.reason.endswith(": it is gone")


@pytest.mark.anyio
async def test_an_engine_that_cannot_be_opened_is_told(opening: Opening) -> None:
    worker, work = opening(UsageError("there is no\nsuch model")), Work()
    async with anyio.create_task_group() as group:
        group.start_soon(work.of, worker)
        assert await worker.opened() is None
        assert await worker.exchange([]) is None
    assert work.ended is not None
    assert not work.ended.replaceable
    assert work.ended.exit_code == 2
    assert work.ended.reason.endswith(": there is no such model")


@pytest.mark.anyio
async def test_a_worker_that_is_closed_breaks_off_its_rows(opening: Opening) -> None:
    engine = FakeEngine(latency=3600)
    worker, work = opening(engine), Work()
    async with anyio.create_task_group() as group:
        group.start_soon(work.of, worker)
        await worker.opened()
        group.start_soon(worker.exchange, [row(1), row(2)])
        while len(engine.calls) < 2:  # noqa: ASYNC110  # a call cannot tell
            await anyio.sleep(0.001)
        await worker.close()
    assert engine.aborted == 2
    assert work.ended is None


@pytest.mark.anyio
async def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_actors, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"uv pip install 'forkjoin\[ray\]'"):
        async with connected():
            pass


@pytest.mark.anyio
@pytest.mark.parametrize("told", ["RAY_ADDRESS", "ray_current_cluster"])
async def test_a_cluster_that_does_not_answer_is_told_at_once(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_actors, "find_spec", lambda name: object())
    with held_port() as port:
        address = f"127.0.0.1:{port}"
        if told == "RAY_ADDRESS":
            monkeypatch.setenv(told, address)
        else:
            # What a cluster leaves behind when it is killed.
            monkeypatch.delenv("RAY_ADDRESS", raising=False)
            monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
            (tmp_path / "ray").mkdir()
            (tmp_path / "ray" / told).write_text(address)
        with pytest.raises(
            UsageError, match=rf"no Ray cluster answers at {address}.*`ray start --head`"
        ):
            async with connected():
                pass
