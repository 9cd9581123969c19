"""Hogwild!: what is made of a completion that several workers wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Capabilities,
    CapabilityMissing,
    CappedEngine,
    Collaboration,
    ContextTooLong,
    FakeEngine,
    ForkjoinError,
    Regex,
    Sampling,
    UsageError,
    configured,
    converse,
)
from engines.engine import require_capabilities
from reasoning import Answer, Blackboard, Hogwild, SelfConsistency, draw_threads
from tests import backends
from tests.backends import run_virtually
from tests.reasoning.written_by_workers import WrittenEngine, Wrote

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

SAMPLING = Sampling(seed=5, max_tokens=100, top_p=0.875)
ALICE, BOB = "**Alice [1]:** ", "**Bob [1]:** "
SPOKEN_OF = "no worker ended a step with an answer: this is the last that one spoke of"
CLOSING = "From all of this, the final answer is \\boxed{"
WON = [
    Wrote(0, "7 and 5 are 12.\n\n", ALICE),
    Wrote(1, "So it is \\boxed{12}.\n\n", BOB),
    Wrote(0, "I take \\boxed{11}, no", "**Alice [2]:** "),
]
CLOSED = [
    Wrote(0, "Perhaps the answer is 11.\n\n", ALICE),
    Wrote(1, "Or not", BOB),
    Wrote(None, "12}", CLOSING),
]


async def solved(engine: FakeEngine, method: Hogwild | None = None) -> Answer:
    root = await converse(engine, [("user", "7 + 5?")], name="root")
    return await (method or hogwild()).solve(root, engine)


def hogwild(**options: Any) -> Hogwild:
    return Hogwild(**{"workers": 2, "sampling": SAMPLING, **options})


async def test_it_is_one_call_for_all_workers_after_an_invitation() -> None:
    engine = WrittenEngine(WON)
    method = hogwild(layout="interleaved", question_every=7, step_tokens=9, answer_tokens=3)
    await solved(engine, method)
    (call,) = engine.calls
    assert call.sampling.max_tokens == 2 * 100 + 3
    assert call.sampling.collaboration == method.collaboration
    assert call.sampling.collaboration.workers == ("Alice", "Bob")
    assert call.sampling.collaboration.layout == "interleaved"
    assert (call.sampling.top_p, call.sampling.seed) == (
        0.875,
        SAMPLING.for_branch("root").seed,
    )
    user, open_turn = call.context.turns
    assert user.text.startswith("7 + 5?\n\nAlice and Bob work on this together.")
    assert (open_turn.role, open_turn.text) == ("assistant", "")


async def test_a_step_that_boxes_an_answer_wins_over_what_was_unfinished() -> None:
    engine = WrittenEngine(WON)
    answer = await solved(engine)
    assert (answer.value, answer.truncated, answer.remark) == ("12", False, "")
    assert answer.text == "".join(one.text for one in WON)
    assert answer.token_ids == tuple(map(ord, answer.text))
    assert answer.context is not None
    assert answer.context.turns[-1].text == answer.text
    alice, bob = answer.branches
    assert (alice.path, bob.path) == ("root/Alice", "root/Bob")
    assert alice.answer is not None
    assert bob.answer is not None
    assert alice.answer.text == WON[0].text + WON[2].text
    assert alice.answer.token_ids == tuple(map(ord, alice.answer.text))
    assert (bob.answer.text, bob.answer.value) == (WON[1].text, "12")
    # The one that answered stands where the answer does; nobody goes on after the other's steps alone.
    assert (alice.answer.context, bob.answer.context) == (None, answer.context)
    drawn = draw_threads(answer).splitlines()[1:]
    assert [line.split()[:2] for line in drawn] == [["·", "Alice"], ["★", "Bob"]]
    assert drawn[0].endswith("Bob had the answer")
    assert [branch.status for branch in answer.branches] == ["cancelled", "ok"]


async def test_where_nobody_boxed_an_answer_it_is_that_of_the_closing() -> None:
    answer = await solved(WrittenEngine(CLOSED, "length"))
    assert (answer.value, answer.truncated) == ("12", True)
    assert answer.remark == "no worker boxed an answer: it was asked for at the end"
    assert [branch.status for branch in answer.branches] == ["truncated", "truncated"]
    assert "★" not in draw_threads(answer)


async def test_without_a_closing_what_workers_spoke_of_counts() -> None:
    without = await solved(WrittenEngine(CLOSED[:2], "length"))
    assert without.value == "11"
    unclosed = [*CLOSED[:2], Wrote(None, "12", CLOSING)]
    answer = await solved(WrittenEngine(unclosed, "length"))
    assert (answer.value, answer.remark) == ("11", without.remark)
    assert without.remark == SPOKEN_OF


async def test_no_answer_is_said() -> None:
    answer = await solved(WrittenEngine([CLOSED[1]], "length"))
    assert (answer.value, answer.remark) == (None, "no worker came to an answer")


@given(
    st.lists(
        st.builds(Wrote, st.none() | st.integers(0, 2), st.text("ab.\n", max_size=9)), max_size=9
    ),
    st.sampled_from(["stop", "length"]),
    st.integers(0, 20),
    st.integers(1, 5),
)
def test_nothing_is_counted_twice_and_nothing_is_lost(
    passages: list[Wrote], reason: Any, unsaid: int, step_tokens: int
) -> None:
    # The closing is the last, and there is one.
    steps = [replace(one, header="by me: ") for one in passages if one.worker is not None]
    written = [*steps, Wrote(None, "7}", CLOSING)]

    async def main() -> None:
        engine = WrittenEngine(written, reason, unsaid=unsaid)
        answer = await solved(engine, hogwild(workers=3, step_tokens=step_tokens))
        statistics = await engine.statistics()
        assert answer.usage.prompt_tokens == statistics.prompt_tokens
        assert answer.usage.generated_tokens == statistics.generated_tokens
        told = [branch.answer for branch in answer.branches if branch.answer is not None]
        assert len(told) == 3
        inside = sum(one.usage.generated_tokens for one in told)
        assert inside + 2 + unsaid == answer.usage.generated_tokens
        longest = max(
            branch.critical_path for branch in answer.branches if branch.status != "cancelled"
        )
        # A round is a token of each of them, whether it is in a step or not.
        rounds = -(-(inside + unsaid) // 3)
        assert answer.critical_path == max(longest, rounds) + 2
        assert all(one.critical_path == one.usage.generated_tokens for one in told)

    run_virtually(main)


async def test_what_was_cut_in_the_midst_of_steps_is_told_and_took_the_rounds_that_it_took() -> (
    None
):
    bob = Wrote(1, "b" * 46 + "\n\n", BOB)
    answer = await solved(WrittenEngine([bob], "length", unsaid=96), hogwild(workers=3))
    assert answer.critical_path == 48
    assert answer.remark.endswith("96 tokens of unfinished steps are in nobody's text")
    assert "unfinished" not in (await solved(WrittenEngine(CLOSED, "length"))).remark


async def test_one_worker_is_one_thread() -> None:
    written = [Wrote(0, "7 and 5.\n\n", ALICE), Wrote(None, "12}", CLOSING)]
    answer = await solved(WrittenEngine(written, "length", unsaid=3), hogwild(workers=1))
    assert answer.critical_path == answer.usage.generated_tokens


async def test_a_worker_that_only_repeats_is_told_of() -> None:
    again = Wrote(0, "on and on ", ALICE)
    fine = Wrote(1, "Yes.\n\n", BOB)
    answer = await solved(WrittenEngine([again, fine, again, fine], "length"), _short())
    alice, bob = answer.branches
    assert alice.answer is not None
    assert bob.answer is not None
    assert alice.answer.remark == "it ended no step by itself: 2 steps cut at 10 tokens"
    assert (bob.answer.remark, answer.remark) == ("", "no worker came to an answer")
    both = [again, replace(again, worker=1), again, Wrote(1, "on", BOB)]
    answer = await solved(WrittenEngine(both, "length"), _short())
    assert "no worker ended a step, all were cut at 10 tokens" in answer.remark


async def test_a_window_that_ended_it_is_told() -> None:
    engine = WrittenEngine(CLOSED, "length", window=400)
    answer = await solved(engine)
    assert (answer.limit, answer.cut_by) == ("the window of 400 tokens ended it",) * 2
    wide = await solved(WrittenEngine(CLOSED, "length", window=4000))
    assert wide.cut_by == "it reached its token limit"
    # So many that no further round of two fits.
    full = [Wrote(0, "x" * 100, ALICE), Wrote(1, "x" * 99, BOB)]
    answer = await solved(WrittenEngine(full, "length", window=400))
    assert answer.limit == ""


async def test_an_engine_whose_cache_is_not_shared_refuses_before_it_is_asked() -> None:
    inner = FakeEngine(text_only=True)
    for engine in (inner, CappedEngine(inner, 9)):
        # Over texts alone the blackboard is refused too.
        with pytest.raises(CapabilityMissing, match=r"--engine hogwild$"):
            await hogwild().solve(await converse(engine, [("user", "7 + 5?")]), engine)
    assert inner.calls == []
    unshared = Unshared()
    with pytest.raises(
        CapabilityMissing, match=r"--engine hogwild, or take the method blackboard$"
    ):
        require_capabilities(unshared, Sampling(collaboration=hogwild().collaboration))


class Unshared(FakeEngine):
    """Takes ids, and has no cache that workers share."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, collaboration=False)


