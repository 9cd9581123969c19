"""Runs the contract over every engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest

from engines import (
    STREAMED,
    Choice,
    Chunk,
    Context,
    Delivery,
    Engine,
    FakeEngine,
    ReplayEngine,
    Sampling,
    run_in_portal,
)
from engines.replay.recording import Recorded, Recording
from engines.replicas import ReplicaPool
from tests.engines.contract import CHECKS, LONG, Check
from tests.engines.http_ways import WAYS, Way
from tests.engines.servers import chat_app, serving
from tests.engines.vllm_like import VllmLike

# What depends on the way to speak HTTP, or on the event loop. All other checks go every way with a fake behind it, and
# one with a real model.
_OF_WAYS = {
    "chunks_add_up_to_the_completion",
    "a_whole_call_is_one_chunk",
    "leaving_a_stream_aborts_its_request",
    "cancelling_a_call_aborts_its_request",
    "a_context_beyond_the_window_is_too_long",
    "closing_ends_what_runs",
}
_REPLIES = {"regex": "123-ab", "json": '{"n": 4}', "grammar": "abd"}


@dataclass(frozen=True)
class Subject:
    name: str
    open: Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Engine]]
    backend: str
    has_ids: bool = True
    real: bool = False
    is_another_way: bool = False
    is_plain: bool = False
    """Without constraints and without a prefix cache."""
    is_replay: bool = False
    """Without constraints and without logprobs."""

    def fits(self, check: Check) -> bool:
        if self.real and self.is_another_way and check.name not in _OF_WAYS:
            return False
        if self.is_plain and (check.needs_constraints or check.needs_prefix_cache):
            return False
        if self.is_replay and (check.needs_constraints or check.needs_logprobs):
            return False
        return (self.has_ids or not check.needs_ids) and (self.real or not check.needs_model)


_SEA = "The sea is large, deep and full of salt. " * 50


def _reply(context: Context, sampling: Sampling) -> str:
    constraint = sampling.constraint
    if constraint is None:
        return _SEA
    return constraint.options[0] if isinstance(constraint, Choice) else _REPLIES[constraint.kind]


class Unended(FakeEngine):
    """Holds the end of a long call back until it is left, which may take a client long on a busy machine."""

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        async def held(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
            async for chunk in chunks:
                if chunk.finish_reason is not None and sampling.max_tokens == LONG.max_tokens:
                    await anyio.sleep_forever()
                yield chunk

        async with (
            super().stream(context, sampling, delivery) as chunks,
            aclosing(held(chunks)) as passing,
        ):
            yield passing


def _fake(text_only: bool) -> FakeEngine:
    return Unended(
        _reply, seconds_per_token=0.0005, chunk_tokens=4, window=2048, text_only=text_only
    )


def _pool(text_only: bool) -> ReplicaPool:
    return ReplicaPool([_fake(text_only), _fake(text_only)])


def _replay() -> ReplayEngine:
    # The second is in every long context of the contract.
    questions = dict.fromkeys(["Tell me about the sea.", "word"], (Recorded(_SEA),))
    recording = Recording("sea", questions)
    return ReplayEngine(recording, seconds_per_token=0.0005, chunk_tokens=4, window=2048)


def _hogwild(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.getfixturevalue("new_hogwild_engine")()
    return engine


def _connecting(
    way: Way, fixture: str
) -> Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Engine]]:
    return lambda request: way.connect(request.getfixturevalue(fixture))


SUBJECTS = (
    [
        Subject(f"{name}-{backend}", open, backend, has_ids)
        for name, open, has_ids in [
            ("fake", lambda _: _fake(text_only=False), True),
            ("fake-text", lambda _: _fake(text_only=True), False),
            ("pool", lambda _: _pool(text_only=False), True),
            ("pool-text", lambda _: _pool(text_only=True), False),
        ]
        for backend in ("asyncio", "trio")
    ]
    + [
        Subject(f"replay-{backend}", lambda _: _replay(), backend, is_replay=True)
        for backend in ("asyncio", "trio")
    ]
    + [
        Subject(
            f"{name}-{way.name}",
            _connecting(way, fixture),
            way.backend,
            has_ids,
            real,
            is_another_way=way is not WAYS[0],
        )
        for name, fixture, has_ids, real in [
            ("http-text", "chat_server", False, False),
            ("http-ids", "vllm_like_server", True, False),
            ("http-vllm", "vllm_server", True, True),
        ]
        for way in WAYS
    ]
    + [
        Subject(
            f"hogwild-{backend}",
            _hogwild,
            backend,
            real=True,
            is_another_way=backend == "trio",
            is_plain=True,
        )
        for backend in ("asyncio", "trio")
    ]
)


def test_what_depends_on_the_way_is_there() -> None:
    assert {check.name for check in CHECKS} >= _OF_WAYS


@pytest.fixture(scope="module")
def chat_server() -> Iterator[str]:
    with serving(chat_app(_fake(text_only=True))) as url:
        yield url


@pytest.fixture(scope="module")
def vllm_like_server() -> Iterator[str]:
    with serving(VllmLike(_fake(text_only=False)).app) as url:
        yield url


@pytest.mark.parametrize(
    ("subject", "check"),
    [
        pytest.param(
            subject,
            check,
            id=f"{subject.name}-{check.name}",
            marks=[pytest.mark.real_vllm] if subject.real and not subject.is_plain else [],
        )
        for subject in SUBJECTS
        for check in CHECKS
        if subject.fits(check)
    ],
)
def test_engine(subject: Subject, check: Check, request: pytest.FixtureRequest) -> None:
    opening = subject.open(request)

    async def run() -> None:
        async with opening as engine:
            await check.run(engine)

    anyio.run(run, backend=subject.backend)


@pytest.mark.real_vllm
@pytest.mark.parametrize("check", [c for c in CHECKS if not c.closes], ids=lambda c: c.name)
def test_vllm_in_process(check: Check, vllm_engine: Engine) -> None:
    run_in_portal(lambda: check.run(vllm_engine))
