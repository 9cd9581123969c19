"""What every engine says of how likely tokens were; part of the contract."""

from __future__ import annotations

import math

import pytest

from engines import Engine
from engines.choosing import score_choice
from tests.engines.checks import GREEDY, check, question


@check(needs_logprobs=True)
async def tokens_come_with_their_logprobs(engine: Engine) -> None:
    context = await question(engine)
    sampling = GREEDY.model_copy(update={"logprobs": 2})
    completion = await engine.generate(context, sampling)
    async with engine.stream(context, sampling) as stream:
        chunks = [chunk async for chunk in stream]
    assert len(completion.logprobs) == completion.usage.generated_tokens
    streamed = [place.chosen for chunk in chunks for place in chunk.logprobs]
    whole = [place.chosen for place in completion.logprobs]
    assert [(token.text, token.token_id) for token in streamed] == [
        (token.text, token.token_id) for token in whole
    ]
    # A prompt that is cached by now is computed in other batches.
    for one, other in zip(streamed, whole, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-3)
    for chunk in chunks:
        assert len(chunk.logprobs) == len(chunk.token_ids) or not chunk.token_ids
    for place in completion.logprobs:
        values = [token.value for token in place.top]
        assert place.chosen.value == max(values) <= 0
        assert values == sorted(values, reverse=True)
        assert 1 <= len(values) <= 2
    unasked = await engine.generate(context, GREEDY)
    assert (unasked.text, unasked.logprobs) == (completion.text, ())


@check(needs_ids=True, needs_logprobs=True)
async def logprobs_belong_to_the_ids(engine: Engine) -> None:
    context = await question(engine)
    whole = (await engine.generate(context, GREEDY)).text
    stop = whole[len(whole) // 2 :][:3]
    sampling = GREEDY.model_copy(update={"logprobs": 0, "stop": (stop,)})
    stopped = await engine.generate(context, sampling)
    assert tuple(place.chosen.token_id for place in stopped.logprobs) == stopped.token_ids
    assert not any(place.top for place in stopped.logprobs)


@check(needs_ids=True, needs_constraints=True, needs_logprobs=True)
async def a_constraint_counts_before_logprobs(engine: Engine) -> None:
    """What it forbids has no part in them: the options' add up to 1, however unlikely the model finds all of them."""
    digits = [str(digit) for digit in range(10)]
    chosen = await score_choice(engine, await question(engine), digits, GREEDY)
    (place,) = chosen.completion.logprobs
    assert {token.text for token in place.top} <= set(digits)
    assert math.fsum(math.exp(token.value) for token in place.top) == pytest.approx(1, abs=1e-3)
    assert max(digits, key=lambda digit: chosen.probabilities[digit]) == chosen.completion.text
