from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Chunk, Context, EngineError, FinishReason, Segment, Usage
from engines.completion import collect
from tests import backends

anyio_backend = backends.virtual_backend

counts = st.integers(0, 10**6)
usages = st.builds(
    Usage,
    prompt_tokens=counts,
    cached_tokens=st.none() | counts,
    generated_tokens=counts,
    lower_bound=st.booleans(),
)


@given(usages, usages, usages)
def test_usages_add_up_in_any_grouping_and_order(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Usage() == a


@given(usages, usages)
def test_a_sum_knows_only_what_both_know(a: Usage, b: Usage) -> None:
    total = a + b
    assert total.prompt_tokens == a.prompt_tokens + b.prompt_tokens
    assert total.generated_tokens == a.generated_tokens + b.generated_tokens
    assert (total.cached_tokens is None) == (a.cached_tokens is None or b.cached_tokens is None)
    if a.cached_tokens is not None and b.cached_tokens is not None:
        assert total.cached_tokens == a.cached_tokens + b.cached_tokens
    assert total.lower_bound == (a.lower_bound or b.lower_bound)


def chunk(
    text: str, *, generated: int, reason: FinishReason | None = None, stop: str | None = None
) -> Chunk:
    return Chunk(
        text=text,
        token_ids=tuple(map(ord, text)),
        usage=Usage(prompt_tokens=1, generated_tokens=generated),
        finish_reason=reason,
        stop_reason=stop,
    )


async def replay(chunks: Sequence[Chunk]) -> AsyncIterator[Chunk]:
    for one in chunks:
        yield one


@pytest.mark.anyio
async def test_chunks_make_a_completion_whose_context_goes_on() -> None:
    prompt = Context(Segment("user", "?", (63,)), name="root")
    chunks = [chunk("ab", generated=2), chunk("c", generated=3, reason="stop", stop="d")]
    completion = await collect(prompt, replay(chunks))
    assert completion.text == "abc"
    assert completion.token_ids == (97, 98, 99)
    assert completion.context.parent is prompt
    assert completion.context.token_ids == (63, 97, 98, 99)
    assert completion.context.segment.role == "assistant"
    assert completion.stop_reason == "d"
    assert completion.usage.generated_tokens == 3
    assert not completion.truncated


@pytest.mark.anyio
async def test_a_completion_cut_by_a_limit_is_truncated() -> None:
    prompt = Context(Segment("user", "?", (63,)))
    completion = await collect(prompt, replay([chunk("a", generated=1, reason="length")]))
    assert completion.truncated


@pytest.mark.anyio
async def test_a_text_only_completion_has_no_ids() -> None:
    completion = await collect(
        Context(Segment("user", "?")), replay([chunk("a", generated=1, reason="stop")])
    )
    assert completion.token_ids == ()
    assert not completion.context.has_token_ids


@pytest.mark.anyio
@pytest.mark.parametrize("chunks", [[], [chunk("a", generated=1)]])
async def test_a_stream_without_a_finish_reason_is_an_error(chunks: list[Chunk]) -> None:
    with pytest.raises(EngineError, match="without saying why"):
        await collect(Context(Segment("user", "?", (63,))), replay(chunks))
