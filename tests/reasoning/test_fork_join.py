"""The tests that systems.md names in 2.5 and 4.5: states, headers, labels, caps, depth, order, accounts.

Repairs, failures and the end of the model in a thread are in test_fork_join_mending, budgets and the window in
test_fork_join_limits, balanced tags for any output in test_fork_join_tokens and test_fork_join_balance, the formula
of the token latency in test_latency.
"""

from __future__ import annotations

import re
from dataclasses import replace

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    FakeEngine,
    Sampling,
    converse,
)
from reasoning import Answer
from tests.backends import run_virtually
from tests.reasoning.forking_engines import (
    question,
    said,
)
from tests.reasoning.forking_scripts import (
    GOAL,
    OPENING,
    REST,
    VERSE,
    WEAVER,
    Reply,
    label,
    script,
    solve,
)

# State sequences and exact texts (systems.md 2.5, 4.5).


@pytest.mark.anyio
async def test_a_block_is_forked_merged_and_gone_on_from() -> None:
    answer, engine = await solve(WEAVER, script())
    assert answer.text == (
        f"{OPENING}\n<Thread>\n1: thread 1 </Thread><Thread>\n2: thread 2 </Thread>\n{REST}"
    )
    assert (answer.value, answer.truncated, answer.remark) == ("4", False, "")
    assert [branch.path for branch in answer.branches] == [
        "root/block-1/thread-1",
        "root/block-1/thread-2",
    ]
    first, *threads, last = [call.context for call in engine.calls]
    assert (first.path, last.path) == ("root", "root/round-1")
    assert {said(thread) for thread in threads} == {
        f"{OPENING}\n<Thread>\n1:",
        f"{OPENING}\n<Thread>\n2:",
    }


@pytest.mark.anyio
async def test_each_state_stops_at_its_own_tags() -> None:
    _, engine = await solve(WEAVER, script())
    stops = [call.sampling.stop for call in engine.calls]
    assert stops == [
        ("</Outlines>",),
        ("</Outlines>", "</Thread>"),
        ("</Outlines>", "</Thread>"),
        ("</Outlines>",),
    ]


@pytest.mark.anyio
async def test_multiverse_opens_the_conclusion_itself_and_once() -> None:
    reply = script(
        lambda number: f": path {number}</Path>",
        opening=GOAL,
        rest="<Conclusion>a and b</Conclusion>\n</Parallel> done",
    )
    answer, _ = await solve(VERSE, reply)
    assert answer.text == (
        f"{GOAL}\n<Path>\n1: path 1</Path>\n<Path>\n1.1: path 1.1</Path>"
        "\n<Conclusion>\n a and b</Conclusion>\n</Parallel> done"
    )
    assert answer.text.count("<Conclusion>") == 1
    assert answer.remark == "tags out of place taken out: 1"


@pytest.mark.anyio
async def test_the_first_thread_is_merged_with_the_ids_that_it_was_written_in() -> None:
    answer, engine = await solve(WEAVER, script(lambda number: "x" * 300 + "</Thread>"))
    rest = engine.calls[-1].context.token_ids
    first = answer.branches[0].answer
    assert first is not None
    assert first.context is not None
    assert rest[: len(first.context.token_ids)] == first.context.token_ids


@pytest.mark.anyio
async def test_threads_take_what_is_before_them_from_the_cache() -> None:
    answer, engine = await solve(WEAVER, script(), block_size=16)
    # The fake does not generate the tag that stops it.
    start = len(engine.calls[0].context.token_ids) + len(OPENING) - len("</Outlines>")
    cached = [b.answer.usage.cached_tokens for b in answer.branches if b.answer is not None]
    assert min(count or 0 for count in cached) >= (start - 1) // 16 * 16


@pytest.mark.anyio
async def test_a_label_that_is_repeated_has_one_thread() -> None:
    outlines = "".join(f"<Outline> {n}: x </Outline>" for n in (3, 1, 3, 1, 2))
    opening = f"<Parallel>\n<Outlines>\n{outlines}\n</Outlines>"
    answer, _ = await solve(WEAVER, script(opening=opening))
    labels = re.findall(r"<Thread>\n(\d):", answer.text)
    assert labels == ["3", "1", "2"]
    assert len(answer.branches) == 3


@pytest.mark.anyio
async def test_of_a_thousand_outlines_the_first_are_kept() -> None:
    outlines = "".join(f"<Outline> {n}: x </Outline>" for n in range(1000))
    opening = f"<Parallel>\n<Outlines>\n{outlines}\n</Outlines>"
    method = replace(WEAVER, max_paths=5, sampling=Sampling(max_tokens=100_000))
    answer, _ = await solve(method, script(opening=opening))
    assert len(answer.branches) == 5
    assert answer.remark == "only the first 5 of 1000 outlines were kept"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "outlines", ["", "<Outline></Outline>", "<Outline> no label </Outline>", "1: no outline"]
)
async def test_without_outlines_the_thought_goes_on_in_one_sequence(outlines: str) -> None:
    opening = f"<Parallel>\n<Outlines>\n{outlines}\n</Outlines>"
    answer, engine = await solve(WEAVER, script(opening=opening))
    assert answer.text == opening + REST
    assert len(engine.calls) == 2
    assert not answer.branches
    assert answer.critical_path == answer.usage.generated_tokens


