from __future__ import annotations

import pytest

from engines import STREAMED, WHOLE, Delivery, FakeEngine, PartwiseEngine, Sampling, converse


@pytest.mark.anyio
@pytest.mark.parametrize("delivery", [WHOLE, STREAMED, Delivery(interval=3)])
async def test_in_parts_a_caller_gets_what_it_asked_for(delivery: Delivery) -> None:
    engine = FakeEngine("x" * 40, chunk_tokens=16)
    prompt = await converse(engine, [("user", "2 + 2?"), ("assistant", "")], name="root")
    partwise = PartwiseEngine(engine)
    async with partwise.stream(prompt, Sampling(), delivery) as chunks:
        read = [chunk async for chunk in chunks]
    assert "".join(chunk.text for chunk in read) == "x" * 40
    assert len(read) == (1 if delivery.whole else 3)
    assert (read[-1].finish_reason, read[-1].usage.generated_tokens) == ("stop", 40)
    asked = engine.calls[0].delivery
    assert not asked.whole
    assert asked.interval == (16 if delivery.whole else delivery.interval)
