from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    CapabilityMissing,
    Choice,
    Completion,
    Constraint,
    Context,
    ContextTooLong,
    EngineDead,
    EngineUnavailable,
    FakeEngine,
    Grammar,
    JsonSchema,
    Logprob,
    Regex,
    RequestRejected,
    Sampling,
    Scripted,
    Segment,
    TokenLogprobs,
    converse,
)
from tests import backends
from tests.backends import run_virtually

anyio_backend = backends.virtual_backend


def prompt(text: str = "question", name: str = "root") -> Context:
    return Context(Segment("user", text, tuple(map(ord, text))), name=name)


async def reply_of(engine: FakeEngine, sampling: Sampling | None = None) -> str:
    return (await engine.generate(prompt(), sampling or Sampling())).text


@pytest.mark.anyio
async def test_one_text_answers_every_call() -> None:
    engine = FakeEngine("same")
    assert [await reply_of(engine), await reply_of(engine)] == ["same", "same"]


@pytest.mark.anyio
async def test_a_list_answers_in_the_order_of_the_calls_and_raises_its_errors() -> None:
    engine = FakeEngine(["one", EngineUnavailable("busy"), "three"])
    assert await reply_of(engine) == "one"
    with pytest.raises(EngineUnavailable, match="busy"):
        await reply_of(engine)
    assert await reply_of(engine) == "three"


@pytest.mark.anyio
async def test_a_call_beyond_the_end_of_a_list_fails_as_a_call_does() -> None:
    engine = FakeEngine(["one", "two", "three"])
    for _ in range(3):
        await reply_of(engine)
    with pytest.raises(RequestRejected) as caught:
        await reply_of(engine)
    told = "the script has 3 replies, and this is call 4: give more, or a function"
    assert (str(caught.value), engine.aborted) == (told, 0)


@pytest.mark.anyio
async def test_a_function_answers_by_context_and_sampling() -> None:
    engine = FakeEngine(lambda context, sampling: f"{context.path} {sampling.seed}")
    assert await reply_of(engine, Sampling(seed=5)) == "root 5"


@pytest.mark.anyio
async def test_an_async_function_may_wait_before_it_answers() -> None:
    go = anyio.Event()

    async def script(context: Context, sampling: Sampling) -> str:
        await go.wait()
        return "late"

    engine = FakeEngine(script)
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            assert await reply_of(engine) == "late"

        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert (await engine.statistics()).running == 1
        go.set()
    assert (await engine.statistics()).running == 0


@pytest.mark.anyio
async def test_calls_are_kept_for_the_test_to_look_at() -> None:
    engine = FakeEngine("x")
    context, sampling = prompt(), Sampling(seed=1)
    await engine.generate(context, sampling)
    assert engine.calls[0].context is context
    assert engine.calls[0].sampling == sampling


@pytest.mark.anyio
async def test_a_stop_text_ends_the_reply_and_is_cut() -> None:
    engine = FakeEngine("one\ntwo END three")
    completion = await engine.generate(prompt(), Sampling(stop=("END", "\n")))
    assert (completion.text, completion.finish_reason, completion.stop_reason) == (
        "one",
        "stop",
        "\n",
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("most", "text", "reason"), [(3, "abc", "length"), (6, "abcdef", "stop"), (7, "abcdef", "stop")]
)
async def test_max_tokens_cuts_a_longer_reply(most: int, text: str, reason: str) -> None:
    completion = await FakeEngine("abcdef").generate(prompt(), Sampling(max_tokens=most))
    assert (completion.text, completion.finish_reason) == (text, reason)
    assert completion.usage.generated_tokens == len(text)


@pytest.mark.anyio
async def test_a_stop_text_beyond_max_tokens_does_not_count() -> None:
    completion = await FakeEngine("abcEND").generate(
        prompt(), Sampling(max_tokens=2, stop=("END",))
    )
    assert (completion.text, completion.finish_reason) == ("ab", "length")


@pytest.mark.anyio
async def test_the_window_leaves_less_room_and_refuses_what_fills_it() -> None:
    engine = FakeEngine("abcdef", window=10)
    assert (await engine.generate(prompt("12345678"), Sampling())).text == "ab"
    with pytest.raises(ContextTooLong) as caught:
        await engine.generate(prompt("1234567890"), Sampling())
    assert (caught.value.tokens, caught.value.window) == (10, 10)
    assert len(engine.calls) == 1


@pytest.mark.anyio
async def test_an_empty_reply_is_a_completion_too() -> None:
    completion = await FakeEngine("").generate(prompt(), Sampling())
    assert (completion.text, completion.finish_reason) == ("", "stop")