@pytest.mark.anyio
async def test_a_thought_without_a_block_is_one_call() -> None:
    answer, engine = await solve(WEAVER, lambda context, sampling: "The answer is 4.")
    assert (answer.text, answer.value) == ("The answer is 4.", "4")
    assert len(engine.calls) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(("rounds", "blocks"), [(32, 32), (2, 2), (0, 0)])
async def test_there_are_at_most_so_many_blocks(rounds: int, blocks: int) -> None:
    endless = f"</Parallel>{OPENING}" * 3
    method = replace(WEAVER, max_rounds=rounds, sampling=Sampling(max_tokens=100_000))
    answer, engine = await solve(method, script(opening=OPENING + endless, rest=endless))
    assert len(answer.branches) == 2 * blocks
    assert len([call for call in engine.calls if label(call.context) is None]) == blocks + 1
    assert "blocks not forked: " in answer.remark
    assert len({call.context.path for call in engine.calls}) == len(engine.calls)


@pytest.mark.anyio
async def test_blocks_stand_inside_threads() -> None:
    def reply(context: Context, sampling: Sampling) -> str:
        thread = context.path.count("thread")
        if label(context) is None:
            return OPENING if not said(context) else f"</Parallel> {thread} </Thread>"
        return f" inside {OPENING}" if thread == 1 else " innermost </Thread>"

    answer, engine = await solve(WEAVER, reply)
    (first, second) = answer.branches
    assert first.answer is not None
    assert [branch.path for branch in first.answer.branches] == [
        "root/block-1/thread-1/block-1/thread-1",
        "root/block-1/thread-1/block-1/thread-2",
    ]
    assert answer.text.count("innermost") == 4
    assert [b.status for b in (first, second)] == ["ok", "ok"]
    paths = [call.context.path for call in engine.calls]
    assert len(set(paths)) == len(paths)


@pytest.mark.anyio
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
async def test_blocks_stand_so_deep_in_each_other(depth: int) -> None:
    method = replace(WEAVER, max_depth=depth, sampling=Sampling(max_tokens=100_000))
    begun = OPENING.replace("Two parts.", "")
    _, engine = await solve(
        method,
        lambda context, sampling: (
            begun if label(context) or not said(context) else "</Parallel> so"
        ),
    )
    assert max(call.context.path.count("thread") for call in engine.calls) == depth


@pytest.mark.anyio
async def test_a_thread_that_writes_threads_in_one_piece_without_end_is_ended() -> None:
    def reply(context: Context, sampling: Sampling) -> Reply:
        endless = "thread" in context.path
        return "<Parallel><Thread>x</Thread>" if endless else script()(context, sampling)

    method = replace(WEAVER, max_depth=1, max_rounds=3, sampling=Sampling(max_tokens=100_000))
    answer, engine = await solve(method, reply)
    assert len([call for call in engine.calls if "thread-1" in call.context.path]) == 4
    assert [branch.status for branch in answer.branches] == ["truncated", "truncated"]
    assert answer.value == "4"


# Order and waiting.


@given(st.lists(st.integers(0, 3600), min_size=2, max_size=2))
def test_the_order_is_that_of_the_outlines_whoever_ends_first(latencies: list[int]) -> None:
    async def main() -> str:
        async def reply(context: Context, sampling: Sampling) -> Reply:
            number = label(context)
            await anyio.sleep(latencies[int(number) - 1] if number else 0)
            return script()(context, sampling)

        engine = FakeEngine(reply)
        return (await WEAVER.solve(await question(engine), engine)).text

    assert run_virtually(main).index("thread 1") < run_virtually(main).index("thread 2")


@pytest.mark.anyio
async def test_the_longest_thread_may_be_merged_first() -> None:
    method = replace(WEAVER, longest_first=True)
    answer, _ = await solve(
        method, script(lambda n: " short </Thread>" if n == "1" else " longer </Thread>")
    )
    assert "\n<Thread>\n2: longer </Thread><Thread>\n1: short </Thread>\n" in answer.text


@pytest.mark.parametrize("options", [{"wait": "first"}, {"wait": 1}, {"deadline": 10.0}])
def test_threads_that_are_not_waited_for_are_left_out(options: dict[str, object]) -> None:
    async def main() -> tuple[Answer, FakeEngine]:
        async def reply(context: Context, sampling: Sampling) -> Reply:
            await anyio.sleep(3600 if label(context) == "1" else 1)
            return script()(context, sampling)

        engine = FakeEngine(reply)
        method = replace(WEAVER, **options)  # type: ignore[arg-type]  # the values fit
        return await method.solve(await question(engine), engine), engine

    answer, engine = run_virtually(main)
    assert [branch.status for branch in answer.branches] == ["cancelled", "ok"]
    assert answer.text == f"{OPENING}\n<Thread>\n2: thread 2 </Thread>\n{REST}"
    assert engine.aborted == 0 or engine.aborted == 1


@pytest.mark.anyio
async def test_seeds_are_those_of_the_places() -> None:
    _, engine = await solve(WEAVER, script())
    seeds = {call.context.path: call.sampling.seed for call in engine.calls}
    assert seeds == {path: Sampling(seed=1).for_branch(path).seed for path in seeds}
    assert len(set(seeds.values())) == 4


@pytest.mark.anyio
async def test_it_thinks_after_a_conversation() -> None:
    engine = FakeEngine(script())
    root = await converse(engine, [("system", "Be brief."), ("user", "2 + 2?")], name="root")
    answer = await WEAVER.solve(root, engine)
    assert answer.context is not None
    assert [turn.role for turn in answer.context.turns] == ["system", "user", "assistant"]
    assert answer.context.turns[-1].text == answer.text
