"""One call that tells how likely each of several options was."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from engines import (
    STREAMED,
    Choice,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    FakeEngine,
    Logprob,
    Sampling,
    Scripted,
    TokenLogprobs,
    converse,
)
from engines.choosing import Choosing, score_choice
from tests import backends

anyio_backend = backends.virtual_backend

DIGITS = [str(digit) for digit in range(10)]


def place(*top: tuple[str, float]) -> TokenLogprobs:
    tokens = tuple(Logprob(text, math.log(share)) for text, share in top)
    return TokenLogprobs(tokens[0], tokens)


async def choose(engine: Engine, options: list[str]) -> Choosing:
    context = await converse(engine, [("user", "How hard?"), ("assistant", "")])
    return await score_choice(engine, context, options, Sampling(temperature=0, max_tokens=99))


@pytest.mark.anyio
async def test_a_constrained_digit_is_one_token_whose_alternatives_count() -> None:
    engine = FakeEngine(Scripted("7", [place(("7", 0.6), ("3", 0.2))]))
    chosen = await choose(engine, DIGITS)
    assert chosen.probabilities["7"] == pytest.approx(0.75)
    assert chosen.probabilities["3"] == pytest.approx(0.25)
    assert math.fsum(chosen.probabilities.values()) == pytest.approx(1)
    assert (chosen.completion.text, chosen.completion.usage.generated_tokens) == ("7", 1)
    (call,) = engine.calls
    assert call.sampling.constraint == Choice(options=tuple(DIGITS))


@pytest.mark.anyio
async def test_options_of_several_tokens_are_told_apart_by_the_first() -> None:
    places = [place(("y", 0.5), ("no", 0.3), ("n", 0.1)), place(("e", 1.0)), place(("s", 1.0))]
    chosen = await choose(FakeEngine(Scripted("yes", places)), ["yes", "no"])
    assert chosen.probabilities["yes"] == pytest.approx(5 / 9)
    assert chosen.completion.text == "yes"


@pytest.mark.anyio
async def test_what_a_script_without_logprobs_says_is_certain() -> None:
    chosen = await choose(FakeEngine("no"), ["yes", "no"])
    assert chosen.probabilities == {"yes": 0, "no": 1}


class Silent(EngineWrapper):
    """Says nothing of logprobs, like a server that does not know the field."""

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        unasked = sampling.model_copy(update={"logprobs": None})
        return self.inner.stream(context, unasked, delivery)


@pytest.mark.anyio
async def test_without_logprobs_the_option_that_was_generated_has_all() -> None:
    chosen = await choose(Silent(FakeEngine("yes")), ["yes", "no"])
    assert chosen.completion.logprobs == ()
    assert chosen.probabilities == {"yes": 1, "no": 0}


@pytest.mark.anyio
async def test_without_constraints_the_first_token_that_is_not_blank_counts() -> None:
    places = [place((" ", 0.9), ("no", 0.1)), place(("y", 0.9), ("n", 0.1))]
    engine = FakeEngine(Scripted(" y", places), text_only=True)
    chosen = await choose(engine, ["yes", "no"])
    assert engine.calls[0].sampling.constraint is None
    assert chosen.probabilities["yes"] == pytest.approx(0.9)


@pytest.mark.anyio
async def test_an_answer_that_is_no_option_tells_nothing() -> None:
    chosen = await choose(FakeEngine("???", text_only=True), ["yes", "no"])
    assert chosen.probabilities == {"yes": 0.5, "no": 0.5}
    assert not chosen.told


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "probability"), [("no", 0), (" yes, for", 1), ("yes.", 1), ("not", 0.5), ("ye", 1)]
)
async def test_without_logprobs_an_answer_that_begins_with_an_option_is_that_option(
    said: str, probability: float
) -> None:
    engine = Silent(FakeEngine(said, text_only=True))
    context = await converse(engine, [("user", "Sure?"), ("assistant", "")])
    chosen = await score_choice(engine, context, ["yes", "no", "undecided"], Sampling())
    assert chosen.told == (said != "not")
    if chosen.told:
        assert chosen.probabilities["yes"] == probability


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "problem"),
    [(["2", "1", "10"], "'1' begins '10'"), (["", "no"], "'' begins 'no'"), ([], "nothing")],
)
async def test_options_that_tokens_cannot_tell_apart_are_refused(
    options: list[str], problem: str
) -> None:
    """A model that chose 10 would be said to find 1 likely and 10 impossible."""
    engine = FakeEngine("10")
    with pytest.raises(ValueError, match=problem):
        await choose(engine, options)
    assert engine.calls == []