@given(st.text(max_size=40), st.integers(1, 10))
def test_chunks_of_any_size_make_the_same_completion(text: str, size: int) -> None:
    async def main() -> Completion:
        return await FakeEngine(text, chunk_tokens=size).generate(prompt(), Sampling())

    completion = run_virtually(main)
    assert completion.text == text
    assert completion.token_ids == tuple(map(ord, text))
    assert completion.usage.generated_tokens == len(text)


@given(
    st.lists(
        st.tuples(st.text("ab", min_size=1, max_size=12), st.text("ab", max_size=8)), max_size=8
    ),
    st.integers(1, 4),
)
def test_the_prefix_cache_holds_whole_blocks_of_everything_seen(
    exchanges: list[tuple[str, str]], block: int
) -> None:
    async def main() -> list[int | None]:
        engine = FakeEngine([reply for _, reply in exchanges], block_size=block)
        return [
            (await engine.generate(prompt(text), Sampling())).usage.cached_tokens
            for text, _ in exchanges
        ]

    seen: list[str] = []
    expected = []
    for text, reply in exchanges:
        # The last token is computed in any case, and the last one generated has no KV.
        shared = [
            length
            for length in range(0, len(text), block)
            if any(s.startswith(text[:length]) and len(s) >= length for s in ["", *seen])
        ]
        expected.append(max(shared))
        seen += [text, (text + reply)[:-1]]
    assert run_virtually(main) == expected


def test_forks_that_start_at_the_same_time_compute_their_prefix_once() -> None:
    async def main() -> list[int | None]:
        engine = FakeEngine("ok", latency=1, block_size=16)
        root = prompt("x" * 160)
        cached: list[int | None] = []

        async def ask(number: int) -> None:
            fork = root.fork(f"sample-{number}", Segment("user", "go", (1, 2)))
            cached.append((await engine.generate(fork, Sampling())).usage.cached_tokens)

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(ask, number)
        return cached

    assert sorted(run_virtually(main), key=lambda n: n or 0) == [0] + [160] * 7


@given(st.text("ab", max_size=20), st.integers(0, 50), st.integers(0, 9), st.integers(1, 7))
def test_a_call_takes_its_latency_and_its_tokens_times(
    reply: str, latency: int, seconds_per_token: int, chunk: int
) -> None:
    async def main() -> float:
        engine = FakeEngine(
            reply, latency=latency, seconds_per_token=seconds_per_token, chunk_tokens=chunk
        )
        start = anyio.current_time()
        await engine.generate(prompt(), Sampling())
        return anyio.current_time() - start

    assert run_virtually(main) == latency + seconds_per_token * len(reply)


def test_calls_at_the_same_time_take_the_time_of_the_longest() -> None:
    async def main() -> float:
        engine = FakeEngine(lambda context, sampling: "x" * len(context.path), seconds_per_token=1)
        async with anyio.create_task_group() as group:
            for name in ("a", "bbb", "bb"):
                group.start_soon(engine.generate, prompt(name=name), Sampling())
        return anyio.current_time()

    assert run_virtually(main) == 3


def test_a_call_that_is_cancelled_is_an_abort_and_keeps_what_it_cost() -> None:
    async def main() -> FakeEngine:
        engine = FakeEngine("x" * 100, seconds_per_token=1, chunk_tokens=1)
        with anyio.move_on_after(9.5):
            await engine.generate(prompt(), Sampling())
        return engine

    engine = run_virtually(main)
    assert engine.aborted == 1
    statistics = run_virtually(engine.statistics)
    assert (statistics.generated_tokens, statistics.running) == (9, 0)


@pytest.mark.anyio
async def test_a_call_that_failed_is_no_abort() -> None:
    engine = FakeEngine([EngineUnavailable("no"), "ok"])
    with pytest.raises(EngineUnavailable):
        await reply_of(engine)
    async with engine.stream(prompt(), Sampling()) as chunks:
        await engine.aclose()
        with pytest.raises(EngineDead):
            await anext(chunks)
    assert engine.aborted == 0


@pytest.mark.anyio
async def test_a_stream_left_early_is_an_abort_and_one_read_to_its_end_is_none() -> None:
    engine = FakeEngine("abcdef", chunk_tokens=2)
    async with engine.stream(prompt(), Sampling()) as chunks:
        async for _ in chunks:
            break
    assert engine.aborted == 1
    await reply_of(engine)
    assert engine.aborted == 1
    assert (await engine.statistics()).running == 0


@pytest.mark.anyio
async def test_what_an_aborted_call_generated_is_in_the_cache() -> None:
    engine = FakeEngine("abcdef", chunk_tokens=4, block_size=2)
    root = prompt("12")
    async with engine.stream(root, Sampling()) as chunks:
        async for _ in chunks:
            break
    again = root.extend(Segment("assistant", "abcdef", tuple(map(ord, "abcdef"))))
    completion = await engine.generate(again, Sampling())
    # `12abcd` was there, of which the last token had no KV yet.
    assert completion.usage.cached_tokens == 4


