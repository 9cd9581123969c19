"""What a synthesis reads of each candidate: its own ids, as much of them as fits, in which order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    ContextTooLong,
    FakeCall,
    FakeEngine,
    Sampling,
    Segment,
    UsageError,
    configured,
    converse,
)
from reasoning import Answer, ChainOfThought, Synthesise
from reasoning.reducing.excerpts import fair_bound
from tests.backends import run_virtually
from tests.reasoning.trained_engine import END_OF_TURN, TrainedEngine

pytestmark = pytest.mark.anyio

LETTERS = "αβγδεζηθ"  # in no text around them
SHORT = Sampling(max_tokens=8)


async def question(engine: FakeEngine | TrainedEngine, text: str = "Why?") -> Context:
    return await converse(engine, [("user", text)], name="root")


def said(text: str, *, end: Sequence[int] = ()) -> Answer:
    """What a thread generated on a fake engine, where a token is a character."""
    context = Context(Segment("assistant", text))
    return Answer(text=text, token_ids=(*map(ord, text), *end), context=context)


def computed(text: str) -> Answer:
    return Answer(text=text)


def shown(call: FakeCall) -> str:
    return call.context.turns[0].text


async def test_what_was_generated_is_read_by_its_ids_not_encoded_anew() -> None:
    engine = TrainedEngine(lambda context: "yes", ["so"])
    # The tokenizer has a token for `so`, and the model wrote it in two.
    candidates = [said("so it is"), computed("so 4")]
    await Synthesise().reduce(candidates, await question(engine), engine)
    ids = engine.fake.calls[0].context.token_ids
    text = "".join(map(chr, ids))
    assert "1. so it is\n2. " in text
    assert ids.count(engine.id_of("so")) == 1
    assert "1. so it is\n2. so 4\n" in shown(engine.fake.calls[0])


@pytest.mark.parametrize(
    "end", [(), (END_OF_TURN,), tuple(map(ord, "</done>")), (*map(ord, "##"), END_OF_TURN)]
)
async def test_what_ended_a_thread_does_not_end_the_turn_it_is_put_into(
    end: tuple[int, ...],
) -> None:
    engine = TrainedEngine(lambda context: "yes")
    candidates = [said("It is 4, or > 4", end=end), said("5")]
    await Synthesise().reduce(candidates, await question(engine), engine)
    assert "1. It is 4, or > 4\n2. 5\n\nUse" in "".join(
        map(chr, engine.fake.calls[0].context.token_ids)
    )


async def test_ids_that_do_not_say_the_text_are_not_used() -> None:
    engine = FakeEngine("yes")
    answer = Answer(text="It is 4.", token_ids=tuple(map(ord, "x" * 40)))
    await Synthesise().reduce([answer], await question(engine), engine)
    assert "1. It is 4.\n" in "".join(map(chr, engine.calls[0].context.token_ids))


async def test_a_thread_that_said_nothing_keeps_its_number() -> None:
    engine = TrainedEngine(lambda context: "yes")
    candidates = [said("", end=(END_OF_TURN,)), said("4")]
    await Synthesise().reduce(candidates, await question(engine), engine)
    assert "1. \n2. 4\n" in "".join(map(chr, engine.fake.calls[0].context.token_ids))


@pytest.mark.parametrize("text_only", [False, True])
async def test_only_the_tail_of_each_is_read_where_that_is_asked(text_only: bool) -> None:
    engine = FakeEngine("yes", text_only=text_only)
    tokens = 4 if text_only else 16  # four characters count as one
    long = said("a" * 30 + "the end is here.")
    if text_only:
        long = Answer(text=long.text, context=Context(Segment("assistant", long.text)))
    reducer = Synthesise(tail_tokens=tokens)
    answer = await reducer.reduce([long, said("short")], await question(engine), engine)
    assert "1. ... the end is here.\n2. short\n" in shown(engine.calls[0])
    assert answer.remark == ""


@given(
    lengths=st.lists(st.integers(0, 300), min_size=1, max_size=8),
    window=st.integers(200, 2000),
    most=st.integers(1, 500),
    tail=st.none() | st.integers(1, 200),
)
def test_whatever_the_threads_they_fit_into_the_window_and_leave_room(
    lengths: list[int], window: int, most: int, tail: int | None
) -> None:
    async def main() -> tuple[Answer, FakeEngine]:
        engine = FakeEngine("z" * 1000, window=window)
        reducer = Synthesise(sampling=Sampling(max_tokens=most), tail_tokens=tail)
        candidates = [
            said(letter * length) for letter, length in zip(LETTERS, lengths, strict=False)
        ]
        return await reducer.reduce(candidates, await question(engine), engine), engine

    answer, engine = run_virtually(main)
    (call,) = engine.calls
    prompt = len(call.context.token_ids)
    read = [shown(call).count(letter) for letter, _ in zip(LETTERS, lengths, strict=False)]
    whole = [length if tail is None else min(length, tail) for length in lengths]
    left = window - (prompt - sum(read))
    assert window - prompt >= min(most, left // 2)
    assert bool(answer.remark) == (read != whole)
    if answer.remark:
        bound = max(read)
        assert read == [min(length, bound) for length in lengths]
        assert f"only the last {bound} tokens" in answer.remark
        # No more was cut than had to be: one more of each, and the summary has less than its share.
        marks = len("... ") * len(lengths)
        assert window - prompt - len(lengths) - marks < min(most, left // 2)


async def test_the_remark_says_how_much_was_read() -> None:
    engine = FakeEngine("yes", window=400)
    candidates = [said("a" * 300), said("b" * 20)]
    answer = await Synthesise(sampling=SHORT).reduce(candidates, await question(engine), engine)
    kept = shown(engine.calls[0]).count("a" * 50)
    assert kept
    assert "b" * 20 in shown(engine.calls[0])
    assert answer.remark.startswith("of each thread only the last ")


async def test_a_server_that_counts_tokens_itself_is_asked_again_with_less() -> None:
    engine = FakeEngine("yes", window=400, text_only=True)
    thread = Context(Segment("assistant", "x"))
    candidates = [Answer(text=letter * 1000, context=thread) for letter in "ab"]
    answer = await Synthesise(sampling=SHORT).reduce(candidates, await question(engine), engine)
    (call,) = engine.calls
    assert "a" * 50 in shown(call)
    assert "b" * 50 in shown(call)
    assert answer.remark.startswith("of each thread only the last ")


@pytest.mark.parametrize("text_only", [False, True])
async def test_what_was_computed_is_read_whole_or_not_at_all(text_only: bool) -> None:
    engine = FakeEngine("yes", window=400, text_only=text_only)
    root = await question(engine)
    thread = Answer(text="t" * 300, context=Context(Segment("assistant", "x")))
    fact = computed("f" * 150)
    await Synthesise(sampling=SHORT).reduce([thread, fact], root, engine)
    assert "f" * 150 in shown(engine.calls[0])
    with pytest.raises(ContextTooLong):
        await Synthesise(sampling=SHORT).reduce([thread, computed("f" * 500)], root, engine)


async def test_a_question_that_fills_the_window_is_too_long() -> None:
    engine = FakeEngine("yes", window=200)
    root = await question(engine, "?" * 300)
    with pytest.raises(ContextTooLong):
        await Synthesise().reduce([said("4")], root, engine)


# Going on from the longest


async def threads_on(engine: FakeEngine, root: Context, number: int = 3) -> list[Answer]:
    method = ChainOfThought()
    return [await method.solve(root.fork(f"thread-{i}"), engine) for i in range(number)]


def thinks(context: Context, sampling: Sampling) -> str:
    number = int(context.path[-1]) if context.path[-1].isdigit() else None
    return "together: \\boxed{7}" if number is None else f"{number}" * (200 if number == 1 else 50)


@pytest.mark.parametrize("order", ["given", "longest first"])
async def test_the_longest_thread_is_found_in_the_cache_where_it_is_gone_on_from(
    order: str,
) -> None:
    engine = FakeEngine(thinks, block_size=16)
    root = await question(engine, "?" * 100)
    candidates = await threads_on(engine, root)
    reducer = configured(Synthesise(), {"order": order})
    answer = await reducer.reduce(candidates, root, engine)
    longest = candidates[1].context
    assert longest is not None
    reused = len((longest if order == "longest first" else root).token_ids)
    cached = answer.usage.cached_tokens
    assert cached is not None
    assert (reused - 1) // 16 * 16 <= cached < reused + 16
    assert answer.value == "7"


async def test_the_others_keep_their_numbers() -> None:
    engine = FakeEngine(thinks)
    root = await question(engine)
    candidates = await threads_on(engine, root)
    await Synthesise(order="longest first").reduce(candidates, root, engine)
    last = engine.calls[-1].context
    assert last.path == "root/thread-1/synthesise"
    assert [turn.role for turn in last.turns] == ["user", "assistant", "user", "assistant"]
    assert "That was finding 2." in last.turns[2].text
    assert f"1. {'0' * 50}\n3. {'2' * 50}\n" in last.turns[2].text


@pytest.mark.parametrize("number", [1, 3])
async def test_no_thread_is_gone_on_from_where_that_cannot_be(number: int) -> None:
    engine = FakeEngine(thinks, window=1000 if number == 1 else 560)
    root = await question(engine, "?" * 100)
    candidates = await threads_on(engine, root, number)
    await Synthesise(sampling=SHORT, order="longest first").reduce(candidates, root, engine)
    elsewhere = await question(engine)
    await Synthesise(order="longest first").reduce(candidates, elsewhere, engine)
    assert [call.context.path for call in engine.calls[-2:]] == ["root/synthesise"] * 2


# Bounds


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(-5, 200))
def test_a_fair_bound_is_the_largest_that_fits(lengths: list[int], room: int) -> None:
    def total(bound: int) -> int:
        return sum(min(length, bound) for length in lengths)

    bound = fair_bound(lengths, room)
    assert total(bound) <= max(room, 0)
    assert bound == max(lengths, default=0) or total(bound + 1) > max(room, 0)


def test_reading_nothing_is_a_wrong_usage() -> None:
    with pytest.raises(UsageError, match="the last 0 tokens of each: at least 1"):
        Synthesise(tail_tokens=0)