@pytest.mark.parametrize("method", [Hogwild, Blackboard])
async def test_of_many_workers_a_dozen_are_named_and_the_rest_is_counted(
    method: type[Hogwild | Blackboard],
) -> None:
    engine = FakeEngine()
    root = await converse(engine, [("user", "7 + 5?")])
    said = (await method(workers=200).invited(root, engine)).turns[0].text
    assert "Kevin, Laura and 188 others work on this together." in said
    dozen = (await method(workers=12).invited(root, engine)).turns[0].text
    assert "Kevin and Laura work on this together." in dozen
    small = FakeEngine(window=len(root.token_ids) + 20)
    with pytest.raises(ContextTooLong, match="take fewer than 200 workers"):
        await method(workers=200).solve(root, small)


@pytest.mark.parametrize("method", [Hogwild, Blackboard])
@pytest.mark.parametrize("workers", [3.5, "3", True, None])
def test_a_number_of_workers_is_a_whole_number(
    method: type[Hogwild | Blackboard], workers: Any
) -> None:
    with pytest.raises(UsageError, match=f"^{workers!r} workers: a whole number is needed$"):
        method(workers=workers)


async def test_it_can_be_voted_on() -> None:
    engine = WrittenEngine(WON)
    root = await converse(engine, [("user", "7 + 5?")], name="root")
    vote = SelfConsistency(samples=3, method=hogwild())
    answer = await vote.solve(root, engine)
    assert answer.value == "12"
    assert len({call.sampling.seed for call in engine.calls}) == 3
    assert len({call.context.path for call in engine.calls}) == 3
    assert answer.critical_path < answer.usage.generated_tokens / 3