@pytest.mark.anyio
async def test_statistics_add_up_all_calls() -> None:
    engine = FakeEngine("abc")
    usages = [(await engine.generate(prompt(), Sampling())).usage for _ in range(3)]
    statistics = await engine.statistics()
    assert statistics.prompt_tokens == sum(usage.prompt_tokens for usage in usages) == 24
    assert statistics.generated_tokens == sum(usage.generated_tokens for usage in usages) == 9


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (Choice(options=("yes", "no")), "yes", "maybe"),
        (Regex(pattern="a+"), "aaa", "aab"),
        (JsonSchema(definition={"type": "object"}), '{"a": 1}', "{"),
    ],
)
async def test_a_script_that_breaks_the_constraint_is_a_bug(
    constraint: Constraint, good: str, bad: str
) -> None:
    sampling = Sampling(constraint=constraint)
    assert await reply_of(FakeEngine(good), sampling) == good
    with pytest.raises(AssertionError, match="breaks the constraint"):
        await reply_of(FakeEngine(bad), sampling)


@pytest.mark.anyio
async def test_grammars_are_left_to_the_script() -> None:
    assert await reply_of(FakeEngine("b"), Sampling(constraint=Grammar(rules='root ::= "a"')))


@pytest.mark.anyio
async def test_after_closing_calls_fail_and_closing_again_does_nothing() -> None:
    engine = FakeEngine("abcd", chunk_tokens=1)
    async with engine.stream(prompt(), Sampling()) as chunks:
        assert (await anext(chunks)).text == "a"
        await engine.aclose()
        with pytest.raises(EngineDead):
            await anext(chunks)
    await engine.aclose()
    with pytest.raises(EngineDead):
        await reply_of(engine)
    assert len(engine.calls) == 1


@pytest.mark.anyio
async def test_text_and_ids_go_both_ways() -> None:
    engine = FakeEngine()
    context = await converse(engine, [("user", "hi"), ("assistant", "")])
    assert await engine.decode(context.token_ids) == "<|user|>hi<|assistant|>"
    more = await engine.encode(" there", role="assistant", after=context)
    assert more.token_ids == tuple(map(ord, " there"))


@pytest.mark.anyio
async def test_a_text_only_engine_has_no_ids_and_continues_no_turn() -> None:
    engine = FakeEngine("4", text_only=True)
    context = await converse(engine, [("user", "2 + 2?"), ("assistant", "")])
    completion = await engine.generate(context, Sampling())
    assert (completion.text, completion.token_ids) == ("4", ())
    with pytest.raises(CapabilityMissing, match="cannot continue"):
        await engine.generate(completion.context, Sampling())
    with pytest.raises(CapabilityMissing, match="cannot decode"):
        await engine.decode((1,))


@pytest.mark.anyio
async def test_a_script_says_how_likely_its_tokens_were_to_who_asks() -> None:
    seven, three = Logprob("7", -0.5), Logprob("3", -1.5)
    script = Scripted("7!", [TokenLogprobs(seven, (seven, three)), TokenLogprobs(Logprob("!", -2))])
    engine = FakeEngine(script, chunk_tokens=1)
    asked = await engine.generate(prompt(), Sampling(logprobs=1, stop=("!",)))
    assert asked.logprobs == (TokenLogprobs(seven, (seven,)),)
    assert (await engine.generate(prompt(), Sampling())).logprobs == ()
    with pytest.raises(ValueError, match="1 logprobs for 'ab'"):
        Scripted("ab", [TokenLogprobs(seven)])


@pytest.mark.anyio
@pytest.mark.parametrize("text_only", [False, True])
async def test_what_a_plain_script_says_is_certain(text_only: bool) -> None:
    engine = FakeEngine("ab", text_only=text_only)
    a = Logprob("a", 0.0, None if text_only else ord("a"))
    completion = await engine.generate(prompt(), Sampling(logprobs=20, max_tokens=1))
    assert completion.logprobs == (TokenLogprobs(a, (a,)),)


@pytest.mark.anyio
async def test_a_conversation_begun_after_a_context_forks_it_once() -> None:
    engine = FakeEngine()
    root = await converse(engine, [("user", "a")], name="root")
    branch = await converse(engine, [("user", "b"), ("assistant", "")], after=root, name="x")
    assert branch.path == "root/x"
    assert branch.lineage[0] is root
    with pytest.raises(ValueError, match="needs a turn"):
        await converse(engine, [])
