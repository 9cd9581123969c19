"""An engine that says what a script wants, on a fake one that would say something else."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.forced import ForcedEngine, Say, Script, Write
from engines import (
    Chunk,
    Completion,
    Context,
    FakeEngine,
    Role,
    Sampling,
    Segment,
    UsageError,
    converse,
)
from tests.backends import run_virtually

CLOSING = "</Thread>"
# A method's own wishes, none of which the script knows.
LIMITED = Sampling(max_tokens=3, stop=("x", "s"), logprobs=1)


class ByteEngine(FakeEngine):
    """Tokens are bytes, so that characters have several of them."""

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        return Segment(role, text, tuple(text.encode()))

    async def decode(self, token_ids: Sequence[int]) -> str:
        return bytes(token_ids).decode(errors="replace")


def scripted(wanted: Say | Write) -> Script:
    return lambda context, sampling: wanted


async def told(engine: FakeEngine, wanted: Say | Write) -> Completion:
    turn = await converse(engine, [("user", "How many?"), ("assistant", "")])
    return await ForcedEngine(engine, scripted(wanted)).generate(turn, LIMITED)


async def parts(engine: FakeEngine, wanted: Say | Write) -> list[Chunk]:
    turn = await converse(engine, [("user", "How many?"), ("assistant", "")])
    async with ForcedEngine(engine, scripted(wanted)).stream(turn, LIMITED) as chunks:
        return [chunk async for chunk in chunks]


def test_what_is_said_is_the_scripts_at_the_engines_pace() -> None:
    async def main() -> tuple[Completion, float]:
        said = await told(FakeEngine("x" * 99, latency=2, seconds_per_token=0.5), Say("seven"))
        return said, anyio.current_time()

    said, seconds = run_virtually(main)
    assert said.text == "seven"
    assert said.token_ids == tuple(map(ord, "seven"))
    assert (said.finish_reason, said.stop_reason) == ("stop", None)
    assert (said.usage.generated_tokens, seconds) == (5, 2 + 5 * 0.5)


def test_what_is_written_is_the_engines_and_the_closing_costs_nothing() -> None:
    async def main() -> tuple[Completion, float]:
        written = await told(FakeEngine("x" * 99, seconds_per_token=0.5), Write(6, CLOSING))
        return written, anyio.current_time()

    written, seconds = run_virtually(main)
    assert written.text == "x" * 6 + CLOSING
    assert written.token_ids == tuple(map(ord, written.text))
    assert written.finish_reason == "stop"
    assert (written.usage.generated_tokens, seconds) == (6, 3)


@pytest.mark.parametrize("wanted", [Say("seven rows of trees"), Write(20, CLOSING)])
def test_parts_come_as_the_engines_come(wanted: Say | Write) -> None:
    chunks = run_virtually(lambda: parts(FakeEngine("x" * 99, chunk_tokens=4), wanted))
    said = wanted.text if isinstance(wanted, Say) else "x" * 20 + CLOSING
    assert [chunk.text for chunk in chunks[:-1]] == [said[i : i + 4] for i in range(0, 16, 4)]
    assert "".join(chunk.text for chunk in chunks) == said
    for chunk in chunks:
        assert chunk.token_ids == tuple(map(ord, chunk.text))
        assert not chunk.logprobs
    assert [chunk.finish_reason for chunk in chunks] == [None] * 4 + ["stop"]


def test_a_character_of_several_tokens_is_told_with_its_last_one() -> None:
    chunks = run_virtually(lambda: parts(ByteEngine("x" * 99, chunk_tokens=1), Say("a€b")))
    assert [chunk.text for chunk in chunks] == ["a", "", "", "€", "b"]
    assert bytes(token for chunk in chunks for token in chunk.token_ids).decode() == "a€b"


@pytest.mark.parametrize("wanted", [Say("seven rows"), Write(6, CLOSING)])
def test_an_engine_that_stops_early_is_found_out(wanted: Say | Write) -> None:
    with pytest.raises(Mismeasured, match="5 tokens were generated"):
        run_virtually(lambda: told(FakeEngine("x" * 5), wanted))


def test_the_script_is_asked_with_the_call() -> None:
    def script(context: Context, sampling: Sampling) -> Say:
        return Say(f"{context.path} {sampling.max_tokens}")

    async def main() -> str:
        engine = ForcedEngine(FakeEngine("x" * 99), script)
        turn = await converse(engine, [("user", "How many?"), ("assistant", "")], name="root")
        return (await engine.generate(turn.fork("thread-2"), LIMITED)).text

    assert run_virtually(main) == "root/thread-2 3"


def test_who_leaves_early_ends_the_engines_call() -> None:
    engine = FakeEngine("x" * 99, chunk_tokens=1)

    async def main() -> None:
        turn = await converse(engine, [("user", "How many?"), ("assistant", "")])
        async with ForcedEngine(engine, scripted(Write(50))).stream(turn, LIMITED) as chunks:
            async for _ in chunks:
                break

    run_virtually(main)
    assert engine.aborted == 1


def test_a_script_has_something_to_say() -> None:
    with pytest.raises(UsageError, match="says nothing"):
        Say("")
    with pytest.raises(UsageError, match="0 tokens"):
        Write(0, CLOSING)