def test_its_options_are_its_fields() -> None:
    found = configured(
        Hogwild(), {"workers": "8", "layout": "contiguous", "sampling.max_tokens": "9"}
    )
    assert found == Hogwild(workers=8, layout="contiguous", sampling=Sampling(max_tokens=9))
    with pytest.raises(UsageError, match="layout=round: "):
        configured(Hogwild(), {"layout": "round"})
    with pytest.raises(ForkjoinError, match="0 workers: at least 1 is needed"):
        configured(Hogwild(), {"workers": "0"})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"step_tokens": 0}, "step_tokens is 0: it should be greater than or equal to 1"),
        ({"layout": "round"}, "layout is 'round': it should be 'combined', 'contiguous' or"),
        ({"sampling": Sampling(stop=("\n",))}, "sampling.stop is .*: workers end their steps"),
        ({"sampling": Sampling(stop_token_ids=(3,))}, "sampling.stop_token_ids is"),
        (
            {"sampling": Sampling(collaboration=Collaboration(workers=("A",)))},
            "sampling.collaboration is what a team is made into: leave it out",
        ),
        ({"sampling": Sampling(constraint=Regex(pattern="a"))}, "sampling.constraint is"),
    ],
)
@pytest.mark.parametrize("method", [Hogwild, Blackboard])
def test_what_no_team_can_have_is_told_in_a_line(
    method: type[Hogwild | Blackboard], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        method(**options)
    assert "\n" not in str(raised.value)


async def test_braces_of_an_invitation_are_text() -> None:
    engine = WrittenEngine(WON)
    await solved(engine, hogwild(invitation=" {names}: write \\boxed{x} and {this}"))
    assert (
        engine.calls[0].context.turns[0].text == "7 + 5? Alice and Bob: write \\boxed{x} and {this}"
    )


def _short() -> Hogwild:
    return hogwild(step_tokens=10)
